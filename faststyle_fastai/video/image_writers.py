"Videos written as images: a file for each frame, or an animated GIF."

from fractions import Fraction
from typing import Protocol

from PIL import Image

from ..core.atomic import atomic_write
from ..images.formats import numbered
from ..images.saving import check_format, save_picture
from .reader import VideoFrame

__all__ = ["Gif", "Pictures", "VideoWriter"]


class VideoWriter(Protocol):
    "Writes the frames of a video in order; `finish` returns 0 if there were none."

    done: Fraction | None = None  # time of the last frame that an interrupted call wrote
    resumes: bool = False  # whether an interrupted video can be continued

    def add(self, frame: VideoFrame) -> None: ...

    def finish(self, start: float, end: float | None, keep: bool) -> int: ...


class Pictures(VideoWriter):
    "Writes an image file for each frame."

    def __init__(self, out):
        self.out, self.n = check_format(out), 0

    def add(self, frame):
        self.n += 1
        save_picture(Image.fromarray(frame.picture), numbered(self.out, self.n))

    def finish(self, start, end, keep):
        return self.n


class Gif(VideoWriter):
    "Writes an animated GIF with 256 colors per frame; frames stay in memory until the end."

    def __init__(self, out):
        self.out, self.frames, self.delays = out, [], []

    def add(self, frame):
        self.frames.append(Image.fromarray(frame.picture).quantize())
        start, end = (round(100 * time) for time in (frame.time, frame.time + frame.seconds))
        self.delays.append(10 * (end - start))  # ms; a GIF counts hundredths of a second

    def finish(self, start, end, keep):
        if not self.frames:
            return 0
        first, *rest = self.frames
        with atomic_write(self.out) as temporary:
            first.save(temporary, save_all=True, append_images=rest, duration=self.delays, loop=0)
        return len(self.frames)
