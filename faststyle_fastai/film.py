"Films to read: frames, their colours and their times (PyAV)."

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from .errors import extra

__all__ = ["Film", "Frame", "opened_film"]

BEFORE = 1  # s before a moment in which the frame that is shown then begins
FULL, LIMITED = 2, 1  # ranges of luma
BT709, BT601, BT2020, UNSAID = 1, 6, 9, 2  # matrices
HD = 720  # px of height from which a film that does not say its matrix has BT.709's
HDR = {16: "PQ", 18: "HLG"}  # transfer curves
SCALER = 4 | 0x2000 | 0x4000 | 0x40000  # swscale: bicubic, full chroma, accurate rounding


@dataclass(frozen=True)
class Frame:
    "A picture of a film."

    picture: np.ndarray  # [H, W, 3] uint8, sRGB, upright
    time: Fraction  # seconds since the film's begin
    seconds: Fraction  # that it is shown


@dataclass(frozen=True)
class Film:
    "What is known of a film that is open."

    container: object  # av.container.InputContainer
    video: object  # av.VideoStream
    source: str
    fps: Fraction | None = None  # frames a second to give; None: each at its own time

    @property
    def time_base(self) -> Fraction:
        "What times of frames are multiples of, in seconds."
        return 1 / self.fps if self.fps else self.video.time_base

    @property
    def begin(self) -> Fraction:
        return (self.video.start_time or 0) * self.video.time_base

    @property
    def rate(self) -> Fraction:
        "Frames a second, on the mean."
        return self.fps or self.own_rate

    @property
    def own_rate(self) -> Fraction:
        return self.video.average_rate or self.video.guessed_rate or Fraction(25)

    @property
    def seconds(self) -> Fraction | None:
        if self.video.duration:
            return self.video.duration * self.video.time_base
        return self.container.duration and Fraction(self.container.duration, 1_000_000)

    @property
    def sounds(self) -> list:
        "Those that PyAV knows how to copy."
        return [sound for sound in self.container.streams.audio if sound.codec_context]

    def is_cut(self, end: float | None = None) -> bool:
        "Whether neither pictures nor sound last as long as the file says; pictures ended before."
        if self.video.duration or end is not None or not self.sounds:
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
    ) -> Iterator[Frame]:
        "The pictures that begin from `start` on and before `end`."
        if not self.fps:
            return self._own_frames(start, end)
        earlier = self._own_frames(max(0, start - BEFORE), end)  # what is shown at `start`
        return at_rate(earlier, self.fps, Fraction(start), end)

    def _own_frames(self, start, end):
        if start:
            self.container.seek(int((self.begin + Fraction(start)) / self.video.time_base),
                                stream=self.video)  # fmt: skip
        self.video.thread_type = "AUTO"
        time, shown = Fraction(start), Fraction(0)
        for frame in self.container.decode(self.video):
            time += shown  # where nothing is said
            if frame.pts is not None:
                time = frame.pts * self.video.time_base - self.begin
            shown = (frame.duration or 0) * self.video.time_base or 1 / self.own_rate
            if end is not None and time >= end:
                return
            if time >= start:
                yield Frame(upright_rgb(frame), time, shown)


def at_rate(
    frames: Iterator[Frame],
    fps: Fraction,
    start: Fraction,  # seconds
    end: float | None,
) -> Iterator[Frame]:
    "So many frames a second: some left out, or the same picture several times."
    n, shown = math.ceil(start * fps - Fraction(1, 1000)), None
    for frame in frames:
        while shown and Fraction(n) / fps < frame.time:
            yield Frame(shown.picture, Fraction(n) / fps, 1 / fps)
            n += 1
        shown = frame
    last = shown and min(shown.time + shown.seconds, math.inf if end is None else end)
    while shown and Fraction(n) / fps < last:
        yield Frame(shown.picture, Fraction(n) / fps, 1 / fps)
        n += 1


@contextmanager
def opened_film(
    source: str | Path,  # anything that PyAV reads; frames/%04d.png is a sequence of pictures
    fps: float | None = None,  # frames a second to give; None: each at its own time
) -> Iterator[Film]:
    "A film to read from; what is wrong with it is one line that names it."
    av = extra("av", "video")
    if "%" not in str(source) and not Path(source).is_file():
        raise FileNotFoundError(f"no film {source}.")
    try:
        container = av.open(str(source))
    except (av.FFmpegError, ValueError) as error:
        raise ValueError(f"{source} cannot be read as a film: {error}.") from None
    with container:
        if not container.streams.video:
            raise ValueError(f"{source} holds no pictures, only sound.")
        rate = Fraction(fps).limit_denominator(1001) if fps else None
        yield Film(container, container.streams.video[0], str(source), rate)


def upright_rgb(frame) -> np.ndarray:
    "A decoded frame as [H, W, 3] uint8, sRGB, turned as it says."
    hdr = frame.color_trc in HDR
    picture = frame.reformat(
        format="rgb48le" if hdr else "rgb24",
        src_colorspace=matrix_of(frame),
        src_color_range=FULL if "yuvj" in frame.format.name else frame.color_range or LIMITED,
        dst_color_range=FULL,
        interpolation=SCALER,
    ).to_ndarray()
    if hdr:
        curve = HDR[frame.color_trc]
        warnings.warn(f"a film of high dynamic range ({curve}) is painted as SDR.", stacklevel=2)
        picture = standard_range(picture, curve)
    return np.rot90(picture, frame.rotation // 90 % 4) if frame.rotation else picture


def matrix_of(frame) -> int:
    if frame.colorspace in (BT709, BT2020) or frame.format.is_rgb:
        return frame.colorspace
    if frame.colorspace == UNSAID:
        return BT709 if frame.height >= HD else BT601
    return BT601


def standard_range(picture, curve):
    "HDR as SDR: light by ITU-R BT.2100, colours of BT.709, highlights rolled off (Reinhard)."
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
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)
