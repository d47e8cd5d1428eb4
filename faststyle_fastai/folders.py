"Folders of pictures: what is in them, and what becomes of it where."

import os
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from itertools import islice
from pathlib import Path, PurePath
from urllib.parse import unquote, urlsplit

from .download import is_address
from .errors import FaststyleError
from .images import HEIC, check_format, read_picture

__all__ = [
    "PICTURES",
    "find_paintings",
    "find_pictures",
    "first_pictures",
    "picture_files",
    "targets_for",
]

# The raster formats a photo comes in, by extension (an .svg, .pdf or .ico is none).
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", *HEIC}


def picture_files(
    folder: str | Path,
) -> list[Path]:  # sorted
    "The files below a folder that are called pictures, hidden ones left out."
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}.")
    return sorted(
        path
        for path in folder.rglob("*")
        if is_picture(path.relative_to(folder)) and path.is_file()
    )


def is_picture(
    place: PurePath,  # below a folder
) -> bool:
    "Whether a file is called a picture and neither it nor a folder around it is hidden."
    hidden = any(part.startswith(".") for part in place.parts)
    return place.suffix.lower() in PICTURES and not hidden


def find_pictures(
    folder: str | Path,  # searched with all below it
) -> tuple[list[Path], list[Path]]:  # those that decode, those that do not; both sorted
    "The picture files below a folder, each decoded once (JPEGs at an eighth) to be sure of it."
    files = picture_files(folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        readable = list(pool.map(_readable, files))
    good = [path for path, ok in zip(files, readable) if ok]
    return good, [path for path, ok in zip(files, readable) if not ok]


def first_pictures(
    folder: str | Path,
    n: int,
) -> list[Path]:  # n at the most, sorted
    "The first picture files below a folder that decode; the others are not looked at."
    return list(islice(filter(_readable, picture_files(folder)), n))


def _readable(path):
    try:
        read_picture(path, shortest=1)
    except (ValueError, OSError):
        return False
    return True


def find_paintings(
    sources: list,  # files, folders of them, http(s) addresses; each but a folder also NAME=…
) -> dict[str, Path | str]:  # what each style is called -> its painting
    "Paintings under the names of their files, or those that were given."
    found = []
    for source in sources:
        name, equals, place = str(source).partition("=")
        if not equals or is_address(str(source)) or Path(source).exists():
            name, place = None, str(source)
        path = Path(place)
        if is_address(place):
            found.append((name or Path(_name_of(place)).stem, place))
        elif path.is_file():
            found.append((name or path.stem, path))
        elif not path.is_dir():
            raise FileNotFoundError(f"no picture {path}.")
        elif name:
            raise ValueError(
                f"{source}: paintings of a folder have their files' names, not {name}."
            )
        elif not (inside := picture_files(path)):
            raise FileNotFoundError(f"no picture in {path}.")
        else:
            found += [(painting.stem, painting) for painting in inside]
    names = [name for name, _ in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two paintings are called {name}: NAME=PAINTING renames one.")
        if not name or set(name) & set("/\\:="):
            raise ValueError(
                f"a style cannot be called '{name}': letters, digits, - and _ will do."
            )
    return dict(found)


def targets_for(
    inputs: list[str],  # files, folders, globs and http(s) addresses
    out: Path,  # a picture for a single file, else a folder that mirrors the inputs' folders
    depth: int = 8,  # bits of a colour in what is written
    force: bool = False,  # inputs may be written over
) -> list[tuple[Path | str, Path]]:  # source and target of each picture
    "What is to be repainted into what; refuses what would be written over or twice."
    files = []  # path or address, and its place in a folder of results
    for text in inputs:
        path = Path(text)
        if is_address(text):
            files.append((text, _name_of(text)))
        elif path.is_dir():
            found = [p for p in picture_files(path) if out.resolve() not in p.resolve().parents]
            if not found:
                raise FileNotFoundError(f"no picture in {path}.")
            files += [(p, p.relative_to(path)) for p in found]
        elif path.exists():
            files.append((path, path.name))
        elif found := sorted(p for p in map(Path, glob(text, recursive=True)) if p.is_file()):
            files += [(p, p.name) for p in found]
        else:
            raise FileNotFoundError(f"no picture {text}.")
    single = len(files) == 1 and not Path(inputs[0]).is_dir() and not out.is_dir()
    if single and out.suffix:
        jobs = [(files[0][0], out)]
    elif out.is_file() or (out.suffix.lower() in PICTURES and not out.is_dir()):
        raise FaststyleError(f"{out} is no folder, and several pictures need one.")
    else:
        jobs = [(path, out / as_written(place, depth)) for path, place in files]
    taken = {}
    for source, target in jobs:
        check_format(target, depth)
        if not force and target.resolve() == Path(source).resolve():
            raise FaststyleError(
                f"{target} would be written over itself: choose another -o, or --force."
            )
        if (other := taken.setdefault(target, source)) != source:
            raise FaststyleError(f"{other} and {source} would both become {target}.")
    return jobs


def as_written(
    place: str | PurePath,  # of a picture, below a folder
    depth: int = 8,  # bits of a colour
) -> Path:
    "Its place among the results: with .png behind it where its own format cannot be written."
    try:
        return check_format(place, depth)
    except ValueError:
        return Path(f"{place}.png")


def _name_of(address):
    "What to call the picture at an address: its last part, as PNG if that names no picture."
    name = Path(unquote(urlsplit(address).path)).name or "picture"
    return name if Path(name).suffix.lower() in PICTURES else f"{name}.png"
