"The entries of a folder of styles: what each file or folder is, and what it says."

import json
import warnings
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from ..core.assets import MODEL, builtin_path
from ..core.errors import FaststyleError
from ..images.files import read_picture
from ..images.formats import is_painting
from ..inference.builtin import BUILTIN_STYLES, style_thumbnail
from ..models.stylefile import load_style

__all__ = [
    "file_of", "is_hidden", "is_readable", "is_training", "names_in", "painting_at", "steps_of",
    "written",
]  # fmt: skip

MOST_KNOWN = 4096  # files whose contents are remembered


def written(file: Path) -> int:
    "When a file was written, in ns; 0 if there is none, or no longer."
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def file_of(path):
    "The style file, or painting, of one of `own`."
    return path / MODEL if path.is_dir() else path


def is_training(path):
    "Whether a folder is a training's, which keeps its painting under its own name."
    return path.is_dir() and ((path / MODEL).exists() or (path / f"{path.name}.png").exists())


@lru_cache(MOST_KNOWN)
def is_hidden(name):
    "Whether a built-in style of the same name hides a style."
    if name in BUILTIN_STYLES:
        warnings.warn(f"Style skipped: {name} is built in. Rename yours.", stacklevel=2)
    return name in BUILTIN_STYLES


@lru_cache(MOST_KNOWN)
def is_readable(file, _written):
    try:
        read_picture(file, shortest=1)
    except (FaststyleError, ValueError, OSError) as error:  # or an extra is missing
        warnings.warn(f"Painting skipped: {error}", stacklevel=2)
        return False
    return True


def painting_at(file, name):
    "The painting of a style's file, None if it is not known; `name` is the style's in it."
    if file == builtin_path("gallery", "full"):
        return style_thumbnail(name)
    beside = file.with_name(f"{file.parent.name if file.name == MODEL else file.stem}.png")
    painting = file if is_painting(file) else beside
    return painting if painting.is_file() else None


@lru_cache(MOST_KNOWN)
def names_in(file, _written):
    try:
        return load_style(file)[1]["styles"]
    except (ValueError, OSError) as error:
        warnings.warn(f"Style skipped: {error}", stacklevel=2)
        return []


@lru_cache(MOST_KNOWN)
def steps_of(file, _written):
    "The steps of a training, by its run.json; None if they are not known."
    with suppress(OSError, ValueError, TypeError, KeyError, ZeroDivisionError, RecursionError):
        record = json.loads(file.read_text(encoding="utf-8"))
        settings = record["settings"]
        return record["pictures"] // (settings | settings["plan"])["bs"]
    return None
