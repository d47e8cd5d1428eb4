"Films on the page: their frames as photos, and all of them painted with their sound."

import shutil
from pathlib import Path

from PIL import Image

from ..core.errors import FaststyleError
from ..images.opening import most_pixels
from ..images.saving import save_picture
from ..images.shapes import fitted
from ..inference.options import AREAS
from ..video.image_writers import square
from ..video.reader import open_video
from ..video.stylize import paint_video
from ..video.writer import parts_folder
from .answers import SHOWN, jpeg, number, responses, stroke_of
from .guard import JOB
from .jobs import VideoJob
from .names import plain_name
from .photos import Photos
from .visits import Film, Forgotten, Visit, file_name, kept, key_of

__all__ = ["Films"]

KINDS = ".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg"
LONGEST = 60  # s of a film


class Films:
    "A visitor's film."

    def __init__(self, photos: Photos):
        self.site, self.photos = photos.site, photos

    def film(self, visit: Visit, how, body):
        "Take the visitor's film; its first frame is the photo."
        with kept(self.site.place(visit), how, body, KINDS) as file:
            film = Film(file, length_of(file, how.get("name")))
            self._show(visit, film, 0.0)
        visit.film, visit.key = film, key_of(how)
        return {"size": visit.size, "seconds": max(1, int(visit.film.seconds))}

    def frame_at(self, visit, how, body):
        "The frame at a share of the film, which becomes the photo."
        self._show(visit, the_film(visit), number(how, "share", 0.0))
        return jpeg(visit.small)

    def _show(self, visit, film, share):
        frame = frame_of(film, share)
        visit.photo = save_picture(frame, film.file.with_name(f"{film.file.stem}.png"))
        visit.small, visit.size = frame.resize(fitted(frame.size, SHOWN)), frame.size

    def original(self, visit, how, body):
        "The film as it was sent."
        return responses.FileResponse(the_film(visit).file)

    def paint_film(self, visit, how, body):
        "Put the film into the queue; the answer names the job. `looks` says how it is asked for."
        film = the_film(visit)
        paint, settings, _ = self.photos.prepared(visit, how)
        watch = VideoJob(visit, film.seconds)
        asked = [str(how[key]) for key in ("style", "other") if how.get(key)]
        watch.styles = tuple(map(file_name, asked))
        watch.asked = f"{visit.key} {how.get('looks')}"
        if how.get("area") in AREAS:
            settings["area"] = how["area"]
        name = "-".join([film.file.stem, *map(plain_name, asked)])
        out = self.site.place(visit) / f"{name}.mp4"
        settings |= {"smooth": bool(how.get("smooth")), "stroke": stroke_of(how), "watch": watch}
        self.site.check_room(visit, film.file.stat().st_size)
        watch.uploads = self.site.place(visit, JOB)
        source = shutil.copy(film.file, watch.uploads)  # which stays, however long it waits

        def work():
            try:
                paint_video(paint, source, out, **settings)
            finally:  # nobody resumes it
                shutil.rmtree(parts_folder(out), ignore_errors=True)

        return {"id": self.site.queue.add(film.file.stem, watch, work, visit.name, out)}


def the_film(visit: Visit) -> Film:
    if visit.film is None or not visit.film.file.exists():
        raise Forgotten("Open the video again: it is no longer on the page.")
    return visit.film


def length_of(file: Path, name: str | None = None) -> float:
    "The seconds of a film; `FaststyleError` if the page does not take it."
    try:
        with open_video(str(file)) as reader:
            seconds = float(reader.seconds or reader.last_time([reader.video.index]))
    except (ValueError, OSError) as error:
        raise FaststyleError(f"{name} is damaged, or not a video that can be read.") from error
    if seconds > LONGEST:
        raise FaststyleError(
            f"The video lasts {seconds:.0f} s and this page takes up to {LONGEST} s. For longer "
            f"ones, use faststyle video in a terminal."
        )
    return seconds


def frame_of(film: Film, share: float) -> Image.Image:
    "A frame shown then, or not long before: the last one may begin before the end."
    seconds = share * film.seconds
    for start in (seconds, seconds - 0.1, 0.9 * seconds, 0):
        with open_video(str(film.file)) as reader:
            if frame := next(iter(reader.frames(max(0.0, start))), None):
                height, width = frame.picture.shape[:2]
                if frame.aspect * width * height > most_pixels():
                    raise FaststyleError("Its frames have too many pixels for this page.")
                return square(frame)
    raise FaststyleError(f"{film.file.name} is damaged: no frame of it can be read.")
