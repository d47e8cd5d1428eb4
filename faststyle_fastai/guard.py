"What keeps a page to itself: whose requests it answers, which files it reads, what it keeps."

import os
import re
import shutil
import tempfile
import time
import traceback
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from .errors import FaststyleError, one_line

__all__ = ["Guard", "PageFolder", "guarded_blocks", "page_folder"]

NAME, LOCK = "faststyle-page-", ".lock"
LIMIT = 2 * 2**30  # bytes of uploads and results that a page holds
AGE = 86_400  # s that it holds them
LOOKS = 5.0  # s between two looks at how much there is
LOCAL = "localhost", "127.0.0.1", "::1"
FRAMES = [
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
]
REQUEST = 64 * 2**20  # bytes of an upload between two looks
# All that a visitor's browser asks of gradio: not its proxy, recorder, editor or links to states.
FILE = "/gradio_api/file="
ROUTES = {
    "GET": re.compile(
        r"/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|image)?|/(static|assets|svelte)/.+"
        rf"|{FILE}.+|/gradio_api/(info|app_id|startup-events|upload_progress|theme\.css|queue/data"
        r"|(heartbeat|call|stream)/.+)"
    ),
    "POST": re.compile(r"/gradio_api/(upload|queue/join|cancel|reset|(call|run|api|stream)/.+)"),
}
HOST = re.compile(r"([\w.-]+|\[[\da-fA-F:.]+\])(:\d+)?")
PICTURE = re.compile(r"data:image/(png|jpeg|webp);base64,")  # as the camera sends its frames
FOLDERS = re.compile(r"(?<![\w:/\\])([A-Za-z]:)?[/\\]([^/\\\n'\"]+[/\\])+")  # before a file's name


class PageFolder:
    "Uploads and results of one page; the oldest go when there are too many."

    def __init__(self, path: Path):
        self.path = path.resolve()
        self.kept, self.looked = set(), -LOOKS

    def keep(self):
        "What is here now belongs to the page and stays."
        self.kept = {file for file, _ in self._files()}

    def holds(self, path) -> bool:
        "Whether this is the path of a file of this page."
        try:
            file = Path(path).resolve(strict=True)
        except (OSError, ValueError, TypeError):
            return False
        return self.path in file.parents and file.is_file() and file.name != LOCK

    def trim(self, now: bool = False):
        "Remove what is too old, and the oldest of what is too much; seldom, unless `now`."
        if not now and time.monotonic() - self.looked < LOOKS:
            return
        self.looked, total = time.monotonic(), 0
        for file, stat in sorted(self._files(), key=lambda found: -found[1].st_mtime):
            total += stat.st_size
            if file not in self.kept and (total > LIMIT or _age(stat) > AGE):
                file.unlink(missing_ok=True)

    def _files(self):
        for folder, below, names in os.walk(self.path):
            below[:] = [name for name in below if not name.startswith("photos-")]  # in use
            for file in (Path(folder, name) for name in names if name != LOCK):
                try:
                    yield file, file.stat()
                except FileNotFoundError:  # gone meanwhile
                    pass


def _age(stat):
    return time.time() - stat.st_mtime


@contextmanager
def page_folder():
    """A folder that only its owner can read, gone with the page, where gradio puts its files.

    What a killed page has left is removed first.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{NAME}*"):
        with suppress(Timeout, OSError):  # it is in use, or gone meanwhile
            if not hasattr(os, "geteuid") or folder.lstat().st_uid == os.geteuid():
                with FileLock(folder / LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
    path, lock = _locked_folder()
    before = os.environ.get("GRADIO_TEMP_DIR")
    os.environ["GRADIO_TEMP_DIR"] = str(path)
    try:
        yield PageFolder(path)
    finally:
        os.environ.pop("GRADIO_TEMP_DIR", None)
        if before:
            os.environ["GRADIO_TEMP_DIR"] = before
        lock.release()
        shutil.rmtree(path, ignore_errors=True)


def _locked_folder():
    "A new private folder, and the lock that says it is in use."
    while True:
        path = Path(tempfile.mkdtemp(prefix=NAME))
        lock = FileLock(path / LOCK)
        with suppress(OSError):
            made = path.stat()
            lock.acquire()
            now = path.stat()  # a page that began meanwhile may have taken it for left over
            if os.path.samestat(made, now) and made.st_mode == now.st_mode:
                return path, lock
        lock.release()
        shutil.rmtree(path, ignore_errors=True)


def guarded_blocks(gr, folder: PageFolder, **kwargs):
    "gradio's Blocks: whatever a visitor sends goes by here, and so does what goes wrong."

    from starlette.concurrency import run_in_threadpool

    class Blocks(gr.Blocks):
        async def preprocess_data(self, block_fn, inputs, *args, **kwargs):
            _check(inputs, folder)
            return await super().preprocess_data(block_fn, inputs, *args, **kwargs)

        async def process_api(self, *args, **kwargs):
            try:
                _check(getattr(kwargs.get("event_data"), "_data", None), folder)
                return await super().process_api(*args, **kwargs)
            except (StopIteration, StopAsyncIteration):
                raise
            except Exception as error:
                raise gr.Error(_for_visitors(error), print_exception=False) from None
            finally:
                await run_in_threadpool(folder.trim)

    return Blocks(analytics_enabled=False, **kwargs)


def _check(value, folder):
    """Refuse each path in `value` that is not a file of this page, whatever else it claims.

    gradio itself looks at paths only where `meta` says that they are files. The answer does not
    tell which files exist.
    """
    if isinstance(value, (list, tuple)):
        for part in value:
            _check(part, folder)
    if isinstance(value, dict):
        path, url = value.get("path"), value.get("url")
        sent = path is None and isinstance(url, str) and PICTURE.match(url)
        if {"path", "url"} & set(value) and not (sent or folder.holds(path)):
            raise FaststyleError("this file was not uploaded to this page: upload it again.")
        for part in value.values():
            _check(part, folder)


def _for_visitors(error):
    "What went wrong, without the server's folders; what nobody foresaw is told to the terminal."
    if type(error).__name__ == "ComponentProcessingError":  # tells which of gradio's parts it was
        error = error.__cause__ or error
    if not isinstance(error, (FaststyleError, ValueError, OSError)):
        message = getattr(error, "message", None)  # of gradio's own errors
        if message is None:
            traceback.print_exception(error)
            message = f"this went wrong: {type(error).__name__}."
        return FOLDERS.sub("", str(message))
    return FOLDERS.sub("", one_line(error))


class Guard:
    """Refuses what other sites send through a visitor's browser, and to be framed by them.

    A site can let its name lead to this machine (DNS rebinding), so the page answers to its own
    names alone. An address of numbers cannot be led elsewhere.
    """

    def __init__(self, app, host: str, allowed: tuple[str, ...], folder: PageFolder):
        self.app, self.folder = app, folder
        self.allowed, self.numbers = {_name(name) for name in allowed}, not is_local(host)
        self.names = {*LOCAL, _name(host), *self.allowed}

    async def __call__(self, scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import PlainTextResponse

        async def framed(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *FRAMES]
            await send(message)

        headers = [(k.decode("latin1"), v.decode("latin1")) for k, v in scope["headers"]]
        if why := self._refusal(scope, headers):
            return await PlainTextResponse(why, 403)(scope, receive, framed)
        if not self.allowed:  # no proxy stands before the page
            scope["headers"] = [pair for pair in scope["headers"] if pair[0][:2] != b"x-"]
        if scope.get("method") != "POST":
            return await self.app(scope, receive, framed)
        got = [0, 0]  # bytes in all, and since the last look

        async def counted():
            message = await receive()
            got[:] = [n + len(message.get("body", b"")) for n in got]
            if got[0] > LIMIT:
                return {"type": "http.disconnect"}
            if got[1] > REQUEST:
                got[1] = 0
                await run_in_threadpool(self.folder.trim, now=True)
            return message

        try:
            await self.app(scope, counted, framed)
        finally:
            if scope["path"].rstrip("/").endswith("/upload"):
                self.folder.trim(now=True)

    def _refusal(self, scope, headers):
        given, keys = dict(headers), [key for key, _ in headers]
        host, origin = given.get("host", ""), given.get("origin")
        if max(keys.count("host"), keys.count("origin")) > 1:
            return "One host and one origin, please."
        name = _name(host)
        known = name in self.names or (self.numbers and _is_number(name))
        if not HOST.fullmatch(host) or not known:
            return f"This page does not go by the name {name[:80]!r} (--allow-host)."
        if origin is not None:
            site = re.fullmatch(r"https?://([^/]+)", origin.lower())
            if not site or (site[1] != host.lower() and _name(site[1]) not in self.allowed):
                return "This page takes nothing from other sites."
        path, method = scope["path"].rstrip("/") or "/", scope.get("method")
        linked = (path, method, given.get("sec-fetch-mode")) == ("/", "GET", "navigate")
        if given.get("sec-fetch-site") in ("cross-site", "same-site") and not linked:
            return "This page takes nothing from other sites."
        routes = ROUTES.get("GET" if method == "HEAD" else method)
        if not (routes and routes.fullmatch(path)):  # a websocket has no method
            return "There is nothing here."
        if path.startswith(FILE) and not self.folder.holds(path.removeprefix(FILE)):
            return "There is nothing here."
        return None


def _name(host):
    "Of a host its name or address: without port, brackets and final dot."
    if host.count(":") > 1 and not host.startswith("["):  # an address of IPv6 as it is
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
    "Whether only this machine reaches what is served there."
    name = _name(host)
    return name == "localhost" or (_is_number(name) and ip_address(name).is_loopback)
