"Files that appear whole or not at all."

import os
import warnings
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

__all__ = ["flush", "keep_going", "whole_file"]


@contextmanager
def whole_file(
    path: str | Path,  # where it shall lie; folders are made
):
    "A temporary name to write to; renamed to `path` at the end, removed when anything fails."
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        yield temporary
        flush(temporary)
        os.replace(temporary, path)
        flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def flush(path: Path):
    "See that a file, or the names in a folder, outlast a power cut."
    with suppress(PermissionError):  # Windows opens no folders, and flushes what may be written
        opened = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def keep_going(write, *args):
    "Write something on the way; a full disk costs a warning, not the work."
    try:
        write(*args)
    except (OSError, RuntimeError) as error:
        why = error.__cause__ or error
        said_once(getattr(why, "strerror", None) or str(why).splitlines()[0])


@lru_cache
def said_once(why):
    warnings.warn(f"not written: {why}; the work goes on and tries again.", stacklevel=3)
