"Security of a page: which requests it answers, how much it stores, what its messages tell."

import os
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from ..core.errors import FaststyleError, format_error, out_of_memory
from .answers import Refused, responses

__all__ = ["Guard", "check_room", "is_local", "page_folder", "plain_reason", "status_of", "trim"]

NAME, LOCK = "faststyle-page-", ".lock"
JOB = "job-"  # how the names of folders begin that a job needs, and removes
LIMIT = 2 * 2**30  # most bytes of uploads and results that a page keeps
QUOTA = 2**29  # likewise of one visitor, and of the visitor's own styles and photos to learn on
AGE = 86_400  # longest time in s that it keeps them
LOCAL = "localhost", "127.0.0.1", "::1"
FRAMES = [
    (b"x-frame-options", b"DENY"), (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"), (b"cross-origin-opener-policy", b"same-origin"),
]  # fmt: skip
STORES = (
    "/photo", "/film", "/style", "/learn", "/finish", "/paint_film", "/refine", "/linked",
    "/api/paint",
)  # fmt: skip
HOST = re.compile(r"([\w.-]+|\[[\da-fA-F:.]+\])(:\d+)?")
FOLDERS = re.compile(r"(?<![\w:/\\])([A-Za-z]:)?[/\\]+([^/\\\n'\"]+[/\\]+)+")  # of a path
OPTION = re.compile(r"[:.]?[^:.]*\s--?[a-z][\w-]*[^.]*(?=\.)")  # advice for the command line


def status_of(error: Exception) -> int:
    "Of an answer: 507, which may pass, or 400."
    return 507 if (isinstance(error, OSError) and error.errno) or out_of_memory(error) else 400


def trim(page: Path) -> None:
    "Remove files of a page's folder, the oldest first, that are too old or exceed the limit."
    found = []
    for folder, below, names in os.walk(page):
        below[:] = [name for name in below if not name.startswith(JOB)]
        for file in (Path(folder, name) for name in names if name != LOCK):
            with suppress(FileNotFoundError):  # removed meanwhile
                found.append((file, file.stat()))
    total, of = 0, Counter[str]()  # bytes: all, and of each visitor, who has a folder
    for file, stat in sorted(found, key=lambda each: -each[1].st_mtime):
        owner = file.relative_to(page).parts[0]
        total, of[owner] = total + stat.st_size, of[owner] + stat.st_size
        age = time.time() - stat.st_mtime
        if total > LIMIT or of[owner] > QUOTA or age > AGE:
            with suppress(OSError):  # Windows keeps a file that is being sent
                file.unlink(missing_ok=True)
                file.parent.rmdir()  # unless there is more in it


def check_room(places: Iterable[Path], more: int, most: int | None = None) -> None:
    "Refuse bytes that do not fit beside files and folders; `most` None: a visitor's share."
    most = QUOTA if most is None else most
    for place in places:
        below = (Path(folder, name) for folder, _, names in os.walk(place) for name in names)
        for file in (place, *below):
            with suppress(FileNotFoundError):  # removed meanwhile
                more += file.stat().st_size if file.is_file() else 0
    if more > most:
        raise Refused(
            413, f"That is more than the {most >> 20} MB that the page keeps. Remove some first."
        )


@contextmanager
def page_folder():
    """Make a folder for a page's files that only its owner can read and that ends with the page.

    Folders left by killed pages are removed first.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{NAME}*"):
        with suppress(Timeout, OSError):  # in use, or removed meanwhile
            if not hasattr(os, "geteuid") or folder.lstat().st_uid == os.geteuid():
                with FileLock(folder / LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
                folder.rmdir()  # as Windows kept the lock
    path, lock = _locked_folder()
    try:
        yield path.resolve()
    finally:
        lock.release()
        shutil.rmtree(path, ignore_errors=True)


def _locked_folder():
    "A new private folder, and the lock that marks it as in use."
    while True:
        path = Path(tempfile.mkdtemp(prefix=NAME))
        lock = FileLock(path / LOCK)
        with suppress(OSError):
            made = path.stat()
            lock.acquire()
            now = path.stat()  # a page that started meanwhile may have removed it
            if os.path.samestat(made, now) and made.st_mode == now.st_mode:
                return path, lock
        lock.release()
        shutil.rmtree(path, ignore_errors=True)


def plain_reason(error: Exception) -> str:
    "The error as text for a page, without the server's folders; unexpected ones are printed too."
    if isinstance(error, (FaststyleError, ValueError, OSError)) or out_of_memory(error):
        return OPTION.sub("", FOLDERS.sub("", format_error(error)))
    *_, (place, line) = traceback.walk_tb(error.__traceback__)
    where = f"{place.f_code.co_filename}:{line}"
    print(f"error: {format_error(error)} at {where}", file=sys.stderr)
    return f"Unexpected error: {type(error).__name__}."


class Guard:
    """Refuse requests that other sites send through a visitor's browser, and frames in other sites.

    A site can point its name to this machine (DNS rebinding), so the page answers only to its own
    names. Numeric addresses cannot be redirected.
    """

    def __init__(self, app, host: str, allowed: tuple[str, ...], folder: Path):
        self.app, self.folder = app, folder
        self.allowed, self.numbers = {_name(name) for name in allowed}, not is_local(host)
        self.names = {*LOCAL, _name(host), *self.allowed}

    async def __call__(self, scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        from starlette.concurrency import run_in_threadpool

        async def framed(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *FRAMES]
            await send(message)

        headers = [(k.decode("latin1"), v.decode("latin1")) for k, v in scope["headers"]]
        if why := self._refusal(scope, headers):
            return await responses.PlainTextResponse(why, 403)(scope, receive, framed)
        try:
            await self.app(scope, receive, framed)
        finally:
            if scope["path"].endswith(STORES):
                await run_in_threadpool(trim, self.folder)

    def _refusal(self, scope, headers):
        given, keys = dict(headers), [key for key, _ in headers]
        host, origin = given.get("host", ""), given.get("origin")
        if max(keys.count("host"), keys.count("origin")) > 1:
            return "Duplicate Host or Origin header."
        name = _name(host)
        known = name in self.names or (self.numbers and _is_number(name))
        if not HOST.fullmatch(host) or not known:
            return f"This page does not serve the host {name[:80]!r}: use --allow-host."
        if origin is not None:
            site = re.fullmatch(r"https?://([^/]+)", origin.lower())
            if not site or (site[1] != host.lower() and _name(site[1]) not in self.allowed):
                return "This page refuses requests from other sites."
        path, method = scope["path"].rstrip("/") or "/", scope.get("method")
        linked = (path, method, given.get("sec-fetch-mode")) == ("/", "GET", "navigate")
        if given.get("sec-fetch-site") in ("cross-site", "same-site") and not linked:
            return "This page refuses requests from other sites."
        return None


def _name(host):
    "The name or address of a host, without port, brackets and final dot."
    if host.count(":") > 1 and not host.startswith("["):  # a plain IPv6 address
        return host
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_number(name):
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


def is_local(host: str) -> bool:
    "Whether `host` can be reached only from this machine."
    name = _name(host)
    return name == "localhost" or (_is_number(name) and ip_address(name).is_loopback)
