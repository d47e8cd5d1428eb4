"Visitors of the page, and how their browsers call what it does."

import json
import shutil
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha1
from os import SEEK_END
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import quote, unquote
from uuid import uuid4

from PIL import Image

from ..core.atomic import atomic_write, best_effort_write
from ..core.errors import FaststyleError
from ..images.formats import PICTURES, RAW
from . import guard
from .answers import Refused, Route, body_of, responses
from .guard import JOB, check_room, plain_reason, status_of
from .jobs import Queue
from .library import StyleLibrary
from .names import plain_name

__all__ = ["Film", "Owners", "Site", "Visit", "Visitors", "file_name", "kept", "key_of", "size_of"]

THREADS, AT_ONCE = 32, 20  # that answer visitors, and calls of one visitor
WAITING = "paint", "thumbnail", "example", "finish", "frame"  # calls for one painter
OWNERS = ".owners.json"  # in the folder of styles
VISITORS = 100  # the latest, whose photos are remembered
LEFT = 150  # s without a call after which a visitor has left; hidden tabs call once a minute


class Forgotten(FaststyleError):
    "A photo that is no longer kept; the browser sends it again."


class Film(NamedTuple):
    "A visitor's film."

    file: Path
    seconds: float


@dataclass
class Visit:
    "What the page knows of a visitor."

    name: str
    seen: float = 0.0  # when it called last
    photo: Path | None = None  # or a frame of the film
    key: str = ""  # which photo or film it is, by the browser
    small: Image.Image | None = None  # the photo as it is shown
    size: tuple[int, int] = (0, 0)  # of the photo
    film: Film | None = None
    share: float | None = None  # of the download that runs
    stop: threading.Event = field(default_factory=threading.Event)
    # Which photo, and the style -> a refining.Refined, closer to the painting than the style is
    closer: dict[tuple[str, str], Any] = field(default_factory=dict)
    painted: tuple[tuple, Path] | None = None  # how at full size, and where it is kept
    live: Any = None  # camera.Live
    lessons: Path | None = None  # a folder of photos that it sent to learn on

    @property
    def has_left(self) -> bool:
        return time.monotonic() - self.seen > LEFT

    @property
    def idle(self) -> bool:
        "Whether nothing is lost if it is forgotten."
        return not (self.photo or self.film or self.lessons or self.closer)

    def the_photo(self) -> Path:
        if self.photo is None or not self.photo.exists():
            raise Forgotten("Open the photo again: it is no longer on the page.")
        return self.photo


class Owners:
    "Who began which style, unless all belongs to all."

    def __init__(self, shared: bool, shelf: StyleLibrary):
        self.shared, self.shelf, self.file = shared, shelf, shelf.folder / OWNERS
        self.keeping = threading.Lock()
        self.names: dict[str, str] = {}  # a style -> who began it
        with suppress(OSError, ValueError, AttributeError):  # there is none, or it is damaged
            known, own = json.loads(self.file.read_text("utf-8")).items(), shelf.own()
            self.names = {name: owner for name, owner in known if name in own}

    def own(self, visit: Visit, name: str) -> None:
        "A visitor began a style."
        with self.keeping:
            self.names[file_name(name)] = secret(visit.name)
            best_effort_write(self._keep)

    def _keep(self):
        if not self.shared:
            with atomic_write(self.file) as temporary:
                temporary.write_text(json.dumps(self.names), "utf-8")

    def check_room(self, visit: Visit, more: int) -> None:
        "Check that a style of so many bytes may be added: visitors fill no disk."
        if not self.shared:
            own, me = self.shelf.own(), secret(visit.name)
            check_room([own[name] for name in own if self.names.get(name) == me], more)
            check_room([own[name] for name in own if name in self.names], more, guard.LIMIT)

    def gone(self, name: str) -> None:
        "Nobody has a style any more."
        with self.keeping:
            if self.names.pop(name, None):
                best_effort_write(self._keep)

    def check(self, visit: Visit, name: str | None, owner: str | None = None) -> None:
        "Check that a style, or what `owner` began, may be changed by a visitor."
        own = secret(owner) if owner else self.names.get(file_name(name or ""))
        if not self.shared and secret(visit.name) != own:
            raise FaststyleError(
                "It belongs to someone else. To let everyone change it, run the page with --shared."
            )


def secret(visitor: str) -> str:
    "A visitor's secret as it is kept."
    return sha1(visitor.encode()).hexdigest()


def file_name(called: str) -> str:
    "The name of a style's file, which may hold several."
    return called.partition(": ")[0]


class Site(NamedTuple):
    "What the parts of a page share."

    scratch: Path  # the page's own folder, removed with it
    shelf: StyleLibrary
    queue: Queue
    where: dict[str, Any]  # device and precision
    folders: dict[str, Path]  # photos to learn on
    owners: Owners

    def place(
        self,
        visit: Visit,
        prefix: str = "",  # guard.JOB: it stays until the job that needs it removes it
    ) -> Path:
        "A new folder for a file of a visitor, whose files lie together."
        folder = self.scratch / secret(visit.name) / f"{prefix}{uuid4().hex}"
        folder.mkdir(parents=True)
        return folder

    def check_room(self, visit: Visit, more: int, *own: Path) -> None:
        "Check that a job may need so many bytes more; `own` is what the visitor has for it."
        used = (self.scratch / secret(visit.name)).glob(f"{JOB}*")
        check_room([*own, *used], more)
        check_room(self.scratch.glob(f"*/{JOB}*"), more, guard.LIMIT)  # of all visitors


class Visitors:
    "The latest visitors by the secret that their browsers send."

    def __init__(self) -> None:
        self.visits: OrderedDict[str, Visit] = OrderedDict()
        self.counting = threading.Lock()
        self.calls: Counter[str] = Counter()  # that are not answered, by visitor
        # Of their threads, so that others always serve the page itself, and stop what waits.
        self.limiters: dict[bool, Any] = {}

    def rename(self, name: str, now: str | None) -> None:
        "Follow a style's new name; None: forget what was refined in it, as the name is free."
        with self.counting:
            visits = [*self.visits.values()]
        for visit in visits:
            for key, style in [*visit.closer]:
                if file_name(style) == name:
                    refined = visit.closer.pop((key, style), None)
                    if now and refined:
                        visit.closer[key, now + style.removeprefix(name)] = refined

    def routes(self, method: str, *acts: Callable[[Visit, dict, IO[bytes]], Any]) -> list:
        "A route for each act, by its name; it returns an answer, or what becomes its JSON."
        return [Route(f"/page/{act.__name__}", self._route(act), methods=[method]) for act in acts]

    def _route(self, act):
        from anyio import CapacityLimiter, to_thread

        async def answer(request):
            headers = dict(request.headers)
            visitor = headers.get("visitor", "")
            limiter = self.limiters.setdefault(act.__name__ in WAITING, CapacityLimiter(THREADS))
            self.calls[visitor] += 1
            try:
                if self.calls[visitor] > AT_ONCE:
                    raise Refused(429, "Too many calls at once. Try again later.")
                async with body_of(request) as body:
                    call = partial(self._answered, act, headers, body)
                    return await to_thread.run_sync(call, limiter=limiter)
            finally:
                self.calls[visitor] -= 1
                self.calls += Counter()  # without those at 0

        return answer

    def _answered(self, act, headers, body):
        try:
            how = json.loads(unquote(headers.get("how", "{}")))
            if not isinstance(how, dict):
                raise FaststyleError("Send an object of settings.")
            visit = self._visit(headers)
            if headers.get("photo", visit.key) != visit.key:  # another tab has opened one
                raise Forgotten("Open the photo again: another one was opened.")
            found = act(visit, how, body)
            if not isinstance(found, responses.Response):
                found = responses.JSONResponse({} if found is None else found)
            found.headers.setdefault("cache-control", "no-store")  # headers say what is asked for
            return found
        except Refused:
            raise
        except Exception as error:
            status = 410 if isinstance(error, Forgotten) else status_of(error)
            return responses.PlainTextResponse(plain_reason(error), status)

    def _visit(self, headers):
        if not (visitor := headers.get("visitor", "")[:64]):
            raise FaststyleError("Send a header `visitor`: a text that nobody can guess.")
        with self.counting:
            if visitor not in self.visits and len(self.visits) >= VISITORS:
                gone = [name for name, visit in self.visits.items() if visit.has_left or visit.idle]
                if not gone:
                    raise Refused(429, "The page has too many visitors. Try again later.")
                del self.visits[gone[0]]
            visit = self.visits.setdefault(visitor, Visit(visitor))
            visit.seen = time.monotonic()
            self.visits.move_to_end(visitor)
            return visit


def key_of(how: dict[str, Any]) -> str:
    "What a browser calls a photo or film."
    return quote(str(how.get("key") or uuid4().hex)[:64])


def size_of(body: IO[bytes]) -> int:
    "The bytes of what was sent."
    body.seek(0, SEEK_END)
    size = body.tell()
    body.seek(0)
    return size


@contextmanager
def kept(
    folder: Path,  # a new one, which is removed if the file is refused
    how: dict[str, Any],  # with the file's name
    body: IO[bytes],
    kinds=(".png", *PICTURES, *RAW, ".safetensors"),  # endings; others become the first one
) -> Iterator[Path]:
    "A file of what was sent."
    name = Path(str(how.get("name", ""))).name
    stem, suffix = plain_name(Path(name).stem) or "photo", Path(name).suffix.lower()
    if suffix not in kinds:
        suffix = kinds[0]  # the content says what it is
    file = folder / f"{stem}{suffix}"
    try:
        with file.open("wb") as out:
            shutil.copyfileobj(body, out)
        yield file
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
