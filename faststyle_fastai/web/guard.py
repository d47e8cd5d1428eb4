"Security of a page: which requests it answers, which files it reads, how much it stores."

import html
import os
import re
import shutil
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from PIL import EpsImagePlugin

from ..core.errors import FaststyleError, format_error
from ..core.values import is_finite
from .gradio import gr  # brings starlette

__all__ = ["Guard", "PageFolder", "guarded_blocks", "page_folder", "plain_reason", "reason"]

NAME, LOCK = "faststyle-page-", ".lock"
LIMIT = 2 * 2**30  # most bytes of uploads and results that a page keeps
AGE = 86_400  # longest time in s that it keeps them
LOOKS = 5.0  # s between checks of the folder's size
LOCAL = "localhost", "127.0.0.1", "::1"
NOSNIFF = b"x-content-type-options", b"nosniff"
FRAMES = [
    (b"x-frame-options", b"DENY"), (b"content-security-policy", b"frame-ancestors 'none'"), NOSNIFF,
]  # fmt: skip
OWN_FRAMES = [  # the page shows its own studio in a frame
    (b"x-frame-options", b"SAMEORIGIN"), (b"content-security-policy", b"frame-ancestors 'self'"),
    NOSNIFF,
]  # fmt: skip
STUDIO = "/studio"
REQUEST = 64 * 2**20  # bytes of an upload between checks
# The only routes of gradio that a browser needs: no proxy, recorder, editor or links to states.
FILE = "/gradio_api/file="
ROUTES = {
    "GET": re.compile(
        r"/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|image)?|/(static|assets|svelte)/.+"
        r"|/studio(/(styles|painting|source|progress|preview))?|/api/(styles|openapi\.json)"
        rf"|{FILE}.+|/gradio_api/(info|app_id|startup-events|upload_progress|theme\.css|queue/data"
        r"|(heartbeat|call|stream)/.+)"
    ),
    "POST": re.compile(
        r"/gradio_api/(upload|queue/join|cancel|reset|(call|run|api|stream)/.+)"
        r"|/studio/(photo|paint|mask|thumbnail|frame|finish|stop|style|forget|refine|keep)|/api/paint"
    ),
}
KEPT = "/upload", "/photo", "/style", "/finish", "/api/paint"  # of what the folder keeps files
HOST = re.compile(r"([\w.-]+|\[[\da-fA-F:.]+\])(:\d+)?")
PICTURE = re.compile(r"data:image/(png|jpeg|webp);base64,")  # the camera's frames
FOLDERS = re.compile(r"(?<![\w:/\\])([A-Za-z]:)?[/\\]([^/\\\n'\"]+[/\\])+")  # of a path
NO_IMAGE = re.compile(r"cannot identify image file '?([^']*)'?")  # Pillow's words, by gradio
OPTION = re.compile(r"[:.]?[^:.]*\s--?[a-z][\w-]*[^.]*(?=\.)")  # advice for the command line


class PageFolder:
    "Uploads and results of one page; the oldest are removed when the limit is exceeded."

    def __init__(self, path: Path):
        self.path = path.resolve()
        self.kept: set[Path] = set()
        self.looked = -LOOKS

    def keep(self):
        "Keep the current files, which belong to the page, until it ends."
        self.kept = {file for file, _ in self._files()}

    def holds(self, path) -> bool:
        "Whether `path` is a file of this page."
        try:
            file = Path(path).resolve(strict=True)
        except (OSError, ValueError, TypeError):
            return False
        return self.path in file.parents and file.is_file() and file.name != LOCK

    def trim(self, now: bool = False):
        "Remove files that are too old or exceed the limit; at most every LOOKS s, unless `now`."
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
                except FileNotFoundError:  # removed meanwhile
                    pass


def _age(stat):
    return time.time() - stat.st_mtime


@contextmanager
def page_folder():
    """Make a folder for gradio's files that only its owner can read and that ends with the page.

    Folders left by killed pages are removed first.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{NAME}*"):
        with suppress(Timeout, OSError):  # in use, or removed meanwhile
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


def guarded_blocks(folder: PageFolder, **kwargs):
    "gradio's Blocks with checks of a visitor's input and of error messages."
    from starlette.concurrency import run_in_threadpool

    # gradio opens what visitors send before we do, and a file's content chooses Pillow's reader.
    EpsImagePlugin.gs_binary = False

    class Blocks(gr.Blocks):
        async def preprocess_data(self, block_fn, inputs, *args, **kwargs):
            if len(inputs) < len(block_fn.inputs):  # gradio would list its objects
                raise FaststyleError(f"Send {len(block_fn.inputs)} values, not {len(inputs)}.")
            _check(inputs, folder)
            return await super().preprocess_data(block_fn, inputs, *args, **kwargs)

        async def process_api(self, *args, **kwargs):
            try:
                _check(getattr(kwargs.get("event_data"), "_data", None), folder)
                return await super().process_api(*args, **kwargs)
            except (StopIteration, StopAsyncIteration):
                raise
            except Exception as error:
                raise gr.Error(reason(error), print_exception=False) from None
            finally:
                await run_in_threadpool(folder.trim)

    return Blocks(analytics_enabled=False, **kwargs)


def _check(value, folder):
    """Refuse each path in `value` that is not a file of this page, and each NaN or infinity.

    gradio itself checks paths only where `meta` marks them as files, and NaN is in every range. The
    error does not reveal which files exist.
    """
    if not isinstance(value, (list, tuple, dict)) and not is_finite(value):
        raise FaststyleError(f"{value} is not a number that can be used.")
    if isinstance(value, (list, tuple)):
        for part in value:
            _check(part, folder)
    if isinstance(value, dict):
        path, url = value.get("path"), value.get("url")
        sent = path is None and isinstance(url, str) and PICTURE.match(url)
        if {"path", "url"} & set(value) and not (sent or folder.holds(path)):
            raise FaststyleError("This file was not uploaded to this page: upload it again.")
        for part in value.values():
            _check(part, folder)


def reason(error: Exception) -> str:
    "`plain_reason` for gradio, which shows HTML."
    return html.escape(plain_reason(error), quote=False)


def plain_reason(error: Exception) -> str:
    "The error as text for a page, without the server's folders; unexpected ones are printed too."
    if type(error).__name__ == "ComponentProcessingError":  # it names a component of gradio
        error = error.__cause__ if isinstance(error.__cause__, Exception) else error
    if not isinstance(error, (FaststyleError, ValueError, OSError)):
        message = getattr(error, "message", None)  # gradio's own errors have one
        if message is None:
            *_, (place, line) = traceback.walk_tb(error.__traceback__)
            where = f"{place.f_code.co_filename}:{line}"
            print(f"error: {format_error(error)} at {where}", file=sys.stderr)
            message = f"Unexpected error: {type(error).__name__}."
    else:
        message = format_error(error)
    return NO_IMAGE.sub(
        r"\1 cannot be read: not an image.", OPTION.sub("", FOLDERS.sub("", str(message)))
    )


class Guard:
    """Refuse requests that other sites send through a visitor's browser, and frames in other sites.

    A site can point its name to this machine (DNS rebinding), so the page answers only to its own
    names. Numeric addresses cannot be redirected.
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

        frames = OWN_FRAMES if scope["path"] == STUDIO else FRAMES

        async def framed(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *frames]
            await send(message)

        headers = [(k.decode("latin1"), v.decode("latin1")) for k, v in scope["headers"]]
        if why := self._refusal(scope, headers):
            return await PlainTextResponse(why, 403)(scope, receive, framed)
        if not self.allowed:  # no proxy in front of the page
            scope["headers"] = [pair for pair in scope["headers"] if pair[0][:2] != b"x-"]
        if scope.get("method") != "POST":
            return await self.app(scope, receive, framed)
        got = [0, 0]  # bytes in total, and since the last check

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
            if scope["path"].rstrip("/").endswith(KEPT):
                self.folder.trim(now=True)

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
        routes = ROUTES.get("GET" if method == "HEAD" else method)
        if not (routes and routes.fullmatch(path)):  # a websocket has no method
            return "Not found."
        if path.startswith(FILE) and not self.folder.holds(path.removeprefix(FILE)):
            return "Not found."
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
