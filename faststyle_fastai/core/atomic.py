"Atomic writes: a file appears complete or not at all."

import errno
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import sha1
from pathlib import Path

__all__ = ["fsync_path", "best_effort_write", "atomic_write", "hidden_name", "write_first"]

FULL = errno.ENOSPC, errno.EDQUOT
LONGEST = 255  # bytes of a file name


@contextmanager
def atomic_write(
    path: str | Path,  # the final path; missing folders are created
):
    "Yield a temporary path that replaces `path` on success and is removed on failure."
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(hidden_name(path.stem, f"-{os.getpid()}{path.suffix}"))
    try:
        yield temporary
        fsync_path(temporary)
        replace(temporary, path)
        fsync_path(path.parent)
    except OSError as error:
        if str(error.filename) != str(temporary):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None  # the name that was given
    finally:
        temporary.unlink(missing_ok=True)


def hidden_name(name: str, end: str) -> str:
    "The name of a hidden file; a long `name` is cut and marked by its hash."
    if len(os.fsencode(f".{name}{end}")) > LONGEST:
        room = LONGEST - 1 - 8 - len(os.fsencode(end))
        cut = os.fsencode(name)[:room].decode(errors="ignore")
        name = cut + sha1(os.fsencode(name)).hexdigest()[:8]
    return f".{name}{end}"


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
        why = getattr(why, "strerror", None) or str(why).splitlines()[0]
        said_once(f"File not written: {why}. Work continues and will try again.")


def write_first(
    give_way: dict[str, Callable],  # what is less important -> a function that lists its files
    write: Callable,
    *args,
):
    "Write a file; on a full disk, less important ones are removed, one kind after the other."
    for what, files in give_way.items():
        try:
            return write(*args)
        except (OSError, RuntimeError) as error:
            why = error.__cause__ or error
            # torch raises RuntimeError, without a number, when a disk is full.
            if type(why) is not RuntimeError and getattr(why, "errno", None) not in FULL:
                raise
        if there := [file for file in files() if file.exists()]:
            said_once(f"The disk is full: {what} were removed to make room.")
        for file in there:
            shutil.rmtree(file, ignore_errors=True) if file.is_dir() else file.unlink()
    return write(*args)


@lru_cache
def said_once(text):
    warnings.warn(text, stacklevel=3)
