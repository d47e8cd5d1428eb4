"Videos written as images: a file for each frame, or an animation."

import warnings
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, ImageOps

from ..core.atomic import atomic_write
from ..core.errors import FaststyleError
from ..core.extras import extra
from ..core.values import count
from ..images.files import flatten_alpha
from ..images.formats import is_numbered, live_film, numbered, numbered_files
from ..images.saving import QUALITY, TRANSPARENT, check_format, save_picture
from ..images.shapes import short_shape
from .frames import LONG
from .reader import VideoFrame, open_video

__all__ = [
    "ANIMATIONS",
    "Animation",
    "Pictures",
    "VideoWriter",
    "as_large",
    "opaque",
    "write_frames",
]

ANIMATIONS = ".gif", ".webp", ".apng"
LONGEST = 655_350  # ms of a picture
# Ticks a second, and the fewest of an image: browsers slow down animations with shorter ones.
TICKS = {".gif": (100, 2), ".webp": (1000, 11), ".apng": (1000, 11)}
CLEAR = 255  # the color of a GIF that is transparent


class VideoWriter(Protocol):
    "Writes the frames of a video in order; `finish` returns 0 if there were none."

    done: Fraction | None = None  # time of the last frame that an interrupted call wrote
    resumes: bool = False  # whether an interrupted video can be continued
    shown: Fraction = Fraction(0)  # seconds that the last frame is shown

    def add(self, frame: VideoFrame) -> None: ...

    def abandon(self, error: BaseException) -> bool:
        return False

    def loop(self) -> None:
        return None  # add the frames once more, backward, but for the last and the first

    def finish(self, start: float, end: float | None, keep: bool) -> int: ...


class Pictures(VideoWriter):
    "Writes an image file for each frame."

    def __init__(self, out, size=None):  # px of the short side; None: unchanged
        self.out, self.size, self.n = check_format(out), size, 0

    def add(self, frame):
        self.n += 1
        picture = square(opaque(frame, self.out))
        if self.size:
            height, width = short_shape(picture.size[::-1], self.size)
            picture = picture.resize((width, height), Image.Resampling.LANCZOS)
        save_picture(picture, numbered(self.out, self.n))

    def finish(self, start, end, keep):
        if left := sum(n > self.n for n in numbered_files(self.out)):
            warnings.warn(f"{self.out} still has {count(left, 'older image')}.", stacklevel=2)
        return self.n


class Animation(VideoWriter):
    "Writes a GIF with 255 colors per frame, a WebP or an APNG; frames stay in memory to the end."

    def __init__(self, out):
        self.out, self.frames, self.delays, self.next = out, [], [], 0
        self.gif, (self.rate, self.least) = out.suffix.lower() == ".gif", TICKS[out.suffix.lower()]

    def add(self, frame):
        start, end = (round(self.rate * time) for time in (frame.time, frame.time + frame.seconds))
        delay = min(LONGEST, 1000 // self.rate * (end - start))  # ms
        delay = delay if delay < LONG else round(delay, -1)
        if self.frames and start < self.next:
            self.delays[-1] = min(LONGEST, self.delays[-1] + delay)
            return
        self.next, picture = start + self.least, square(frame)
        picture = as_large(picture, self.frames[0].size if self.frames else picture.size, self.out)
        self.frames.append(in_palette(picture) if self.gif else picture)
        self.delays.append(delay)

    def loop(self):
        self.frames += self.frames[-2:0:-1]
        self.delays += self.delays[-2:0:-1]

    def finish(self, start, end, keep):
        if not self.frames:
            return 0
        if clear := any("transparency" in frame.info for frame in self.frames):
            share_clear_color(self.frames)
        first, *rest = self.frames
        with atomic_write(self.out) as temporary:
            first.save(
                temporary, save_all=True, append_images=rest, duration=self.delays, loop=0,
                disposal=2 * clear, optimize=not clear, quality=QUALITY,
            )  # fmt: skip
        return len(self.frames)


def as_large(picture: Image.Image, size: tuple[int, int], out: Path) -> Image.Image:
    "A picture with bars around it, if it is not of the size of the first one."
    if picture.size == size:
        return picture
    warnings.warn(f"Some frames of {out} differ in shape and get bars around them.", stacklevel=3)
    return ImageOps.pad(picture, size)


def in_palette(picture: Image.Image) -> Image.Image:
    "A picture in 255 colors, beside one that is transparent if any of it is."
    found = picture.convert("RGB").quantize(CLEAR)
    if picture.mode == "RGBA":
        opacity = picture.getchannel("A")
        found.paste(CLEAR, mask=opacity.point(lambda opacity: 255 * (opacity < 128)))
        found.info["transparency"] = CLEAR
    return found


def share_clear_color(frames: list[Image.Image]) -> None:
    """Let all frames of a GIF have its transparent color, in which a frame before them is cleared.

    It is no other color of theirs: Pillow leaves out edges that look like it.
    """
    palettes = [((frame.getpalette() or []) + 3 * CLEAR * [0])[: 3 * CLEAR] for frame in frames]
    used = {tuple(own[i : i + 3]) for own in palettes for i in range(0, 3 * CLEAR, 3)}
    color = next(color for color in product(range(256), repeat=3) if color not in used)
    for frame, own in zip(frames, palettes):
        frame.putpalette([*own, *color])
        frame.info["transparency"] = CLEAR


def opaque(frame: VideoFrame, out: Path) -> VideoFrame:
    "A frame on white, with a warning if it is transparent, for files that cannot hold that."
    holds = is_numbered(out) and out.suffix.lower() in TRANSPARENT
    if holds or frame.picture.shape[-1] == 3:
        return frame
    hint = "Use .gif, .webp, .apng or numbered .png images to keep it."
    warnings.warn(f"{out} cannot hold transparency, which becomes white. {hint}", stacklevel=2)
    return replace(frame, picture=np.asarray(flatten_alpha(Image.fromarray(frame.picture))))


def square(frame: VideoFrame) -> Image.Image:
    "A frame with square pixels."
    picture = Image.fromarray(frame.picture)
    if frame.aspect == 1:
        return picture
    width = max(1, round(picture.width * frame.aspect))
    return picture.resize((width, picture.height), Image.Resampling.BICUBIC)


def check_output(out: Path, source) -> Path:
    "Check that a video does not overwrite itself, or the film beside a photo."
    film = live_film(Path(source))
    read = [Path(source), film] if isinstance(film, Path) else [Path(source)]
    same = out.exists() and any(path.exists() and out.samefile(path) for path in read)
    if same or out.resolve() in [path.resolve() for path in read]:
        raise FaststyleError(f"{out} would overwrite its own input. Choose another -o.")
    return out


def write_frames(
    source: str | Path,  # as of `paint_video`
    out: str | Path,  # frames/%04d.png
    size: int | None = None,  # px of the short side; None: unchanged
    start: float = 0.0,  # seconds
    end: float | None = None,
    fps: float | None = None,  # frames per second; None: all frames
) -> int:  # how many
    "Write frames of a video as images, unpainted: to train on, or to paint by hand."
    writer = Pictures(check_output(Path(out), source), size)
    with open_video(source, fps) as video:
        frame = None
        try:
            for frame in video.frames(start, end):
                writer.add(frame)
        except extra("av", "video").FFmpegError as error:
            raise FaststyleError(f"{source} is damaged ({error.strerror}).") from None
        if frame and video.is_cut(float(frame.time + frame.seconds), video.stated_end(end)):
            raise FaststyleError(f"{source} ends early: it has {count(writer.n, 'frame')}.")
    return writer.finish(start, end, False)
