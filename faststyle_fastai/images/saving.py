"Writing of images, whole or not at all."

from pathlib import Path, PurePath
from typing import Any

import numpy as np
from PIL import Image

from ..core.atomic import atomic_write
from ..core.errors import UsageError
from ..core.extras import extra
from .color import SRGB
from .files import flatten_alpha, floats, to_picture, unit
from .opening import is_tensor

__all__ = ["QUALITY", "check_format", "save_picture"]

QUALITY = 95  # of JPEG and WebP


def save_picture(
    picture: Any,  # an image; a tensor as in `to_picture`; or [H, W, 3 or 4] in [0, 1]
    path: str | Path,  # format by extension; JPEG and WebP have quality 95
    depth: int = 8,  # bits per channel, 8 or 16 (.png, .tif)
    exif: bytes = b"",  # 8-bit files only
) -> Path:
    """Write an image atomically as sRGB, on white if the format has no transparency.

    Raises `ValueError` for an unknown extension, and for a `depth` that it does not have.
    """
    path = check_format(path, depth)
    suffix = path.suffix.lower()
    with atomic_write(path) as temporary:
        if depth == 16:
            values = unit(picture).cpu().numpy() if is_tensor(picture) else picture
            values = floats(values) if isinstance(values, Image.Image) else values
            values = (values * 65535).round().astype(np.uint16)
            library, write = DEEP[suffix]
            write(extra(library, "deep"), temporary, values)
        else:
            image = to_picture(picture) if is_tensor(picture) else picture
            if image.mode == "RGBA" and suffix not in TRANSPARENT:
                image = flatten_alpha(image)
            options: dict[str, Any] = {"subsampling": 0} if suffix in (".jpg", ".jpeg") else {}
            if exif:
                options["exif"] = exif
            image.save(temporary, quality=QUALITY, icc_profile=SRGB, **options)
    return path


def _deep_png(numpngw, path, values):
    numpngw.write_png(str(path), values, iccp=("sRGB", SRGB))


def _deep_tiff(tifffile, path, values):
    opacity = ["unassalpha"] * (values.shape[-1] - 3)
    tifffile.imwrite(path, values, photometric="rgb", extrasamples=opacity, iccprofile=SRGB)


DEEP_TIFF = "tifffile", _deep_tiff
DEEP = {".png": ("numpngw", _deep_png), ".tif": DEEP_TIFF, ".tiff": DEEP_TIFF}  # Pillow: 8 bits
TRANSPARENT = {".png", ".webp", ".tif", ".tiff", ".gif", ".avif"}


def check_format(path: str | PurePath, depth: int = 8) -> Path:
    "Return `path` if its format can be written at this bit depth; otherwise raise `ValueError`."
    path = Path(path)
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise ValueError(
            f"{path}: unsupported image format '{path.suffix}'. Use .jpg, .png or .webp."
        )
    if depth not in (8, 16):
        raise UsageError(f"Invalid depth={depth}. Use 8 or 16 bits.")
    if depth == 16:
        if path.suffix.lower() not in DEEP:
            raise ValueError(f"{path} cannot store 16 bits per channel. Use {', '.join(DEEP)}.")
        extra(DEEP[path.suffix.lower()][0], "deep")
    return path
