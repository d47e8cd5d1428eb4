"The page that paints a photo: the studio's, painted by this computer."

import math
import threading
from collections.abc import Callable
from copy import copy
from hashlib import sha1
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

from PIL import Image, ImageOps

from ..core.errors import FaststyleError
from ..images.files import flatten_alpha, image_size, read_picture, read_upright
from ..images.metadata import read_metadata, sign
from ..images.opening import most_pixels, opened
from ..images.saving import QUALITY, save_picture
from ..images.shapes import PAPERS, fitted, pixels_per_inch, short_shape
from ..inference.html import THUMBNAIL
from ..inference.options import PaintOptions, painting_shape
from ..inference.sight_painter import with_painting
from ..inference.stylizer import Stylizer
from .answers import SHOWN, jpeg, mask_of, number, picture, responses, stroke_of
from .camera import Live, painted_frame
from .names import plain_name
from .visits import Site, Visit, kept, key_of, size_of
from .window import Window, types

__all__ = ["Photos"]

LIVE, LEAST_LIVE, MOST_LIVE = 240, 64, 720  # px of a frame's short side
MOST_SENT = 10_000  # likewise, that is asked for
MOVING = "GIF", "PNG", "WEBP", "AVIF"  # formats of animations
LEAST = 8  # px of the short side that PaintOptions takes
LARGE, TILE = 2e6, 512  # larger paintings, in pixels, are made in tiles, between which they stop
LARGER = 2  # times the size of the photo, and of what is painted, where that is asked for


class Photos:
    "What the page does with a photo."

    def __init__(self, site: Site):
        self.site, self.shelf = site, site.shelf
        self.window = Window(site.shelf, site.scratch, site.folders)
        # One preview and one download at a time, so that none waits for another kind.
        self.turn, self.finishing = threading.Lock(), threading.Lock()
        self.steady: WeakKeyDictionary[Stylizer, Stylizer] = WeakKeyDictionary()

    def styles(self, visit, how, body):
        "All styles and their version; without content if they are of the `version` that is known."
        answer = responses.JSONResponse(self.window.styles())
        version = sha1(answer.body, usedforsecurity=False).hexdigest()
        if version == how.get("version"):
            return responses.Response(status_code=204)
        answer.headers["version"] = version
        return answer

    def progress(self, visit, how, body):
        return {"share": visit.share, "job": self.site.queue.running()}

    def source(self, visit, how, body):
        "The visitor's photo as it is shown; without content if there is none."
        if visit.photo is None or not visit.photo.exists():
            return responses.Response(status_code=204)
        name, film = (visit.film.file if visit.film else visit.photo).name, {}
        if visit.film:
            film["seconds"] = str(max(1, int(visit.film.seconds)))
        said = {"name": quote(name), "key": visit.key, "size": "{}x{}".format(*visit.size)}
        return picture(visit.small, **said, **film)

    def photo(self, visit, how, body):
        "Take the visitor's photo."
        with kept(self.site.place(visit), how, body) as file:
            with opened(file) as image:
                size = image.size
                moves = image.format in MOVING and getattr(image, "is_animated", False)
            small = read_upright(file, shortest=min(fitted(size, SHOWN)))
        visit.small = small.resize(fitted(small.size, SHOWN))
        visit.photo, visit.size, visit.film, visit.key = file, size, None, key_of(how)
        return {"size": size, "moves": moves}

    def prepared(self, visit: Visit, how: dict[str, Any]) -> tuple[Any, dict, str]:
        "What paints, its arguments, and what to say of it."
        called: Any = how.get("style")
        find = self.shelf.find_for_film if visit.film else self.shelf.find
        (paint, mix), closer = self.mixed(how, find), visit.closer.get((visit.key, called))
        alone = not (visit.film or isinstance(mix, dict))
        if closer and alone and closer.file.exists():  # which may have been trimmed
            paint, mix, note = closer, None, closer.note
        else:
            note = "sight" if self.shelf.painting(called) else ""
        weaker = paint.at_sight or paint.base  # a painting at sight is blended with the photo
        if not weaker:
            note = "noBase"
        strength = number(how, "strength", 1.0) if weaker else 1.0
        settings = {"style": mix, "strength": strength, "keep_colors": bool(how.get("colors"))}
        settings["strokes"] = bool(how.get("strokes")) and not visit.film  # they would flicker
        if visit.film:
            settings["painterly"] = bool(how.get("painterly"))
            paint = self.of_film(paint, mix, how)
        return paint, settings, note

    def of_film(self, paint: Stylizer, mix: Any, how: dict[str, Any]) -> Stylizer:
        "What paints the frames of a film: a network, or `painterly`, places of the painting."
        if how.get("painterly") and not paint.paintings:  # whose places a trained style takes
            called = None if how.get("other") else str(how.get("style"))
            if not (known := called and self.shelf.painting_of(called)):
                why = "is not known" if called else "of a mixture is not known"
                raise FaststyleError(f"The painting {why}. Do not paint each frame at sight.")
            return with_painting(paint, known, mix)
        if paint not in self.steady:
            self.steady[paint] = copy(paint)
            self.steady[paint].decodes = False  # as FramePainter does
        return self.steady[paint]

    def mixed(self, how: dict[str, Any], find: Callable) -> tuple[Any, Any]:
        "What paints a style or a mixture of two, and which."
        called, other = str(how.get("style")), str(how.get("other") or "")
        paint, name = find(called)
        if not self.shelf.mixable(called, other):
            return paint, name
        share = number(how, "share", 0.5)
        paint, names = self.shelf.find_both(called, other, find)
        return paint, dict(zip(names, (1 - share, share)))

    def paint(self, visit, how, body):
        "Paint the photo as large as it is shown, with the strokes of its full size."
        visit.the_photo()
        paint, settings, note = self.prepared(visit, how)
        photo = visit.small  # another one may come while this call waits
        short = min(painting_shape(visit.size, stroke_of(how), None))
        with self.turn:
            size = max(LEAST, min(short, *photo.size))
            painted = paint(photo, **settings, size=size)
        return jpeg(painted.convert("RGB"), note=note)  # the page knows what is transparent

    def thumbnail(self, visit, how, body):
        "The middle of the photo in a style."
        visit.the_photo()
        paint, name = self.shelf.find(how.get("style"))
        with self.turn:
            return jpeg(paint(ImageOps.fit(visit.small, (THUMBNAIL,) * 2), name))

    def mask(self, visit, how, body):
        "What is painted, as an image whose opacity it is."
        visit.the_photo()
        mask, seen = mask_of(flatten_alpha(visit.small), how, body.read())
        return picture(Image.merge("LA", (mask, mask)), seen="yes" if seen else "no")

    def finish(self, visit, how, body):
        "Paint the photo at its full size; without content if it was stopped."
        visit.stop.clear()
        photo, edits = visit.the_photo(), body.read()
        kind = str(how.get("type")) if str(how.get("type")) in types() else "image/jpeg"
        quality = max(1, round(100 * number(how, "quality", QUALITY / 100)))
        painted = self.painted(visit, photo, how, edits)
        if painted is None:
            return responses.Response(status_code=204)
        name = f"{photo.stem}-{plain_name(str(how['style']))}{types()[kind]}"
        paper = how.get("paper")
        dpi = pixels_per_inch(painted.size, paper) if paper in PAPERS else 0.0
        said = sign(read_metadata(photo), "", dpi)
        out = self.site.place(visit) / name
        file = save_picture(painted, out, quality=quality, **said)
        said_size = {"size": "{}x{}".format(*painted.size)}
        return responses.FileResponse(file, headers=said_size, media_type=kind)

    def painted(self, visit, photo, how, edits):
        "The photo at its full size, None if stopped; remembered until another one is asked for."
        paint, settings, _ = self.prepared(visit, how)
        times = LARGER if how.get("larger") else 1
        if times**2 * math.prod(visit.size) > most_pixels():
            raise FaststyleError(f"It would have more than {most_pixels() / 1e6:g} megapixels.")
        stroke = stroke_of(how)
        masked = how.get("area", "all") != "all" or how.get("invert") or edits
        shape = {name: how.get(name) for name in ("area", "invert", "feather")} if masked else None
        asked = photo, photo.stat().st_mtime_ns, paint, settings, stroke, shape, edits, times
        if visit.painted and visit.painted[0] == asked:
            return Image.open(visit.painted[1])
        visit.share = 0.0

        def watch(share):
            visit.share = share
            if visit.stop.is_set():
                raise FaststyleError("Stopped.")

        try:
            size = max(LEAST, times * min(painting_shape(visit.size, stroke, None)))
            source = photo if times == 1 else ImageOps.scale(read_upright(photo), times)
            mask = mask_of(read_picture(source), how, edits)[0] if masked else None
            tile = TILE if math.prod(short_shape(visit.size, size)) > LARGE else "auto"
            while not self.finishing.acquire(timeout=0.2):
                watch(0.0)  # it may be stopped while it waits
            try:
                painted = paint(source, **settings, mask=mask, size=size, tile=tile, watch=watch)
            finally:
                self.finishing.release()
        except FaststyleError:
            if visit.stop.is_set():
                return None
            raise
        finally:
            visit.share = None
        if visit.painted:
            visit.painted[1].unlink(missing_ok=True)
        visit.painted = asked, save_picture(painted, self.site.place(visit) / "painted.tif")
        return painted

    def frame(self, visit, how, body):
        "Paint a frame of the camera."
        paint, name = self.shelf.find_for_film(how.get("style"))
        size = int(min(max(number(how, "short", LIVE, MOST_SENT), LEAST_LIVE), MOST_LIVE))
        if visit.live is None or (visit.live.paint, visit.live.size) != (paint, size):
            visit.live = Live(paint, size, PaintOptions())
        with self.turn:
            return painted_frame(visit.live, name, how, body.read())

    def stop(self, visit, how, body):
        "End the visitor's download."
        visit.stop.set()

    def style(self, visit, how, body):
        "Add a painting or a style file to the library."
        before = self.shelf.styles()
        self.site.owners.check_room(visit, size_of(body))
        with kept(self.site.place(visit), how, body) as file:
            called = self.shelf.add(file)
        if called not in before:
            self.site.owners.own(visit, called)
        one = next((one for one in self.window.styles() if one["name"] == called), None)
        if one is None:
            raise FaststyleError("The style was removed just now. Add it again.")
        painting = self.shelf.painting(called)
        return one | ({"side": min(image_size(painting))} if painting else {})

    def plain(self, visit, how, body):
        "Paint as at first again in a style."
        visit.closer.pop((visit.key, str(how.get("style"))), None)
