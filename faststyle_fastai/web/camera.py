"The camera's video, repainted live on a web page (the extra `web`)."

import time
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from ..core.errors import FaststyleError
from ..images.masks import read_mask
from ..inference.builtin import style_title
from ..inference.html import LENS, data_address
from ..inference.options import AREAS, PaintOptions
from ..inference.stylizer import Stylizer
from ..video.frame_painter import FramePainter
from ..video.reader import VideoFrame
from .answers import FRAME, jpeg, number, sent_picture
from .server import served
from .visits import Visitors
from .window import page_route

__all__ = ["Live", "camera_page"]

DEFAULT = PaintOptions()


@contextmanager
def camera_page(
    paint: Stylizer,
    host: str = "127.0.0.1",
    port: int = 8080,
    browser: bool = False,  # open the page
    size: int = 240,  # px of the short side
    allow_hosts: list[str] | None = None,  # see `server.served`
    options: PaintOptions = DEFAULT,  # the page may change the style, strength and area
):
    "Serve a page that shows the camera's video as `paint` paints it; print its address."
    if not paint.styles:
        raise FaststyleError("An autoencoder only redraws photos: choose a style.")
    if options.mask is not None:
        options = replace(options, mask=read_mask(options.mask))

    def frame(visit, how, body):
        visit.live = visit.live or Live(paint, size, options)
        return painted_frame(visit.live, how.get("style"), how, body.read())

    def routes(_):
        page = page_route(LENS, lambda: camera_facts(paint, options))
        return [page, *Visitors().routes("POST", frame)]

    with served(routes, host, port, browser, allow_hosts):
        yield


def camera_facts(paint, options) -> dict:
    "What the page shows: the camera alone."
    first, styles = paint.named or paint.styles[0], []
    for name in sorted(paint.styles, key=lambda name: name != first):
        painting = paint.paintings.get(name)
        image = data_address(painting) if isinstance(painting, Path) else ""
        styles.append({"name": name, "title": style_title(name), "image": image, "file": name})
    return {
        "styles": styles, "strokes": {}, "areas": [*AREAS], "area": options.area,
        "strength": options.strength, "fixed": paint.base is None,
    }  # fmt: skip


def painted_frame(live: "Live", style, how, body):
    "A frame from a browser, painted as it asks."
    strength = number(how, "strength", 1.0) if live.paint.base else 1.0
    frame = np.asarray(sent_picture(body, "JPEG", FRAME).convert("RGB"))
    return jpeg(live(frame, style, strength, how.get("area", "all")))


class Live:
    "Paint the frames of one camera; other settings make a new network."

    def __init__(self, paint: Stylizer, size: int, options: PaintOptions):
        self.paint, self.size, self.options = paint, size, options
        self.asked: tuple | None = None
        self.painted: FramePainter | None = None

    def __call__(self, picture: np.ndarray, style, strength: float, area: str) -> Image.Image:
        if self.painted is None or self.asked != (style, strength, area):
            how = self.options
            if area == "all" and how.mask is None:
                how = replace(how, black=None)  # there is nothing else to paint
            how = replace(how, style=style, strength=strength, area=area)
            self.painted = FramePainter(self.paint, how, self.size)
            self.asked = style, strength, area
        frame = VideoFrame(picture, Fraction(time.monotonic()), Fraction(0))
        return Image.fromarray(self.painted(frame).picture)
