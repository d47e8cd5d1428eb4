"Image files by their names."

import os
import re
import sys
from functools import lru_cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path, PurePath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from .remote import is_address, is_link

__all__ = [
    "FILMS", "MOVING", "PICTURES", "RAW", "READERS", "file_name", "is_film", "is_numbered",
    "is_painting", "is_picture", "live_film", "named_works", "numbered", "numbered_files",
    "readable", "stream",
]  # fmt: skip

# Extensions of raster formats used for photos (not .svg, .pdf or .ico).
PICTURES = {
    ".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif",
    ".heic", ".heif", ".hif",
}  # fmt: skip
MOVING = {".gif", ".webp", ".avif", ".png"}  # of these, the formats that may hold animations
FILMS = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".ts"}  # of videos
# Pillow's readers of these formats. A file's content chooses the reader, whatever its name, and
# others start programs (Ghostscript for EPS).
READERS = "JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "AVIF", "HEIF"
# Of cameras, read with the extra `raw`.
RAW = {
    ".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".iiq", ".nef", ".nrw", ".orf", ".pef", ".raf",
    ".raw", ".rw2", ".srw",
}  # fmt: skip
FILM = re.compile(rb"....ftyp(isom|mp4[12]|qt  )", re.S)  # how a film in a photo's file begins
THUMBNAILS = {"@eaDir", "#recycle", "@Recycle", ".@__thumb"}  # folders of network drives
BARRED = '<>:"|?*' if sys.platform == "win32" else ""  # in names of files
NUMBER = re.compile(r"%0?(\d?)d")  # in the name of numbered images, such as frames/%04d.png


def is_picture(
    place: PurePath,  # relative to a folder
) -> bool:
    "Whether a path has an image extension and no hidden part."
    hidden = any(part.startswith(".") or part in THUMBNAILS for part in place.parts)
    return place.suffix.lower() in readable() and not hidden


@lru_cache
def readable() -> set[str]:
    "Extensions of the images that can be read."
    return PICTURES | RAW if find_spec("rawpy") else PICTURES


def is_painting(
    source,  # of a style: a name, a file, an address, or anything else
) -> bool:
    "Whether the source of a style is an image, by its name, and not a trained network."
    if not isinstance(source, (str, Path)) or is_link(source):
        return False
    _, works = named_works(source) or ("", [str(source)])
    return all(
        is_address(work)
        or Path(work).suffix.lower() in readable()
        or (work != str(source) and os.path.isdir(work))
        for work in works
    )


def named_works(source: str | Path) -> tuple[str, list[str]] | None:
    "The name and the files, folders or addresses of NAME=WORK or NAME=WORK,WORK,…; None if other."
    name, equals, rest = str(source).partition("=")
    if not equals or is_address(source) or os.path.exists(source):
        return None
    return name, [rest] if os.path.exists(rest) else _works(rest)


def _is_image(name):
    return Path(urlsplit(name).path).suffix.lower() in PICTURES


def _works(listed):
    "Comma-separated files and addresses; an address may contain commas."
    works: list[str] = []
    for part in listed.split(","):
        work = is_address(part) or os.path.exists(part)  # which, unlike a Path, takes long ones
        more = "/" in part or not _is_image(part) or (works and not _is_image(works[-1]))
        if works and is_address(works[-1]) and more and not work:
            works[-1] += f",{part}"
        else:
            works.append(part)
    return works


def file_name(
    source: str | Path,  # of an image: a file or an address
) -> str:
    "Its file name; .png is appended to that of an address without an image extension."
    if not is_address(source):
        return Path(source).name
    name = Path(unquote(urlsplit(str(source)).path)).name or "picture"
    if BARRED:
        name = re.sub(f"[{BARRED}]", "_", name).rstrip(". ")
    return name if Path(name).suffix.lower() in PICTURES else f"{name}.png"


def stream(
    file: Path | BytesIO,  # BytesIO: of an address; it stays open
) -> BinaryIO:  # to close
    "The bytes of a file, from the first."
    return BytesIO(file.getvalue()) if isinstance(file, BytesIO) else file.open("rb")


def is_numbered(path: str | Path) -> bool:
    "Whether a path stands for numbered images, such as frames/%04d.png."
    path = Path(path)
    return path.suffix.lower() not in FILMS and bool(NUMBER.search(path.name))


def numbered(
    path: Path,  # of numbered images
    n: int,
) -> Path:
    "The path of the n-th image."
    return path.with_name(NUMBER.sub(lambda found: f"{n:0{found[1] or 1}}", path.name))


def is_film(source: str | Path) -> bool:
    "Whether `source` is a local file or numbered images of which there is at least one."
    path = Path(source)
    return path.is_file() or (is_numbered(path) and bool(numbered_files(path)))


def live_film(path: Path) -> Path | BytesIO | None:
    "The film of a live photo: a file of the same name, or a part of the photo's own file."
    if path.suffix.lower() not in (".heic", ".heif", ".jpg", ".jpeg") or not path.is_file():
        return None
    beside = (path.with_suffix(suffix) for suffix in (".mov", ".MOV", ".mp4", ".MP4"))
    if film := next(filter(Path.is_file, beside), None):
        return film
    found = FILM.search(data := path.read_bytes())
    return BytesIO(data[found.start() :]) if found else None


def numbered_files(
    path: Path,  # of numbered images
) -> dict[int, Path]:
    "The existing images by their numbers, in order."
    parts = NUMBER.split(path.name, maxsplit=1)
    number = re.compile(rf"{re.escape(parts[0])}(\d+){re.escape(parts[-1])}")
    found = (number.fullmatch(file.name) for file in path.parent.glob("*"))
    files = {int(each[1]): path.with_name(each[0]) for each in found if each}
    return {n: files[n] for n in sorted(files) if numbered(path, n) == files[n]}
