"Locks on a file or folder that one process at a time may write."

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from inspect import signature
from pathlib import Path

from filelock import FileLock, Timeout

from .atomic import hidden_name
from .errors import FaststyleError

__all__ = ["alone", "locked"]


@contextmanager
def locked(
    place: Path,  # a folder or a file
    doing: str,  # past participle for the message, such as written
    folder: bool = False,  # create a folder if it is missing; an empty one is removed again
) -> Iterator[None]:
    """Hold `place` alone; `FaststyleError` names the process that holds it already.

    It is the operating system's lock, which ends with its process, even if that is killed.
    """
    if missing := folder and not place.exists():
        place.mkdir(parents=True, exist_ok=True)  # another process may just have created it
    elif not folder:
        place.parent.mkdir(parents=True, exist_ok=True)
    file = place / ".lock" if place.is_dir() else place.with_name(hidden_name(place.name, ".lock"))
    owner, lock = "another process", FileLock(file)
    with suppress(OSError), file.open("rb") as held:  # it is missing
        held.seek(1)  # Windows locks the first byte
        owner = held.read().decode(errors="replace") or owner
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FaststyleError(
            f"{place} is being {doing} by {owner}: wait until it ends, or choose another -o."
        ) from None
    try:
        with suppress(OSError), file.open("r+b") as held:
            held.seek(1)
            held.write(f"process {os.getpid()} on {platform.node()}".encode())
            held.truncate()
        yield
    finally:
        with suppress(OSError):  # on Windows, impossible before the release
            file.unlink()
        lock.release()
        if missing:
            with suppress(OSError):  # it is no longer empty
                place.rmdir()


def alone(
    place: Callable = lambda out, **_: Path(out),  # from the arguments to what is written
    doing: str = "painted",  # as in `locked`
    folder: bool = True,  # likewise
) -> Callable:
    "Decorate a function so that no other call writes to the same place meanwhile."

    def decorate(function):
        @wraps(function)
        def held_alone(*args, **kwargs):
            where = place(**signature(function).bind(*args, **kwargs).arguments)
            with locked(where, doing, folder):
                return function(*args, **kwargs)

        return held_alone

    return decorate
