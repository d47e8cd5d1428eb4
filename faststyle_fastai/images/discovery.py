"Finds images in folders, globs and at addresses, and plans where results are written."

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from pathlib import Path, PurePath
from typing import Any

from ..core.atomic import warn_once
from ..core.errors import FaststyleError
from ..core.terminal import CONTROL
from .files import read_picture
from .formats import BARRED, PICTURES, file_name, is_picture, named_works
from .remote import is_address
from .saving import check_format

__all__ = [
    "find_paintings", "check_pictures", "find_pictures", "picture_files", "plan_outputs",
    "works_of",
]  # fmt: skip

CASELESS = "darwin", "win32"  # where a name in capitals is the same file


def picture_files(
    folder: str | Path,
    onerror: Callable[[OSError], Any] | None = None,  # of a folder that cannot be listed
) -> list[Path]:  # sorted
    """Files below a folder with an image extension, except hidden ones; linked folders once.

    Raises `FileNotFoundError` if there is no folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"Folder not found: {folder}.")
    found: list[Path] = []
    places, seen = [folder], set()
    for place in places:  # links are added: those to a folder that is listed already lead nowhere
        for parent, below, names in os.walk(place, onerror=onerror):
            if (real := os.path.realpath(parent)) in seen:
                below.clear()
                continue
            seen.add(real)
            below[:] = [name for name in below if not name.startswith(".")]
            places += [path for path in (Path(parent, name) for name in below) if path.is_symlink()]
            files = (Path(parent, name) for name in names)
            found += [p for p in files if is_picture(p.relative_to(folder)) and p.is_file()]
    return sorted(found)


def find_pictures(
    folder: str | Path,  # searched recursively
    most: int | None = None,  # as in `check_pictures`
) -> tuple[list[Path], list[Path]]:  # readable, unreadable; both sorted
    "Image files below a folder, each decoded once to check it (JPEGs at reduced size)."
    return check_pictures(picture_files(folder), most)


def check_pictures(
    files: list[Path],
    most: int | None = None,  # stop after so many readable ones and open no others; None: check all
) -> tuple[list[Path], list[Path]]:  # readable, unreadable; both in order
    "Decode image files to check them."
    good: list[Path] = []
    bad: list[Path] = []
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:  # each holds an image
        while (done := len(good) + len(bad)) < len(files) and (most is None or len(good) < most):
            some = files[done : None if most is None else most + len(bad)]
            for path, ok in zip(some, pool.map(_readable, some)):
                (good if ok else bad).append(path)
    return good, bad


def _readable(path):
    try:
        read_picture(path, shortest=1)
    except FaststyleError as error:  # an extra is missing
        warn_once(str(error))
        return False
    except (ValueError, OSError, MemoryError):
        return False
    return True


def find_paintings(
    sources: list,  # files, folders or http(s) addresses; NAME=WORK,WORK,… is one style
) -> dict[str, Any]:  # style name -> its painting, or a list of several works
    "Paintings by style name: the name given, or the file name."
    named: list[tuple[str, Any]] = []
    for source in sources:
        if given := named_works(source):
            works = works_of(source)
            named.append((given[0], works if len(works) > 1 else works[0]))
        else:
            named += [(Path(file_name(work)).stem, work) for work in works_of(source)]
    names = [name for name, _ in named]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"Two paintings are named {name}. Rename one with NAME=PAINTING.")
        if not name.strip() or CONTROL.search(name) or set(name) & set("/\\:=" + BARRED):
            raise ValueError(f"Invalid style name '{name}'. Use letters, digits, - and _.")
    return dict(named)


def works_of(
    place: str | Path,  # a file, a folder or an address, or NAME=PLACE,PLACE,…
) -> list[str | Path]:
    "The paintings of one style, or in a folder."
    if given := named_works(place):
        return [work for each in given[1] for work in works_of(each)]
    if is_address(place):
        return [place]
    path = Path(place)
    if path.is_file():
        return [path]
    if not os.path.isdir(place):  # as a Path, "" would be this folder
        raise FileNotFoundError(f"Image not found: {place}.")
    if not (inside := picture_files(path)):
        raise FileNotFoundError(f"No images in {path}.")
    return [*inside]


def plan_outputs(
    inputs: list[str],  # files, folders, globs and http(s) addresses
    out: Path,  # an image for a single file, else a folder that mirrors the inputs' folders
    depth: int = 8,  # bits per channel in the output
    force: bool = False,  # inputs may be overwritten
    besides: Path | None = None,  # another folder of results
) -> list[tuple[Path | str, Path]]:  # source and target of each image
    "Pair each input with its output; refuses to overwrite an input or to write a file twice."
    # Path or address, and its place in the output folder.
    files: list[tuple[Path | str, PurePath | str]] = []
    for text in inputs:
        path = Path(text)
        if is_address(text):
            files.append((text, file_name(text)))
        elif path.is_dir():
            places = {place.resolve() for place in (out, besides) if place}
            mine = {place for place in places if path.resolve() in place.parents}  # of before
            found = [p for p in picture_files(path) if mine.isdisjoint(p.resolve().parents)]
            if not found:
                raise FileNotFoundError(f"No images in {path}.")
            files += [(p, p.relative_to(path)) for p in found]
        elif path.exists():
            files.append((path, path.name))
        elif found := sorted(p for p in map(Path, glob(text, recursive=True)) if p.is_file()):
            files += [(p, p.name) for p in found]
        else:
            raise FileNotFoundError(f"Image not found: {text}.")
    single = len(files) == 1 and not os.path.isdir(inputs[0]) and not out.is_dir()
    if single and out.suffix:
        jobs = [(files[0][0], out)]
    elif out.is_file() or (out.suffix.lower() in PICTURES | {".pdf"} and not out.is_dir()):
        raise FaststyleError(f"{out} is not a folder. Give a folder when painting several images.")
    else:
        jobs = [(path, out / output_name(place, depth)) for path, place in files]
    taken: dict[str, Path | str] = {}
    for source, target in jobs:
        check_format(target, depth)
        if not force and target.resolve() == Path(source).resolve():
            raise FaststyleError(
                f"{target} would overwrite its own input. Choose another -o or add --overwrite."
            )
        place = str(target).casefold() if sys.platform in CASELESS else str(target)
        if (other := taken.setdefault(place, source)) != source:
            raise FaststyleError(
                f"{other} and {source} would both be written to {target}. Rename one."
            )
    return jobs


def output_name(
    place: str | PurePath,  # an image's path relative to a folder
    depth: int = 8,  # bits per channel
) -> Path:
    "The output path of an image; .png is appended if its own format cannot be written."
    try:
        return check_format(place, depth)
    except ValueError:
        return Path(f"{place}.png")
