"Reads videos with PyAV: frames, their colors and their times."

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ..core.extras import extra
from ..images.formats import is_film

__all__ = ["VideoReader", "VideoFrame", "open_local", "open_video"]

BEFORE = 1  # s to look back for the frame shown at a given time
FULL, LIMITED = 2, 1  # luma ranges
BT709, BT601, BT2020, UNSPECIFIED = 1, 6, 9, 2  # color matrices
HD = 720  # px of height from which a video without a stated matrix uses BT.709
HDR = {16: "PQ", 18: "HLG"}  # transfer curves
SCALER = 4 | 0x2000 | 0x4000 | 0x40000  # swscale: bicubic, full chroma, accurate rounding


@dataclass(frozen=True)
class VideoFrame:
    "A frame of a video."

    picture: np.ndarray  # [H, W, 3] uint8, sRGB, upright
    time: Fraction  # seconds since the start of the video
    seconds: Fraction  # how long it is shown


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
    def rate(self) -> Fraction:
        "Average frames per second."
        return self.fps or self.stream_rate

    @property
    def stream_rate(self) -> Fraction:
        "Average frames per second of the file."
        return self.video.average_rate or self.video.guessed_rate or Fraction(25)

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

    def is_cut(self, end: float | None = None) -> bool:
        """Whether the file is truncated. Ask if its frames ended earlier than `seconds`.

        True unless its sound, read to the end, shows that it is whole.
        """
        if self.video.duration or end is not None or not self.sounds or not self.seconds:
            return True
        self.container.seek(0)
        last = 0.0
        for packet in self.container.demux(self.sounds):
            last = max(last, float((packet.pts or 0) * packet.time_base))
        return last < float(self.seconds) - 1

    def frames(
        self,
        start: float = 0,  # seconds
        end: float | None = None,
    ) -> Iterator[VideoFrame]:
        """Frames that begin at or after `start` and before `end`.

        They can be read once. Open the video again for more.
        """
        if not self.fps:
            return self._stream_frames(start, end)
        earlier = self._stream_frames(max(0, start - BEFORE), end)  # with the one shown at `start`
        return at_rate(earlier, self.fps, Fraction(start), end)

    def _stream_frames(self, start: float, end: float | None) -> Iterator[VideoFrame]:
        "Frames of the file, each at its own time."
        size = first_size(self.source) if start else None  # for all frames
        decoded = self._decoded(start)
        if start:
            target = int((self.start_time + Fraction(start)) / self.video.time_base)
            self.container.seek(min(target, 2**62), stream=self.video)
            first = next(decoded, None)
            if first is None or first[1] > start:  # some files seek too far
                self.container.seek(0)
                decoded = self._decoded(0)
            else:
                decoded = chain([first], decoded)
        for frame, time, shown in decoded:
            if end is not None and time >= end:
                return
            if time >= start:
                size = size or (frame.width, frame.height)
                if size != (frame.width, frame.height):
                    warnings.warn(
                        f"The frame size of {self.source} changes. All frames are scaled to "
                        f"{size[0]}x{size[1]} px.",
                        stacklevel=2,
                    )
                yield VideoFrame(upright_rgb(frame, size), time, shown)

    def _decoded(self, start: float) -> Iterator[tuple[Any, Fraction, Fraction]]:
        "Yield decoded frames, their times and how long they are shown."
        time, shown, last = Fraction(start), Fraction(0), None
        for frame in progressive(self.container.decode(self.video), self.video):
            time += shown  # for frames without a time
            if frame.pts is not None:
                time = frame.pts * frame.time_base - self.start_time
            if last is not None and time <= last:  # in a damaged video
                time = last + shown
            last = time
            shown = (frame.duration or 0) * frame.time_base or 1 / self.stream_rate
            yield frame, time, shown


def progressive(frames: Iterator, stream: Any) -> Iterator:
    "The frames of a stream; from the first interlaced one on, by FFmpeg's filter bwdif."
    graph, av = None, extra("av", "video")
    for frame in chain(frames, [None]):  # the last one empties the filter
        if not graph:
            if frame is None or not frame.interlaced_frame:
                yield from filter(None, [frame])
                continue
            graph = av.filter.Graph()
            only = graph.add("bwdif", "mode=send_frame:deint=interlaced")
            graph.link_nodes(graph.add_buffer(template=stream), only, graph.add("buffersink"))
            graph.configure()
        graph.push(frame)
        with suppress(av.BlockingIOError, av.EOFError):
            while True:
                yield graph.pull()


def first_size(source) -> tuple[int, int] | None:
    "Width and height of a video's first frame; None if it is damaged."
    av = extra("av", "video")
    with suppress(av.FFmpegError), open_local(source) as video:
        return next(((frame.width, frame.height) for frame in video.decode(video=0)), None)
    return None


def at_rate(
    frames: Iterator[VideoFrame],
    fps: Fraction,
    start: Fraction,  # seconds
    end: float | None,
) -> Iterator[VideoFrame]:
    "Resample to a constant frame rate by dropping or repeating frames."
    n, shown = math.ceil(start * fps - Fraction(1, 1000)), None

    def repeated(frame, until):
        nonlocal n
        while n / fps < until:
            yield VideoFrame(frame.picture, n / fps, 1 / fps)
            n += 1

    for frame in frames:
        if shown:
            yield from repeated(shown, frame.time)
        shown = frame
    if shown:
        last = shown.time + shown.seconds
        yield from repeated(shown, last if end is None else min(last, Fraction(end)))


@contextmanager
def open_video(
    source: str | Path,  # any file PyAV can read; frames/%04d.png is an image sequence
    fps: float | None = None,  # frames per second to return; None: each at its own time
) -> Iterator[VideoReader]:
    """Open a video.

    Raises `FileNotFoundError` for a missing one, and `ValueError` for one that cannot be read, has
    no picture or ends early.
    """
    av = extra("av", "video")
    if not is_film(source):
        raise FileNotFoundError(f"Video not found: {source}.")
    try:
        container = open_local(source)
    except (av.FFmpegError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ValueError(f"{source} cannot be read as a video ({why}).") from None
    with container:
        if not container.streams.video:
            raise ValueError(f"{source} contains only sound, no video.")
        stream = container.streams.video[0]
        if not stream.codec_context:
            raise ValueError(f"{source} cannot be read as a video (unknown codec).")
        stream.thread_type = "AUTO"
        rate = Fraction(fps).limit_denominator(1001) if fps else None
        yield VideoReader(container, stream, str(source), rate)


def open_local(source: str | Path) -> Any:  # av.container.InputContainer
    "Open a local file or numbered images with PyAV, never a URL in a name or in a file."
    path = Path(source)
    if not path.is_file():
        path = Path(str(path.parent).replace("%", "%%"), path.name)
    return extra("av", "video").open(f"file:{path}", options={"protocol_whitelist": "file"})


def upright_rgb(
    frame,
    size: tuple[int, int],  # width and height before it is rotated
) -> np.ndarray:
    "A decoded frame as [H, W, 3] uint8, sRGB, rotated upright."
    hdr = frame.color_trc in HDR
    picture = frame.reformat(
        *size,
        format="rgb48le" if hdr else "rgb24",
        src_colorspace=matrix_of(frame),
        src_color_range=FULL if "yuvj" in frame.format.name else frame.color_range or LIMITED,
        dst_color_range=FULL,
        interpolation=SCALER,
    ).to_ndarray()
    if hdr:
        curve = HDR[frame.color_trc]
        warnings.warn(
            f"This video has high dynamic range ({curve}). It is painted as SDR.", stacklevel=2
        )
        picture = standard_range(picture, curve)
    return np.rot90(picture, frame.rotation // 90 % 4) if frame.rotation else picture


def matrix_of(frame) -> int:
    if frame.colorspace in (BT709, BT2020) or frame.format.is_rgb:
        return frame.colorspace
    if frame.colorspace == UNSPECIFIED:
        return BT709 if frame.height >= HD else BT601
    return BT601


def standard_range(picture, curve):
    "HDR to SDR: light by ITU-R BT.2100, colors of BT.709, highlights rolled off (Reinhard)."
    x = picture.astype(np.float32) / 65535
    if curve == "PQ":
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        root = x ** (1 / m2)
        light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * 10_000
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(x <= 0.5, x**2 / 3, (np.exp((x - c) / a) + b) / 12)
        light = 1000 * scene * (scene @ [0.2627, 0.6780, 0.0593])[..., None] ** 0.2
    white = light @ TO_BT709.T / 203  # cd/m² of paper white
    brightest = np.maximum(white.max(-1, keepdims=True), 1e-6)
    white = np.clip(white / brightest, 0, 1) * (brightest * (1 + brightest / 25) / (1 + brightest))
    srgb = np.where(white <= 0.0031308, 12.92 * white, 1.055 * white ** (1 / 2.4) - 0.055)
    return (srgb.clip(0, 1) * 255).round().astype(np.uint8)


TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
