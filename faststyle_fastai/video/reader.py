"Reads videos with PyAV: frames, their colors and their times."

import math
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from ..core.extras import extra
from ..core.values import check_range, count
from ..images.formats import is_film, is_numbered, live_film, numbered_files
from ..images.opening import reading
from .frames import as_png, decode, display_matrix, exif_turn, in_srgb, progressive, upright

__all__ = ["SLIVER", "VideoReader", "VideoFrame", "open_local", "open_video"]

FASTEST = 1000  # frames per second; a short .mpg may state a clock instead
JUMP = 3600  # s that no picture is shown
HELD = Fraction(1, 25)  # s that a picture which began before the start must still be shown
MISSING = 0.5  # seconds that a video may be shorter than it states
SLIVER = Fraction(1, 10_000)  # s; a frame shown for less is left out


@dataclass(frozen=True)
class VideoFrame:
    "A frame of a video."

    picture: np.ndarray  # [H, W, 3] uint8, sRGB, upright; [H, W, 4] if any of it is transparent
    time: Fraction  # seconds since the start of the video
    seconds: Fraction  # how long it is shown
    aspect: Fraction = Fraction(1)  # width of a pixel, in its heights


@dataclass(frozen=True)
class VideoReader:
    "An open video."

    container: Any  # av.container.InputContainer
    video: Any  # av.VideoStream
    source: str  # its file or address
    fps: Fraction | None = None  # frames per second to return; None: each at its own time

    @property
    def time_base(self) -> Fraction:
        "Unit of the frame times, in seconds."
        return 1 / self.fps if self.fps else self.video.time_base

    @property
    def start_time(self) -> Fraction:
        "Time stamp of the first frame, in seconds."
        return (self.video.start_time or 0) * self.video.time_base

    @property
    def stream_rate(self) -> Fraction:
        "Average frames per second of the file."
        rates = self.video.average_rate, self.video.guessed_rate
        return next((rate for rate in rates if rate and rate <= FASTEST), Fraction(25))

    @property
    def seconds(self) -> Fraction | None:
        "Duration in seconds, if the file states one."
        if self.video.duration:
            return self.video.duration * self.video.time_base
        return self.container.duration and Fraction(self.container.duration, 1_000_000)

    @property
    def sounds(self) -> list:
        "Audio streams that PyAV can copy."
        return [sound for sound in self.container.streams.audio if sound.codec_context]

    @property
    def subtitles(self) -> list:
        "Streams of subtitles that PyAV can copy."
        return [text for text in self.container.streams.subtitles if text.codec_context]

    def stated_end(self, end: float | None) -> float | None:
        "Where the file says that it ends, or `end` if that is earlier, in seconds; None: unknown."
        if not self.seconds:
            return None
        return float(self.seconds) if end is None else min(float(self.seconds), end)

    def is_cut(self, reached: float, total: float | None) -> bool:
        """Whether the file is truncated: its frames end before `total`, see `stated_end`.

        Its sound and subtitles, read to the end, may show that it is whole.
        """
        if not total or reached >= total - MISSING:
            return False
        others = [*self.sounds, *self.subtitles]
        return not others or self.last_time([each.index for each in others]) < total - 1

    def last_time(self, indices: list[int]) -> float:
        "The end of these streams, in seconds, as far as they can be read."
        last = 0.0
        with suppress(extra("av", "video").FFmpegError), open_local(self.source) as container:
            for packet in container.demux([container.streams[i] for i in indices]):
                # A subtitle may stay to the end of a film that is cut.
                lasts = 0 if packet.stream.type == "subtitle" else packet.duration or 0
                shown = (packet.pts or 0) + lasts
                last = max(last, float(shown * packet.time_base))
        return last

    def frames(
        self,
        start: float = 0,  # seconds
        end: float | None = None,
    ) -> Iterator[VideoFrame]:
        "Frames that are shown from `start` to `end`; to read them again, open the video again."
        frames = self._stream_frames(start, end)
        return at_rate(frames, self.fps, Fraction(start)) if self.fps else frames

    def _stream_frames(self, start: float, end: float | None) -> Iterator[VideoFrame]:
        "Frames of the file, each at its own time."
        size = first_size(self.source) if start else None  # for all frames
        path = Path(self.source)
        images = [*numbered_files(path).values()] if is_numbered(path) else []
        decoded, least = self._decoded(start), SLIVER if self.fps else HELD
        if start:
            target = int((self.start_time + Fraction(start)) / self.video.time_base)
            first = None
            with suppress(extra("av", "video").FFmpegError):  # beyond the last of numbered images
                self.container.seek(min(target, 2**62), stream=self.video)
                first = next(decoded, None)
            # Some files seek too far, or have frames without a time.
            if first is None or first[0].pts is None or first[1] > start:
                self.container.seek(0)
                decoded = self._decoded(0)
            else:
                decoded = chain([first], decoded)
        length = Fraction(self.container.duration or 0, 1_000_000)
        for frame, time, shown in shown_in(decoded, Fraction(start), end, least, length):
            size = size or (frame.width, frame.height)
            if size != (frame.width, frame.height):
                warnings.warn(
                    f"The frame size of {self.source} changes. All frames are scaled to "
                    f"{size[0]}x{size[1]} px.",
                    stacklevel=2,
                )
            name = self.video.codec_context.name
            image = None
            if images:  # an interlaced one has the times of its two halves
                i = round(frame.pts * frame.time_base * self.stream_rate)
                image = images[min(i, len(images) - 1)]
            turned = exif_turn(image) if image else display_matrix(frame, name)
            aspect = (self.video.sample_aspect_ratio or Fraction(1)) ** (-1 if turned[0] else 1)
            picture = in_srgb(upright(frame, size, turned), frame, image)
            yield VideoFrame(picture, time, shown, aspect)

    def _decoded(self, start: float) -> Iterator[tuple[Any, Fraction, Fraction]]:
        "Yield decoded frames, their times and how long they are shown."
        time, shown, last = Fraction(start), Fraction(0), None
        for frame in progressive(decode(self.container, self.video)):
            time += shown  # for frames without a time
            if frame.pts is not None:
                time = frame.pts * frame.time_base - self.start_time
            if last is not None and not last < time < last + JUMP:  # in a damaged video
                time = last + shown
            last = time
            shown = (frame.duration or 0) * frame.time_base or 1 / self.stream_rate
            yield frame, time, shown


def shown_in(decoded, start: Fraction, end: float | None, least: Fraction, length: Fraction):
    """The frames that are shown in this time, those cut off at its start and end included.

    The last one is also shown for as long as a sound of this length goes on after it.
    """
    for (frame, time, shown), later in pairwise(chain(decoded, [None])):
        since = start if time < start - SLIVER else time
        until = later[1] if later else time + shown
        if not later and since > time and until - since <= least:
            until = length
        until = until if end is None else min(until, Fraction(end))
        if until - since > (least if since > time else SLIVER):
            yield frame, since, until - since
        if later and end is not None and later[1] >= end:
            return


def moving(container: Any) -> Any:  # av.VideoStream, or None
    "The stream of pictures that is not a cover."
    covers = extra("av", "video").stream.Disposition.attached_pic
    streams = (video for video in container.streams.video if not video.disposition & covers)
    return next(streams, None)


def first_size(source) -> tuple[int, int] | None:
    "Width and height of a video's first frame; None if it is damaged."
    av = extra("av", "video")
    with suppress(av.FFmpegError), open_local(source) as video:
        frames = video.decode(moving(video))
        return next(((frame.width, frame.height) for frame in frames), None)
    return None


def at_rate(
    frames: Iterator[VideoFrame],
    fps: Fraction,
    start: Fraction,  # seconds
) -> Iterator[VideoFrame]:
    "Resample to a constant frame rate by dropping or repeating frames."
    n = math.ceil(start * fps - Fraction(1, 1000))
    for frame in frames:
        while n / fps < frame.time + frame.seconds:
            yield replace(frame, time=n / fps, seconds=1 / fps)
            n += 1


@contextmanager
def open_video(
    source: str | Path,  # any file PyAV can read, a live photo, or numbered images: frames/%04d.png
    fps: float | None = None,  # frames per second to return, or that numbered images have;
    # None: each at its own time, and 25 for numbered images
) -> Iterator[VideoReader]:
    """Open a video.

    Raises `FileNotFoundError` for a missing one, and `ValueError` for one that cannot be read, has
    no picture or ends early.
    """
    av = extra("av", "video")
    check_range("fps", fps, 0.001)
    if not is_film(source):
        raise FileNotFoundError(f"Video not found: {source}.")
    with ExitStack() as stack:
        try:
            container = stack.enter_context(open_local(source, fps))
        except av.FFmpegError as error:
            raise ValueError(f"{source} cannot be read as a video ({error.strerror}).") from None
        stream = moving(container)
        if stream is None:
            raise ValueError(f"{source} contains only sound, no video.")
        if not stream.codec_context or not stream.width:  # FFmpeg refuses the largest sizes
            raise ValueError(f"{source} cannot be read as a video (unknown codec or size).")
        with reading(source):  # a small file may claim frames that fill the memory
            Image._decompression_bomb_check((stream.width, stream.height))
        stream.thread_type = "AUTO"
        rate = Fraction(fps).limit_denominator(1001) if fps and not is_numbered(source) else None
        yield VideoReader(container, stream, str(source), rate)


@contextmanager
def open_local(
    source: str | Path,
    fps: float | None = None,  # of numbered images; None: 25
) -> Iterator[Any]:  # av.container.InputContainer
    "Open a local file or numbered images with PyAV, never a URL in a name or in a file."
    path, options = Path(source), {"protocol_whitelist": "file"}
    with ExitStack() as stack:
        if not path.is_file():
            files = numbered_files(path)
            first, last = min(files, default=0), max(files, default=0)
            if gaps := last - first + 1 - len(files):
                warnings.warn(
                    f"{source}: {count(gaps, 'number')} missing in between.", stacklevel=2
                )
                folder = Path(stack.enter_context(TemporaryDirectory()))
                for i, file in enumerate(files.values()):
                    link_or_copy(file, folder / f"{i}{path.suffix}")
                path, first = folder / f"%d{path.suffix}", 0
            path = Path(str(path.parent).replace("%", "%%"), path.name)
            rate = Fraction(fps or 25).limit_denominator(1001)
            options |= {"start_number": str(first), "framerate": str(rate)}
        elif path.suffix.lower() == ".webp":  # FFmpeg does not read animated ones
            path = as_png(path, Path(stack.enter_context(TemporaryDirectory())))
        film: Any = live_film(path) or path
        film = f"file:{film}" if isinstance(film, Path) else film
        yield stack.enter_context(extra("av", "video").open(film, options=options))


def link_or_copy(file, link):
    "Link to a file. On Windows, a symbolic link needs a right; a hard one, the same disk."
    for make in (os.symlink, os.link):
        with suppress(OSError):
            return make(file.resolve(), link)
    return shutil.copy(file, link)
