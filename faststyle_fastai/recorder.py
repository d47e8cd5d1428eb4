"Films written picture by picture, in one go."

from fractions import Fraction
from pathlib import Path
from threading import Lock

from PIL import Image

from .errors import extra
from .files import whole_file
from .filmfile import CODEC

__all__ = ["FilmRecorder", "write_film"]

MILLISECOND = Fraction(1, 1000)


class FilmRecorder:
    "A film written frame by frame as they come, each at its own time; `finish` gives the file."

    def __init__(self, path: Path):
        av, (name, options) = extra("av", "video"), CODEC
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.film, self.began = path, av.open(str(path), "w"), None
        self.stream = self.film.add_stream(name, rate=30, options=options)
        self.stream.pix_fmt, self.stream.time_base = "yuv420p", MILLISECOND
        self.stream.codec_context.time_base, self.frame_of = MILLISECOND, av.VideoFrame.from_image
        self.lock = Lock()  # frames come in one thread, the end in another

    def add(
        self,
        picture: Image.Image,  # RGB; all of one size
        seconds: float,  # on any clock
    ):
        size = tuple(side - side % 2 for side in picture.size)
        with self.lock:
            if self.began is None:
                self.began, self.last, self.size = seconds, -1, size
                self.stream.width, self.stream.height = size
            if self.film is None or size != self.size:
                return  # it has ended, or the camera was turned
            frame = self.frame_of(picture.crop((0, 0, *size)))
            self.last = max(self.last + 1, round(1000 * (seconds - self.began)))
            frame.pts, frame.time_base = self.last, MILLISECOND
            self.film.mux(self.stream.encode(frame))

    def finish(self) -> Path | None:
        "The film; None when no frame came."
        with self.lock:
            if self.film is None:
                return None
            try:
                if self.began is not None:
                    self.film.mux(self.stream.encode())
            finally:
                self.film.close()
                self.film = None
        return self.path if self.began is not None else None


def write_film(
    pictures: list[Image.Image],  # RGB, of one size
    path: Path,
    rate: int = 5,  # pictures a second
) -> Path:
    "Pictures as a film that any player shows."
    with whole_file(path) as temporary:
        film = FilmRecorder(temporary)
        try:
            for i, picture in enumerate(pictures):
                film.add(picture, i / rate)
        finally:
            film.finish()
    return path
