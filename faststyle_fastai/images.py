"Pictures in and out: upright RGB from any file Pillow reads, and files that appear whole."

import re
import sys
import warnings
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps
from torch import Tensor

from .colors import SRGB, other_colors, srgb
from .download import download, is_address
from .errors import FaststyleError, extra
from .files import whole_file

# Pillow's notes on odd EXIF or palettes. Not caught per picture: that is not safe in threads.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

with suppress(ImportError):  # the extra `heic`; Pillow itself reads AVIF
    from pillow_heif import register_heif_opener

    register_heif_opener()

__all__ = [
    "check_format",
    "exif_of",
    "limit_pixels",
    "on_white",
    "read_picture",
    "read_tensor",
    "read_upright",
    "resized_tensor",
    "save_picture",
    "size_of",
    "to_picture",
    "to_tensor",
]


HEIC = ".heic", ".heif"

# EXIF of how a file is stored, which what is written need not share.
STORAGE = [tag for tag in ExifTags.Base if tag.name in (
    "Orientation", "ImageWidth", "ImageLength", "BitsPerSample", "Compression",
    "PhotometricInterpretation", "FillOrder", "StripOffsets", "SamplesPerPixel", "RowsPerStrip",
    "StripByteCounts", "PlanarConfiguration", "Predictor", "ColorMap", "TileWidth", "TileLength",
    "TileOffsets", "TileByteCounts", "SubIFDs", "ExtraSamples", "SampleFormat", "JPEGTables",
    "JpegIFOffset", "JpegIFByteCount", "YCbCrSubSampling", "YCbCrPositioning", "InterColorProfile",
)]  # fmt: skip


def read_picture(
    source: str | Path | Image.Image | np.ndarray | Tensor,  # an http(s) address too; [H, W(, 3)]
    shortest: int | None = None,  # px; a JPEG may be decoded smaller, its short side ≥ this
) -> Image.Image:  # RGB
    "A picture as it is meant to be seen: upright, sRGB, on white where it is transparent."
    with opened(source) as image:
        if shortest:
            image.draft("RGB", (shortest, shortest))
        return on_white(_upright(image))


def read_tensor(
    source,  # as above; a tensor [B, 3 or 4, H, W] stays as it is
) -> Tensor:  # [1, 3, H, W] in [0, 1], with its opacity [1, 4, H, W]
    "A picture to be painted: upright, sRGB, in all of its bits; of a film the first picture."
    if isinstance(source, Tensor):
        return source if source.dim() == 4 else source[None]
    with opened(source) as image:
        if (frames := getattr(image, "n_frames", 1)) > 1:
            warnings.warn(f"{source} has {frames} pictures: the first is used.", stacklevel=3)
        if _is_deep_gray(image):
            gray = torch.from_numpy(_gray(ImageOps.exif_transpose(image)))
            return gray.expand(1, 3, -1, -1)
        x = to_tensor(_upright(image))
    lower = _lower_bytes(source)
    if lower is None or lower.shape != x.shape:
        return x
    return (x * 256 + lower) * 255 / 65535


def read_upright(
    source,  # as above
) -> Image.Image:  # RGB, or RGBA if any of it is transparent
    "A picture to be painted, in 8 bits a colour."
    with opened(source) as image:
        return _upright(image)


def size_of(
    source,  # as above
) -> tuple[int, int]:
    "A picture's width and height as it is stored, or height and width if that is turned."
    if isinstance(source, Tensor):
        return source.shape[-1], source.shape[-2]
    with opened(source) as image:
        return image.size


def limit_pixels(
    megapixels: float,  # Pillow's own limit is 179
):
    "Refuse to read larger pictures: a small file may unpack to more than the memory holds."
    Image.MAX_IMAGE_PIXELS = round(megapixels * 5e5)  # Pillow refuses from twice that on
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)


@contextmanager
def opened(source):
    "A picture to be read from; what is wrong with it is one line that names it."
    if isinstance(source, Tensor):
        source = to_picture(source)
    if isinstance(source, np.ndarray):
        source = Image.fromarray(source)
    if isinstance(source, Image.Image):
        yield source
        return
    file = BytesIO(download(source)) if is_address(source) else Path(source)
    if isinstance(file, Path) and not file.is_file():
        raise FileNotFoundError(f"no picture {file}.")
    try:
        with Image.open(file) as image:
            yield image
    except FaststyleError:
        raise
    except Exception as error:  # damaged files make Pillow raise nearly anything
        why = "not a picture" if "cannot identify" in str(error) else str(error)
        if str(source).lower().endswith(HEIC):
            why += ', or one that takes pip install "faststyle_fastai[heic]"'
        raise ValueError(f"{source} cannot be read: {why}.") from None


def _upright(image):
    "As it is meant to be seen: RGB, or RGBA if any of it is transparent."
    profile = image.info.get("icc_profile")
    image.load()
    if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:  # else it would be copied too
        image = ImageOps.exif_transpose(image)
    if _is_deep_gray(image):  # Pillow would clip it
        image = Image.fromarray((_gray(image) * 255).round().astype(np.uint8))
    if not image.has_transparency_data:
        return srgb(image, profile)
    image = image.convert("RGBA")
    seen = srgb(image.convert("RGB"), profile)
    seen.putalpha(image.getchannel("A"))
    return seen


def _is_deep_gray(image):
    return image.mode.startswith("I") or image.mode == "F"


def _gray(image):
    "Gray of more than 8 bits, float32 in [0, 1]; 32 bits may hold values of 8 or 16."
    values = np.asarray(image).astype(np.float32)
    most = values.max(initial=0)
    fits = (top for top in (1, 255, 65535)["F" not in image.mode :] if most <= top)
    top = 65535 if ";16" in image.mode else next(fits, most)
    return (values / top).clip(0, 1)


def _lower_bytes(source):
    "Of a file of 16 bits a colour the lower ones, which Pillow leaves out; None of any other."
    if not isinstance(source, (str, Path)):
        return None
    with opened(source) as image:
        if not image.tile or other_colors(image.info.get("icc_profile")):
            return None
        args = image.tile[0].args
        if not re.match(r"RGB\w*;16[BLN]$", str(args[0] if isinstance(args, tuple) else args)):
            return None
        image.tile = [tile._replace(args=_swapped(tile.args)) for tile in image.tile]
        return to_tensor(ImageOps.exif_transpose(image))


def _swapped(args):
    "What a decoder is told, with the order of bytes reversed: the lower ones pass for the upper."
    if isinstance(args, tuple):
        return _swapped(args[0]), *args[1:]
    own = "L" if sys.byteorder == "little" else "B"
    return args[:-1] + ("B" if args[-1].replace("N", own) == "L" else "L")


def on_white(
    image: Image.Image,
) -> Image.Image:  # RGB
    "A picture as paper shows it."
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def exif_of(
    source: str | Path,
) -> bytes:  # empty if there is none
    "What a file says of how it was taken; not how it was turned and stored."
    try:
        with opened(source) as image:
            exif = image.getexif()
            for tag in STORAGE:
                exif.pop(tag, None)
            return exif.tobytes() if exif else b""
    except Exception:  # whatever Pillow makes of damaged EXIF: the picture is what matters
        return b""


def to_tensor(
    image: Image.Image | np.ndarray,  # RGB or RGBA; [H, W, 3 or 4] uint8
) -> Tensor:  # [1, 3 or 4, H, W] float32 in [0, 1]
    "A picture as the networks take it."
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255


def resized_tensor(
    image: Image.Image,  # RGB
    size: tuple[int, int],  # width, height
) -> Tensor:  # [1, 3, H, W] in [0, 1]
    "A picture as the networks take it, at another size."
    return to_tensor(image.resize(size, Image.Resampling.BICUBIC))


def to_picture(
    x: Tensor,  # [3, H, W] or [1, 3, H, W] in [0, 1], clamped here; a 4th channel is opacity
) -> Image.Image:  # RGB or RGBA, rounded
    "A network's output as a picture."
    x = x.detach().reshape(x.shape[-3:]).float().clamp(0, 1)
    return Image.fromarray((x * 255).round().byte().permute(1, 2, 0).cpu().numpy())


def save_picture(
    picture: Image.Image | Tensor,  # a tensor: [1, 3 or 4, H, W] in [0, 1]
    path: str | Path,  # the format by its extension; JPEG and WebP at quality 95
    depth: int = 8,  # bits of a colour; 16: of a tensor, as .png or .tif
    exif: bytes = b"",  # with 8 bits
) -> Path:
    "Write a picture whole or not at all, as sRGB; on white if the format has no transparency."
    path = check_format(path, depth)
    suffix = path.suffix.lower()
    with whole_file(path) as temporary:
        if depth == 16:
            values = (picture[0].clamp(0, 1) * 65535).round().permute(1, 2, 0)
            library, write = DEEP[suffix]
            write(extra(library, "deep"), temporary, values.cpu().numpy().astype(np.uint16))
        else:
            image = to_picture(picture) if isinstance(picture, Tensor) else picture
            if image.mode == "RGBA" and suffix not in TRANSPARENT:
                image = on_white(image)
            options = {"subsampling": 0} if suffix in (".jpg", ".jpeg") else {}
            if exif:
                options["exif"] = exif
            image.save(temporary, quality=95, icc_profile=SRGB, **options)
    return path


def _deep_png(numpngw, path, values):
    numpngw.write_png(str(path), values, iccp=("sRGB", SRGB))


def _deep_tiff(tifffile, path, values):
    opacity = ["unassalpha"] * (values.shape[-1] - 3)
    tifffile.imwrite(path, values, photometric="rgb", extrasamples=opacity, iccprofile=SRGB)


DEEP_TIFF = "tifffile", _deep_tiff
DEEP = {".png": ("numpngw", _deep_png), ".tif": DEEP_TIFF, ".tiff": DEEP_TIFF}  # Pillow: 8 bits
TRANSPARENT = {".png", ".webp", ".tif", ".tiff", ".gif", ".avif"}


def check_format(path: str | Path, depth: int = 8) -> Path:
    "`path`, if its extension names a format that can be written; `ValueError` otherwise."
    path = Path(path)
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise ValueError(f"{path}: no picture format '{path.suffix}'; use .jpg, .png or .webp.")
    if depth not in (8, 16):
        raise ValueError(f"depth={depth}: 8 or 16 bits.")
    if depth == 16:
        if path.suffix.lower() not in DEEP:
            raise ValueError(f"{path}: 16 bits need {', '.join(DEEP)}.")
        extra(DEEP[path.suffix.lower()][0], "deep")
    return path


def fitted(
    size: tuple[int, int],  # width, height
    longest: int,  # px
    enlarge: bool = False,
) -> tuple[int, int]:
    "A picture's width and height when its longer side is at most `longest`."
    scale = longest / max(size)
    if scale > 1 and not enlarge:
        return tuple(size)
    return tuple(max(1, round(side * scale)) for side in size)
