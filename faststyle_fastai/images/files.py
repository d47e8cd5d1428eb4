"Reading of images: upright RGB from the formats of photos."

import re
import sys
import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import ExifTags, Image, ImageOps

from .color import parse_profile, srgb
from .odd import MOST_PAGES, white_of
from .opening import BITS, COLORS, NEGATIVE, PAGES, is_tensor, name_of, opened, reading

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "is_deep", "limit_pixels", "flatten_alpha", "read_array", "read_picture", "read_upright",
    "image_size", "warn_if_small", "to_picture",
]  # fmt: skip

PLAYED = "GIF", "PNG", "WEBP"  # animations that are read as films


def read_picture(
    source: "str | Path | Image.Image | np.ndarray | Tensor",  # also an http(s) address;
    # [H, W(, 3)]; a tensor [3, H, W] or [1, 3, H, W]
    shortest: int | None = None,  # px; a JPEG may be decoded smaller, down to this short side
) -> Image.Image:  # RGB
    """Read an image as it is meant to be seen: upright, sRGB, transparent parts on white.

    Raises `FileNotFoundError` for a missing file, `ValueError` for one that is not an image or is
    damaged, and `FaststyleError` for an address that cannot be downloaded.
    """
    return flatten_alpha(read_upright(source, shortest))


def read_array(
    source,  # as in `read_picture`, but no tensor
) -> np.ndarray:  # [H, W, 3] float32 in [0, 1]; [H, W, 4] with opacity
    """Read an image to paint: upright, sRGB, full bit depth, the first frame of an animation.

    Raises what `read_picture` does.
    """
    with opened(source) as image, reading(image):
        if (frames := _frames(image)) > 1:
            least = "at least " * (image.info.get(PAGES) == MOST_PAGES)
            hint = "; faststyle video paints all" * (image.format in PLAYED)
            warnings.warn(
                f"{name_of(image)} has {least}{frames} frames or pages. "
                f"Only the first is used{hint}.",
                stacklevel=3,
            )
        if _is_deep_gray(image) and not _converts(image):
            gray = _gray(ImageOps.exif_transpose(image))
            return np.stack([gray] * 3, 2)
        low_bytes = _low_bytes(image)
        x = floats(_upright(image))
        if low_bytes and low_bytes.size == x.shape[1::-1]:
            n = min(len(low_bytes.getbands()), x.shape[2])  # opacity may be a color, or gone
            x[..., :n] = (x[..., :n] * 256 + floats(low_bytes)[..., :n]) * 255 / 65535
        return x


def read_upright(
    source,  # as in `read_picture`
    shortest: int | None = None,  # likewise
) -> Image.Image:  # RGB, or RGBA if any of it is transparent
    "Read an image to paint, in 8 bits per channel."
    with opened(source) as image, reading(image):
        if shortest and isinstance(source, (str, Path)):  # a caller's image would stay small
            image.draft("RGB", (shortest, shortest))
        return _upright(image)


def image_size(
    source,  # as in `read_picture`
) -> tuple[int, int]:
    "An image's width and height as stored, before it is turned upright."
    with opened(source) as image:
        return (image.shape[-1], image.shape[-2]) if is_tensor(image) else image.size


def warn_if_small(
    painting,  # as in `read_picture`
    least: int,  # px of the shorter side
):
    "Warn of a painting that is too small to show how it was painted."
    width, height = image_size(painting)
    if min(width, height) < least:
        name = painting if isinstance(painting, (str, Path)) else "The painting"
        warnings.warn(
            f"{name} is {width}x{height} px, too small to show its brush strokes. "
            "Use a painting of at least 400 px on the short side.",
            stacklevel=3,
        )


def limit_pixels(
    megapixels: float,  # Pillow's default limit is 179
):
    "Refuse to read larger images: a small file may decompress to more than fits in memory."
    Image.MAX_IMAGE_PIXELS = round(min(megapixels, 1e9) * 5e5)  # Pillow's limit is twice this


def _upright(image):
    "An image upright and in sRGB: RGB, or RGBA if any of it is transparent."
    if is_tensor(image):
        image = to_picture(image)
    profile, named = image.info.get("icc_profile"), image.info.get(COLORS)
    if named and isinstance(named.transfer, str):
        warnings.warn(
            f"{name_of(image)} has high dynamic range ({named.transfer}). It is painted as SDR.",
            stacklevel=4,
        )
    image.load()
    if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:  # exif_transpose always copies
        image = ImageOps.exif_transpose(image)
    if _is_deep_gray(image):  # Pillow would clip it
        image = Image.fromarray((_gray(image) * 255).round().astype(np.uint8))
    if not image.has_transparency_data:
        return srgb(image, profile, named)
    image = image.convert("RGBA")
    colors = srgb(image.convert("RGB"), profile, named)
    colors.putalpha(image.getchannel("A"))
    return colors


def _is_deep_gray(image):
    return image.mode.startswith("I") or image.mode == "F"


def _gray(image):
    "Gray of more than 8 bits as float32 in [0, 1]; 32-bit files may hold 8- or 16-bit values."
    values = np.nan_to_num(np.asarray(image).astype(np.float32))
    if image.mode == "F":
        top = white_of(values)
    else:
        most = values.max(initial=0)
        white = 2 ** min(image.info.get(BITS, 16), 16) - 1  # of some scanners 4095
        top = 255 if ";16" not in image.mode and most <= 255 else max(most, white)
    shares = (values / top).clip(0, 1)
    return 1 - shares if image.info.get(NEGATIVE) else shares


def is_deep(source: str | Path) -> bool:
    "Whether an image has 16 or more bits per color channel, which can be read."
    with opened(source) as image:
        return (_is_deep_gray(image) and not _converts(image)) or _has_low_bytes(image)


def _converts(image):
    "Whether its colors become those of sRGB, which is done in 8 bits."
    return image.info.get(COLORS) or parse_profile(image.info.get("icc_profile"))


def _frames(image):
    "How many pictures a file has, without previews of the first."
    if image.format == "MPO":
        kinds = [str(entry["Attribute"]["MPType"]) for entry in image.mpinfo[0xB002]]
        return sum(not kind.startswith("Large Thumbnail") for kind in kinds)
    return image.info.get(PAGES, 0) or getattr(image, "n_frames", 1)


def _has_low_bytes(image):
    tile = getattr(image, "tile", None)  # how the file is stored; empty once it is decoded
    if not tile or _converts(image):
        return False
    args = tile[0].args
    args = str(args[0] if isinstance(args, tuple) else args)
    return re.match(r"RGB\w*;16[BLN]$", args) is not None


def _low_bytes(image):
    "The low bytes of an opened file with 16 bits per channel, which Pillow drops; else None."
    if not _has_low_bytes(image):
        return None
    place = image.fp.tell()
    image.fp.seek(0)
    twin = Image.open(BytesIO(image.fp.read()), formats=[image.format])
    image.fp.seek(place)
    twin.seek(image.tell())  # the picture, if a thumbnail comes first
    twin.tile = [tile._replace(args=_swapped(tile.args)) for tile in twin.tile]
    return ImageOps.exif_transpose(twin)


def _swapped(args):
    "Decoder arguments with the byte order reversed, so that Pillow keeps the low bytes."
    if isinstance(args, tuple):
        return _swapped(args[0]), *args[1:]
    own = "L" if sys.byteorder == "little" else "B"
    return args[:-1] + ("B" if args[-1].replace("N", own) == "L" else "L")


def flatten_alpha(image: Image.Image) -> Image.Image:  # RGB
    "An image on a white background."
    if image.mode not in ("RGBA", "LA"):
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def floats(
    image: Image.Image | np.ndarray,  # RGB or RGBA; [H, W, 3 or 4] uint8
) -> np.ndarray:  # [H, W, 3 or 4] float32 in [0, 1]
    "The colors of an image."
    return np.divide(np.asarray(image), 255, dtype=np.float32)  # no second copy


def to_picture(
    x: "Tensor",  # [3, H, W] or [1, 3, H, W], floats in [0, 1] or integers up to 255; a 4th
    # channel is opacity
) -> Image.Image:  # RGB or RGBA, rounded
    "A network output as an image."
    return Image.fromarray((unit(x) * 255).round().byte().cpu().numpy())


def unit(
    x: "Tensor",  # [3 or 4, H, W] or [1, 3 or 4, H, W]: floats in [0, 1], or integers up to 255
) -> "Tensor":  # [H, W, 3 or 4] float32, clamped to [0, 1]
    if x.dim() == 4 and len(x) > 1:
        raise ValueError(f"A batch of {len(x)} images. Convert them one by one.")
    x = x.detach().reshape(x.shape[-3:]).permute(1, 2, 0)
    return (x.float() if x.is_floating_point() else x / 255).clamp(0, 1)
