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
        self.path, self.video = path, av.open(str(path), "w")
        self.start: float | None = None  # time of the first frame
        self.stream = self.video.add_stream(name, rate=30, options=options)
        self.stream.pix_fmt, self.stream.time_base = "yuv420p", MILLISECOND
        self.stream.codec_context.time_base, self.frame_of = MILLISECOND, av.VideoFrame.from_image
        self.lock = Lock()  # frames arrive in one thread, the end in another

    def add(
        self,
        picture: Image.Image,  # RGB; all of the same size
        seconds: float,  # on any clock
    ) -> None:
        "Write a frame."
        width, height = size = picture.width // 2 * 2, picture.height // 2 * 2
        with self.lock:
            if self.start is None:
                self.start, self.last, self.size = seconds, -1, size
                self.stream.width, self.stream.height = size
            if self.video is None or size != self.size:
                return  # recording has ended, or the camera was rotated
            frame = self.frame_of(picture.crop((0, 0, width, height)))
            self.last = max(self.last + 1, round(1000 * (seconds - self.start)))
            frame.pts, frame.time_base = self.last, MILLISECOND
            self.video.mux(self.stream.encode(frame))

    def finish(self) -> Path | None:
        "Close the video and return its path; None if there were no frames."
        with self.lock:
            if self.video is None:
                return None
            try:
                if self.start is not None:
                    self.video.mux(self.stream.encode())
            finally:
                self.video.close()
                self.video = None
        return self.path if self.start is not None else None


def write_video(
    pictures: list[Image.Image],  # RGB, all of the same size
    path: Path,
    rate: int = 5,  # frames per second
) -> Path:
    "Write images as a video that plays anywhere."
    with atomic_write(path) as temporary:
        recorder = VideoRecorder(temporary)
        try:
            for i, picture in enumerate(pictures):
                recorder.add(picture, i / rate)
        finally:
            recorder.finish()
    return path
