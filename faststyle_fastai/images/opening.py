"Opening of images: only the formats of photos, with errors that are one line."

import math
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from pi_heif import register_heif_opener
from PIL import Image

from ..core.errors import FaststyleError, UsageError, out_of_memory
from ..core.extras import install_line
from .formats import RAW, READERS, readable
from .named_colors import named_colors, numbered
from .odd import RawImage, is_raw, mended_png, read_tiff, tiff_facts
from .remote import download, is_address

__all__ = [
    "BITS", "COLORS", "NEGATIVE", "PAGES", "is_tensor", "most_pixels", "name_of", "opened",
    "reading",
]  # fmt: skip

# Pillow warns of odd EXIF or palettes. A filter around each image would not be thread-safe.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # beyond its limit is an error

register_heif_opener()  # HEIC; Pillow reads AVIF without it

# Keys in an opened file's `Image.info`, which no text of a file has: its source, its colors; of a
# TIFF, its pictures, bits, and whether 0 is white.
SOURCE, COLORS, PAGES, BITS, NEGATIVE = ((0, i) for i in range(5))


@contextmanager
def opened(
    source,  # a path or an address; an image, an array or a tensor is passed on
) -> Iterator[Any]:  # a PIL image, or a tensor
    "Open an image without decoding it; errors are one line that names the source."
    if isinstance(source, np.ndarray):
        source = _from_array(source)
    if isinstance(source, Image.Image) or is_tensor(source):
        yield checked(source) if is_tensor(source) else source
        return
    if not isinstance(source, (str, Path)):
        raise UsageError(f"{type(source).__name__} is not an image. Give a path, image or tensor.")
    file = BytesIO(download(source)) if is_address(source) else Path(source)
    if isinstance(file, Path) and not file.is_file():
        raise FileNotFoundError(f"Image not found: {file}.")
    suffix = Path(urlsplit(str(source)).path if is_address(source) else source).suffix.lower()
    with reading(source):
        if suffix in RAW or is_raw(file):
            if not RAW & readable():
                raise ValueError(
                    "it is a camera's RAW file. To read it, "
                    f"{install_line('raw')}, or save it as a TIFF or JPEG first"
                )
            image: Image.Image = RawImage(file)
        else:
            image = opened_file(file)
        if image.format in ("PNG", "AVIF"):
            image.info[COLORS] = named_colors(file)
        elif image.format == "TIFF":
            if facts := tiff_facts(image):
                image.info |= zip((PAGES, BITS, NEGATIVE), facts)
            elif found := read_tiff(file):
                image.close()
                image = found
        elif named := image.info.get("nclx_profile"):  # of HEIF
            image.info[COLORS] = numbered(
                named["color_primaries"], named["transfer_characteristics"]
            )
    with image:
        image.info[SOURCE] = source
        yield image


def opened_file(file):
    "An image that Pillow opens, or that can be read or mended for it."
    try:
        return Image.open(file, formats=readers())
    except Image.DecompressionBombError:
        raise
    except Exception:
        if found := read_tiff(file):
            return found
        if mended := mended_png(file):
            return Image.open(mended, formats=["PNG"])
        raise


def is_tensor(x: Any) -> bool:
    "Whether this is a tensor of PyTorch, which need not be installed."
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def checked(x):
    "A tensor of floats whose shape is that of images; bytes are divided by 255."
    if x.dim() not in (3, 4) or x.shape[-3] not in (3, 4):
        raise ValueError(
            f"A tensor of shape {list(x.shape)} is not an image. Give [3, H, W] or [B, 3, H, W]."
        )
    x = x.detach().as_subclass(sys.modules["torch"].Tensor)
    x = x.float() if x.is_floating_point() else x.float() / 255
    low, high = (v.item() for v in x.aminmax()) if x.numel() else (0.0, 1.0)
    if not math.isfinite(high - low):
        raise ValueError("A tensor with values that are not finite is not an image.")
    if not -1 <= low <= high <= 2:
        raise ValueError(
            "A tensor must be floats in [0, 1] or integers up to 255: divide it, or undo Normalize."
        )
    return x


def _from_array(array):
    try:
        return Image.fromarray(array)
    except TypeError:
        shape, kind = list(array.shape), array.dtype
        raise ValueError(
            f"An array of shape {shape} and type {kind} is not an image. Give [H, W, 3] of uint8."
        ) from None


@contextmanager
def reading(
    source,  # its name is in the message: a path, an address or an image
):
    "Turn the errors of damaged files, of which Pillow raises nearly any, into one line."
    try:
        yield
    except (FaststyleError, FileNotFoundError):
        raise
    except Exception as error:
        name = name_of(source)
        if out_of_memory(error):  # not a ValueError: smaller tiles may fit
            raise MemoryError(
                f"{name} does not fit in the free memory. Close programs, or use a smaller image."
            ) from None
        why = "not an image" if "cannot identify" in str(error) else str(error)
        if isinstance(error, Image.DecompressionBombError):
            why = f"it has more than {most_pixels() / 1e6:g} megapixels"
        raise ValueError(f"{name} cannot be read: {why}.") from None


def most_pixels() -> int:
    "Of an image that is read; `limit_pixels` sets it."
    assert Image.MAX_IMAGE_PIXELS is not None
    return 2 * Image.MAX_IMAGE_PIXELS  # beyond the half, Pillow only warns


def name_of(source):
    if isinstance(source, (str, Path)):
        return source
    return getattr(source, "info", {}).get(SOURCE, "The image")  # a tensor has none


@lru_cache
def readers():
    "Names of the readers in `READERS` that are installed."
    Image.init()
    return [name for name in READERS if name in Image.OPEN]
