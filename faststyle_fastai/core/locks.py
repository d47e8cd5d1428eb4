"Locks on a file or folder that one process at a time may write."

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import FaststyleError

__all__ = ["locked"]


@contextmanager
def locked(
    place: Path,  # a folder or a file
    doing: str,  # what the owner does to it, for the message
    folder: bool = False,  # create a folder if it is missing; an empty one is removed again
) -> Iterator[None]:
    """Hold `place` alone; `FaststyleError` names the process that holds it already.

    The lock is the operating system's, which ends with its process, however that dies.
    """
    if missing := folder and not place.exists():
        place.mkdir(parents=True, exist_ok=True)  # another process may be as fast
    file = place / ".lock" if place.is_dir() else place.with_name(f".{place.name}.lock")
    owner, lock = "another process", FileLock(file)
    with suppress(OSError):  # it is missing, or Windows lets nobody read it
        owner = file.read_text() or owner
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FaststyleError(
            f"{place} is being {doing} by {owner}: wait until it ends, or choose another -o."
        ) from None
    try:
        with suppress(OSError):
            file.write_text(f"process {os.getpid()} on {platform.node()}")
        yield
    finally:
        with suppress(OSError):  # Windows removes it when it is released
            file.unlink()
        lock.release()
        if missing:
            with suppress(OSError):  # it is no longer empty
                place.rmdir()
