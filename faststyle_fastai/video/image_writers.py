"Videos written as images: a file for each frame, or an animated GIF."

from fractions import Fraction
from pathlib import Path
from typing import Protocol

from PIL import Image

from ..core.atomic import atomic_write
from ..images.formats import numbered
from ..images.saving import check_format, save_picture
from ..images.sizes import short_shape
from .reader import VideoFrame, open_video

__all__ = ["Gif", "Pictures", "VideoWriter", "write_frames"]


class VideoWriter(Protocol):
    "Writes the frames of a video in order; `finish` returns 0 if there were none."

    done: Fraction | None = None  # time of the last frame that an interrupted call wrote
    resumes: bool = False  # whether an interrupted video can be continued
    shown: Fraction = Fraction(0)  # seconds that the last frame is shown

    def add(self, frame: VideoFrame) -> None: ...

    def abandon(self, error: BaseException) -> bool:
        return False

    def finish(self, start: float, end: float | None, keep: bool) -> int: ...


class Pictures(VideoWriter):
    "Writes an image file for each frame."

    def __init__(self, out):
        self.out, self.n = check_format(out), 0

    def add(self, frame):
        self.n += 1
        save_picture(square(frame), numbered(self.out, self.n))

    def finish(self, start, end, keep):
        return self.n


class Gif(VideoWriter):
    "Writes an animated GIF with 256 colors per frame; frames stay in memory until the end."

    def __init__(self, out):
        self.out, self.frames, self.delays = out, [], []

    def add(self, frame):
        self.frames.append(square(frame).quantize())
        start, end = (round(100 * time) for time in (frame.time, frame.time + frame.seconds))
        self.delays.append(10 * (end - start))  # ms; a GIF counts hundredths of a second

    def finish(self, start, end, keep):
        if not self.frames:
            return 0
        first, *rest = self.frames
        with atomic_write(self.out) as temporary:
            first.save(temporary, save_all=True, append_images=rest, duration=self.delays, loop=0)
        return len(self.frames)


def square(frame: VideoFrame) -> Image.Image:
    "A frame with square pixels."
    picture = Image.fromarray(frame.picture)
    if frame.aspect == 1:
        return picture
    width = max(1, round(picture.width * frame.aspect))
    return picture.resize((width, picture.height), Image.Resampling.BICUBIC)


def write_frames(
    source: str | Path,  # as of `paint_video`
    out: str | Path,  # frames/%04d.png
    size: int | None = None,  # px of the short side; None: unchanged
    start: float = 0.0,  # seconds
    end: float | None = None,
    fps: float | None = None,  # frames per second; None: all frames
) -> int:  # how many
    "Write frames of a video as images, unpainted: to train on, or to paint by hand."
    n, out = 0, check_format(out)
    with open_video(source, fps) as video:
        for n, frame in enumerate(video.frames(start, end), 1):
            picture = square(frame)
            if size:
                height, width = short_shape(picture.size[::-1], size)
                picture = picture.resize((width, height), Image.Resampling.LANCZOS)
            save_picture(picture, numbered(out, n))
    return n
