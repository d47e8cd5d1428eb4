"Writes videos in one pass, frame by frame."

from fractions import Fraction
from pathlib import Path
from threading import Lock

from PIL import Image

from ..core.atomic import atomic_write
from ..core.extras import extra
from .writer import CODEC

__all__ = ["VideoRecorder", "write_video"]

MILLISECOND = Fraction(1, 1000)


class VideoRecorder:
    "Writes frames to a video as they arrive, each at its own time; `finish` returns the file."

    def __init__(self, path: Path):
        av, (name, options) = extra("av", "video"), CODEC
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.film, self.began = path, av.open(str(path), "w"), None
        self.stream = self.film.add_stream(name, rate=30, options=options)
        self.stream.pix_fmt, self.stream.time_base = "yuv420p", MILLISECOND
        self.stream.codec_context.time_base, self.frame_of = MILLISECOND, av.VideoFrame.from_image
        self.lock = Lock()  # frames arrive in one thread, the end in another

    def add(
        self,
        picture: Image.Image,  # RGB; all of the same size
        seconds: float,  # on any clock
    ):
        size = tuple(side - side % 2 for side in picture.size)
        with self.lock:
            if self.began is None:
                self.began, self.last, self.size = seconds, -1, size
                self.stream.width, self.stream.height = size
            if self.film is None or size != self.size:
                return  # recording has ended, or the camera was rotated
            frame = self.frame_of(picture.crop((0, 0, *size)))
            self.last = max(self.last + 1, round(1000 * (seconds - self.began)))
            frame.pts, frame.time_base = self.last, MILLISECOND
            self.film.mux(self.stream.encode(frame))

    def finish(self) -> Path | None:
        "Close the video and return its path; None if there were no frames."
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


def write_video(
    pictures: list[Image.Image],  # RGB, all of the same size
    path: Path,
    rate: int = 5,  # frames per second
) -> Path:
    "Write images as a video that plays anywhere."
    with atomic_write(path) as temporary:
        film = VideoRecorder(temporary)
        try:
            for i, picture in enumerate(pictures):
                film.add(picture, i / rate)
        finally:
            film.finish()
    return path
