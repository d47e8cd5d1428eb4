"Atomic writes: a file appears complete or not at all."

import os
import sys
import time
import warnings
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

__all__ = ["fsync_path", "best_effort_write", "atomic_write"]


@contextmanager
def atomic_write(
    path: str | Path,  # the final path; missing folders are created
):
    "Yield a temporary path that replaces `path` on success and is removed on failure."
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        yield temporary
        fsync_path(temporary)
        replace(temporary, path)
        fsync_path(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def replace(temporary: Path, path: Path):
    "Rename, waiting up to a second for a Windows program that has `path` open."
    for pause in (0.1, 0.2, 0.7, None):
        try:
            return os.replace(temporary, path)
        except PermissionError:
            if pause is None or sys.platform != "win32":
                raise
            time.sleep(pause)


def fsync_path(path: Path):
    "Flush a file, or the entries of a folder, to disk."
    with suppress(PermissionError):  # Windows cannot open folders or flush read-only files
        opened = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def best_effort_write(write, *args):
    "Write an intermediate file; a full disk causes a warning, not a failure."
    try:
        write(*args)
    except (OSError, RuntimeError) as error:
        why = error.__cause__ or error
        said_once(getattr(why, "strerror", None) or str(why).splitlines()[0])


@lru_cache
def said_once(why):
    warnings.warn(f"File not written: {why}. Work continues and will try again.", stacklevel=3)
