"Image files by their names."

from pathlib import Path, PurePath
from urllib.parse import unquote, urlsplit

from .remote import is_address

__all__ = ["HEIC", "PICTURES", "file_name", "is_painting", "is_picture"]

HEIC = ".heic", ".heif"
# Extensions of raster formats used for photos (not .svg, .pdf or .ico).
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", *HEIC}


def is_picture(
    place: PurePath,  # relative to a folder
) -> bool:
    "Whether a path has an image extension and no hidden part."
    hidden = any(part.startswith(".") for part in place.parts)
    return place.suffix.lower() in PICTURES and not hidden


def is_painting(
    source,  # of a style: a name, a file, an address, or anything else
) -> bool:
    "Whether the source of a style is an image, by its name, and not a trained network."
    suffix = Path(source).suffix.lower() if isinstance(source, (str, Path)) else ""
    return is_address(source) or suffix in PICTURES


def file_name(
    source: str | Path,  # of an image: a file or an address
) -> str:
    "Its file name; .png is appended to that of an address without an image extension."
    if not is_address(source):
        return Path(source).name
    name = Path(unquote(urlsplit(source).path)).name or "picture"
    return name if Path(name).suffix.lower() in PICTURES else f"{name}.png"
