"Atomic writes: a file appears complete or not at all."

import errno
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import sha1
from pathlib import Path
from secrets import token_hex
from typing import Any

from .errors import FaststyleError

__all__ = [
    "LONGEST", "atomic_write", "best_effort_write", "check_writable", "fsync_path", "hidden_name",
    "may_write_file", "replace", "write_first",
]  # fmt: skip

FULL = errno.ENOSPC, errno.EDQUOT
LONGEST = 255  # bytes of a file name


def may_write_file(
    out: Path,
    force: bool,  # it may exist
    suffix: str = "",  # that its name must have
):
    "Check that `out` may be written, and can be."
    if suffix and out.suffix != suffix:
        raise ValueError(f"{out} must end in {suffix}.")
    if out.exists() and not force:
        raise FaststyleError(
            f"{out} exists: use --overwrite to overwrite it, or choose another name."
        )
    check_writable(out)


@contextmanager
def atomic_write(
    path: str | Path,  # the final path; missing folders are created
) -> Iterator[Path]:
    "Yield a temporary path that replaces `path` on success and is removed on failure."
    path = Path(path)
    temporary = new_beside(path)
    try:
        yield temporary
        fsync_path(temporary)
        replace(temporary, path)
        fsync_path(path.parent)
    except OSError as error:
        other = error.filename is not None and str(error.filename) != str(temporary)
        if other or error.errno is None:  # of another file, or Pillow's own
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None  # the caller's name
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    "Raise `OSError` if no file can be made at a path, before hours of work for it."
    place = next((folder for folder in path.absolute().parents if folder.exists()), None)
    if place is None or not place.is_dir():
        raise NotADirectoryError(
            f"{path} cannot be written: {place or path.anchor} is not a folder."
        )
    try:
        trial = new_beside(place / path.name)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    with suppress(PermissionError):  # a program of Windows may look at it
        trial.unlink()


def new_beside(path: Path) -> Path:
    "A new empty file of a hidden, random name; it follows no link, and errors name `path`."
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.with_name(hidden_name(path.stem, f"-{token_hex(6)}{path.suffix}"))
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    return file


def hidden_name(name: str, end: str) -> str:
    "The name of a hidden file; a long `name` is cut and marked by its hash."
    if len(os.fsencode(f".{name}{end}")) > LONGEST:
        room = LONGEST - 1 - 8 - len(os.fsencode(end))
        cut = os.fsencode(name)[:room].decode(errors="ignore")
        name = cut + sha1(os.fsencode(name)).hexdigest()[:8]
    return f".{name}{end}"


def replace(temporary: Path, path: Path) -> None:
    "Rename a file or folder, waiting up to a second for a Windows program that has it open."
    for pause in (0.1, 0.2, 0.7, None):
        try:
            return os.replace(temporary, path)
        except PermissionError:
            if pause is None or sys.platform != "win32":
                raise
            with suppress(OSError):
                path.chmod(0o666)  # Windows replaces no read-only file
            time.sleep(pause)


def fsync_path(path: Path) -> None:
    "Flush a file, or the entries of a folder, to disk."
    # Windows cannot open folders or flush read-only files; some file systems cannot flush folders.
    with suppress(OSError if path.is_dir() else PermissionError):
        descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def best_effort_write(write: Callable, *args: Any) -> None:
    "Write an intermediate file; a full disk causes a warning, not a failure."
    try:
        write(*args)
    except (OSError, RuntimeError) as error:
        cause = error.__cause__ or error
        why = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        why = why.splitlines()[0]
        warn_once(f"File not written: {why}. Work continues and will try again.")


def write_first(
    give_way: dict[str, Callable],  # kind of less important file -> a function that lists them
    write: Callable,
    *args: Any,
) -> Any:
    "Write a file; if the disk is full, remove less important files, one kind at a time."
    for what, files in give_way.items():
        try:
            return write(*args)
        except (OSError, RuntimeError) as error:
            cause = error.__cause__ or error
            # torch raises RuntimeError, without a number, when a disk is full.
            if type(cause) is not RuntimeError and getattr(cause, "errno", None) not in FULL:
                raise
        if existing := [file for file in files() if file.exists()]:
            warn_once(f"The disk is full: {what} were removed to make room.")
        for file in existing:
            shutil.rmtree(file, ignore_errors=True) if file.is_dir() else file.unlink()
    return write(*args)


@lru_cache
def warn_once(text):
    warnings.warn(text, stacklevel=3)
