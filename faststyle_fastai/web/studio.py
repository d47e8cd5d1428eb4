"The page that paints a photo: the studio's, painted by this computer."

import json
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from urllib.parse import quote, unquote
from uuid import uuid4

import numpy as np
from PIL import Image, ImageOps

from ..core.errors import FaststyleError
from ..images.files import image_size, read_exif, read_picture, to_picture
from ..images.formats import PICTURES
from ..images.saving import save_picture
from ..images.sizes import fitted
from ..inference.builtin import BUILTIN_STYLES
from ..inference.enlarge import painting_shape
from ..inference.html import THUMBNAIL
from ..inference.live import live_gallery
from ..inference.options import PaintOptions
from ..inference.stylizer import Stylizer
from .answers import (
    FRAME,
    body_of,
    jpeg,
    json_answer,
    mask_of,
    nothing,
    number,
    picture_answer,
    sent_picture,
    shown,
    stroke_of,
)
from .camera import Live
from .guard import plain_reason
from .jobs import RefiningJob
from .library import plain_name
from .parts import Site
from .window import Window

__all__ = ["Studio"]

SHOWN = 1280  # px of an image on the page; downloads have the full size
LIVE = 240  # px of a frame's short side
LARGE, TILE = 2e6, 512  # larger paintings, in pixels, are made in tiles, between which they stop
SECONDS = 20  # of refining
VISITORS = 100  # the latest, whose photos are remembered


@dataclass
class Visit:
    "What the page knows of a visitor."

    photo: Path | None = None
    small: Image.Image | None = None  # the photo as it is shown
    size: tuple[int, int] = (0, 0)  # of the photo
    share: float | None = None  # of the download or refining that runs
    stop: threading.Event = field(default_factory=threading.Event)
    job: RefiningJob | None = None
    refined: tuple | None = None  # photo, style, Stylizer, painting
    live: tuple | None = None  # style, Live


class Studio:
    "Routes of the page that paints photos; `mount` adds them to an app."

    def __init__(self, site: Site):
        self.shelf, self.scratch, self.where = site.shelf, site.scratch, site.where
        self.window = Window(site.shelf, site.scratch)
        self.queue = site.queue
        self.visits: OrderedDict[str, Visit] = OrderedDict()
        # One preview, one download and one refining at a time, so that none waits for another kind.
        self.turn, self.finishing, self.refining = (threading.Lock() for _ in range(3))
        self.live_builtin = lru_cache(1)(lambda: Stylizer(live_gallery(**self.where), **self.where))

    def mount(self, app):
        from starlette.concurrency import run_in_threadpool
        from starlette.requests import Request
        from starlette.responses import HTMLResponse, PlainTextResponse

        def route(act):
            async def answer(request: Request):
                if (body := await body_of(request)) is None:
                    return PlainTextResponse("The file is larger than 100 MB.", 413)
                return await run_in_threadpool(self._answered, act, dict(request.headers), body)

            return answer

        app.add_route("/studio/painting", self.window.painting, methods=["GET"])
        app.add_route("/studio", lambda _: HTMLResponse(self.window.page()), methods=["GET"])
        for act in (self.styles, self.source, self.progress, self.preview):
            app.add_route(f"/studio/{act.__name__}", route(act), methods=["GET"])
        posts = self.photo, self.paint, self.mask, self.thumbnail, self.frame, self.finish
        for act in (*posts, self.stop, self.style, self.forget, self.refine, self.keep):
            app.add_route(f"/studio/{act.__name__}", route(act), methods=["POST"])

    def _answered(self, act, headers, body):
        from starlette.responses import PlainTextResponse

        try:
            how = json.loads(unquote(headers.get("how", "{}")))
            if not isinstance(how, dict):
                raise FaststyleError("Send an object of settings.")
            return act(self._visit(headers), how, body)
        except Exception as error:
            return PlainTextResponse(plain_reason(error), 400)

    def _visit(self, headers):
        if not (visitor := headers.get("visitor", "")[:64]):
            raise FaststyleError("Send a header `visitor`: a text that nobody can guess.")
        visit = self.visits.setdefault(visitor, Visit())
        self.visits.move_to_end(visitor)
        while len(self.visits) > VISITORS:
            self.visits.popitem(last=False)
        return visit

    def photo_of(self, visitor: str) -> Path | None:
        "The photo that a visitor has opened."
        visit = self.visits.get(visitor)
        return visit.photo if visit and visit.photo and visit.photo.exists() else None

    def styles(self, visit, how, body):
        return json_answer(self.window.styles())

    def progress(self, visit, how, body):
        job = visit.job
        share = job.done if job else visit.share
        preview = bool(job and job.picture is not None)
        return json_answer({"share": share, "preview": preview, "job": self.queue.running()})

    def preview(self, visit, how, body):
        "The latest image of a refining."
        if not visit.job or visit.job.picture is None:
            raise FaststyleError("There is no preview.")
        painted = to_picture(visit.job.picture.clamp(0, 1))
        return jpeg(painted.resize(visit.small.size))

    def source(self, visit, how, body):
        "The visitor's photo as it is shown; without content if there is none."
        if visit.photo is None or not visit.photo.exists():
            return nothing()
        width, height = visit.size
        return jpeg(visit.small, name=quote(visit.photo.name), size=f"{width}x{height}")

    def photo(self, visit, how, body):
        "Take the visitor's photo."
        file = self._kept(how, body)
        size = image_size(file)
        small = read_picture(file, shortest=min(fitted(size, SHOWN)))
        visit.small = shown(small).resize(fitted(small.size, SHOWN))
        visit.photo, visit.size = file, size
        return json_answer({"size": size})

    def _kept(self, how, body):
        "A file of what was sent."
        name = Path(str(how.get("name", ""))).name
        stem, suffix = plain_name(Path(name).stem) or "photo", Path(name).suffix.lower()
        if suffix not in (*PICTURES, ".safetensors"):
            suffix = ".png"  # the content says what it is
        file = self.scratch / uuid4().hex / f"{stem}{suffix}"
        file.parent.mkdir()
        file.write_bytes(body)
        return file

    def _photo(self, visit):
        if visit.photo is None or not visit.photo.exists():
            raise FaststyleError("Open the photo again: the page has forgotten it.")
        return visit.photo

    def _prepared(self, visit, how):
        "The network, its arguments, and what to say of it."
        called, other = how.get("style"), how.get("other")
        paint, name = self.shelf.find(called)
        mix, refined = name, visit.refined
        if other in self.shelf.mixtures(called):
            share = number(how, "share", 0.5)
            paint, names = self.shelf.find_both(called, other)
            mix, refined = dict(zip(names, (1 - share, share))), None
        if refined and refined[:2] == (visit.photo, called):
            paint, mix, note = refined[2], None, "refined"
        else:
            note = "sight" if self.shelf.painting(called) else ""
        if not paint.base:
            note = "noBase"
        strength = number(how, "strength", 1.0) if paint.base else 1.0
        settings = {"style": mix, "strength": strength, "keep_colors": bool(how.get("colors"))}
        return paint, settings, note

    def paint(self, visit, how, body):
        "Paint the photo as large as it is shown, with the strokes of its full size."
        self._photo(visit)
        paint, settings, note = self._prepared(visit, how)
        short = min(painting_shape(visit.size, stroke_of(how), None))
        with self.turn:
            painted = paint(visit.small, **settings, size=min(short, *visit.small.size))
        return jpeg(painted, note=note)

    def thumbnail(self, visit, how, body):
        "The middle of the photo in a style."
        self._photo(visit)
        paint, name = self.shelf.find(how.get("style"))
        with self.turn:
            return jpeg(paint(ImageOps.fit(visit.small, (THUMBNAIL,) * 2), name, faces="painted"))

    def mask(self, visit, how, body):
        "What is painted, as an image whose opacity it is."
        self._photo(visit)
        mask, seen = mask_of(visit.small, how, body)
        data = BytesIO()
        Image.merge("LA", (mask, mask)).save(data, "PNG")
        return picture_answer(data.getvalue(), "image/png", seen="yes" if seen else "no")

    def finish(self, visit, how, body):
        "Paint the photo at its full size; without content if it was stopped."
        from starlette.responses import FileResponse

        photo = self._photo(visit)
        paint, settings, _ = self._prepared(visit, how)
        suffix = ".png" if how.get("type") == "image/png" else ".jpg"
        stroke = stroke_of(how)
        visit.stop.clear()
        visit.share = 0.0

        def watch(share):
            visit.share = share
            if visit.stop.is_set():
                raise FaststyleError("Stopped.")

        try:
            masked = how.get("area", "all") != "all" or how.get("invert") or body
            mask = mask_of(read_picture(photo), how, body)[0] if masked else None
            slow = math.prod(painting_shape(visit.size, stroke, None)) > LARGE
            tile = TILE if slow else "auto"
            with self.finishing:
                painted = paint(photo, **settings, mask=mask, stroke=stroke, tile=tile, watch=watch)
        except FaststyleError:
            if visit.stop.is_set():
                return nothing()
            raise
        finally:
            visit.share = None
        place = self.scratch / uuid4().hex / f"{photo.stem}-{plain_name(str(how['style']))}{suffix}"
        return FileResponse(save_picture(painted, place, exif=read_exif(photo)))

    def frame(self, visit, how, body):
        "Paint a frame of the camera."
        called, area = how.get("style"), how.get("area", "all")
        if called in BUILTIN_STYLES:
            paint, name = self.live_builtin(), called
        else:
            paint, name = self.shelf.find(called)
        if visit.live is None or visit.live[0] is not paint:
            visit.live = paint, Live(paint, LIVE, PaintOptions())
        strength = number(how, "strength", 1.0) if paint.base else 1.0
        frame = np.asarray(sent_picture(body, "JPEG", FRAME).convert("RGB"))
        with self.turn:
            return jpeg(visit.live[1](frame, name, strength, area)[0])

    def stop(self, visit, how, body):
        "End the visitor's download or refining."
        visit.stop.set()
        if visit.job:
            visit.job.stop.set()
        return json_answer({})

    def style(self, visit, how, body):
        "Add a painting or a style file to the library."
        called = self.shelf.add(self._kept(how, body))
        return json_answer(next(one for one in self.window.styles() if one["name"] == called))

    def forget(self, visit, how, body):
        "Remove a painting that is no trained style."
        if not (painting := self.shelf.painting(str(how.get("style")))):
            raise FaststyleError("Choose a painting of yours.")
        painting.unlink(missing_ok=True)
        return json_answer({})

    def refine(self, visit, how, body):
        "Refine the style on the photo."
        photo, called = self._photo(visit), how.get("style")
        paint, settings, _ = self._prepared(visit, how)
        painting = self.shelf.painting_of(called)
        if painting is None:
            raise FaststyleError("Choose a style whose painting is known.")
        if isinstance(settings["style"], dict):
            raise FaststyleError("Refining takes one style: mix it with nothing.")
        visit.job = RefiningJob()
        try:
            with self.refining:
                refined = paint.refined(
                    photo, SECONDS, settings["style"], stroke=stroke_of(how), watch=visit.job,
                    painting=painting,
                )  # fmt: skip
        finally:
            visit.job = None
        visit.refined = photo, called, refined, painting
        return json_answer({})

    def keep(self, visit, how, body):
        "Add the visitor's refined style to the library."
        if not visit.refined:
            raise FaststyleError("Refine a style first.")
        _, called, paint, painting = visit.refined
        visit.refined = None
        return json_answer({"name": self.shelf.keep(paint, painting, called)})
