"Films to write: encoded in parts that outlast an interruption, joined with the sound in the end."

import heapq
import json
import shutil
from contextlib import ExitStack, suppress
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from .errors import FaststyleError, extra
from .files import whole_file
from .film import BT601, BT709, FULL, HD, LIMITED, SCALER, Film, Frame
from .images import check_format, save_picture

__all__ = ["CODEC", "film_writer", "may_write_film"]

CODECS = {".webm": ("libvpx-vp9", {"crf": "31", "b:v": "0", "row-mt": "1"})}
CODEC = "libx264", {"crf": "18", "preset": "veryfast"}  # of any other kind of file
WITH_CRF = "libx264", "libx265", "libvpx-vp9", "libaom-av1", "libsvtav1"
SECONDS = 5  # of a part
LATER = 60  # seconds that parts are later: no encoder's time stamps are negative then


def film_writer(
    out: Path,  # .mp4, .mkv, .webm …; .gif; frames/%04d.png for a picture each
    film: Film,  # that is painted
    settings: dict,  # what a resume must have in common
    codec: str | None = None,  # None: H.264, for .webm VP9
    crf: int | None = None,  # see paint_video
    resume: bool = False,
):
    "What painted frames are given to: `add(frame)`, then `finish()`, which says if there were any."
    plain = Pictures if "%" in out.name else Gif if out.suffix.lower() == ".gif" else None
    if plain and crf is not None:
        raise ValueError(f"{out} knows no crf: that is for .mp4, .mkv, .webm, .mov.")
    return plain(out) if plain else Parts(out, film, settings, codec, crf, resume)


class Pictures:
    "A file for each frame."

    done, resumes, n = None, False, 0

    def __init__(self, out):
        self.out = check_format(out)

    def add(self, frame):
        self.n += 1
        save_picture(Image.fromarray(frame.picture), Path(str(self.out) % self.n))

    def finish(self, start, end, keep):
        return self.n


class Gif:
    "An animated GIF, 256 colours a frame; they wait in the memory for its end."

    done, resumes = None, False

    def __init__(self, out):
        self.out, self.frames, self.times = out, [], []

    def add(self, frame):
        self.frames.append(Image.fromarray(frame.picture).quantize())
        shown, gone = (round(100 * time) for time in (frame.time, frame.time + frame.seconds))
        self.times.append(10 * (gone - shown))  # ms; a GIF knows hundredths of a second

    def finish(self, start, end, keep):
        if self.frames:
            first, *rest = self.frames
            with whole_file(self.out) as temporary:
                first.save(
                    temporary, save_all=True, append_images=rest, duration=self.times, loop=0
                )
        return len(self.frames)


class Parts:
    "A folder beside the film to be, with a file for every few seconds."

    resumes = True

    def __init__(self, out, film, settings, codec, crf, resume):
        self.av, self.out, self.film = extra("av", "video"), out, film
        self.codec, self.options = CODECS.get(out.suffix.lower(), CODEC)
        if codec and codec != self.codec:
            self.codec, self.options = codec, {}
        if crf is not None:
            if self.codec not in WITH_CRF:
                raise ValueError(f"{self.codec} knows no crf: {', '.join(WITH_CRF)} do.")
            self.options = {**self.options, "crf": str(crf)}
        if self.codec not in self.av.codecs_available:
            raise ValueError(f"no codec {self.codec} here: see ffmpeg's names, like libx264.")
        self.check()
        self.folder = parts_folder(out)
        self.container, self.until, self.done = None, None, None
        record, settings = self.folder / "settings.json", json.dumps(settings, sort_keys=True)
        if resume and record.exists():
            if record.read_text() != settings:
                raise FaststyleError(f"{out} was begun with other settings: not --resume.")
            self.done = self.last()
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        record.write_text(settings)

    def check(self):
        "See that such a file can hold the pictures, and the sound as it is."
        kinds = [f"{stream.codec_context.name} sound" for stream in self.film.sounds]
        kind = format_of(self.av, self.out)
        try:
            with self.av.open(BytesIO(), "w", format=kind) as trial:
                self.stream_in(trial, (self.film.video.width, self.film.video.height))
                for sound in self.film.sounds:
                    trial.add_stream_from_template(sound, opaque=True)
                trial.start_encoding()
        except (self.av.FFmpegError, ValueError) as error:
            what = " and ".join([self.codec, *kinds])
            raise FaststyleError(f"{self.out} cannot hold {what} ({error}): try .mkv.") from None

    def stream_in(self, container, size):
        "A stream for our frames in a container that is being written."
        stream = container.add_stream(self.codec, rate=self.film.rate, options=self.options)
        stream.width, stream.height = (side + side % 2 for side in size)
        stream.pix_fmt, stream.time_base = "yuv420p", self.film.time_base
        context = stream.codec_context
        context.time_base = self.film.time_base
        if aspect := self.film.video.sample_aspect_ratio:
            context.sample_aspect_ratio = aspect
        matrix = BT709 if size[1] >= HD else BT601
        context.color_range, context.colorspace = LIMITED, matrix
        context.color_primaries = context.color_trc = matrix
        return stream

    @property
    def files(self):
        return sorted(self.folder.glob("*.nut"))

    def last(self):
        "When the last frame of all whole parts is shown."
        if not self.files:
            return None
        with self.av.open(str(self.files[-1])) as part:
            times = [p.pts * p.time_base for p in part.demux(video=0) if p.pts is not None]
        return max(times) - LATER

    def add(self, frame: Frame):
        if self.until is None or frame.time >= self.until:
            self.cut()
            self.until = frame.time + SECONDS
            self.path = self.folder / f"{len(self.files):06}.nut"
            self.container = self.av.open(str(self.path.with_suffix(".tmp")), "w", format="nut")
            height, width = frame.picture.shape[:2]
            self.stream = self.stream_in(self.container, (width, height))
        odd = [(0, side % 2) for side in frame.picture.shape[:2]]
        picture = np.pad(frame.picture, [*odd, (0, 0)], "edge")
        coded = self.av.VideoFrame.from_ndarray(picture, "rgb24").reformat(
            format="yuv420p",
            dst_colorspace=self.stream.codec_context.colorspace,
            src_color_range=FULL,
            dst_color_range=LIMITED,
            interpolation=SCALER,
        )
        coded.time_base = self.film.time_base
        coded.pts = round((frame.time + LATER) / coded.time_base)
        self.container.mux(self.stream.encode(coded))

    def cut(self):
        "End a part."
        if self.container is not None:
            self.container.mux(self.stream.encode())
            self.container.close()
            self.path.with_suffix(".tmp").rename(self.path)
            self.container = None

    def finish(self, start, end, keep):
        "Join the parts, and the sound of the same time, into the film; keep them for a resume."
        self.cut()
        if not (files := self.files):
            shutil.rmtree(self.folder)
            return 0
        kind = format_of(self.av, self.out)
        with whole_file(self.out) as temporary, ExitStack() as stack:
            joined = stack.enter_context(self.av.open(str(temporary), "w", format=kind))
            part = stack.enter_context(self.av.open(str(files[0])))
            pictures = joined.add_stream_from_template(part.streams.video[0], opaque=True)
            pictures.time_base = self.film.time_base
            source = stack.enter_context(self.av.open(self.film.source))
            sounds = {
                sound.index: joined.add_stream_from_template(
                    source.streams[sound.index], opaque=True
                )
                for sound in self.film.sounds
            }
            packets = heapq.merge(
                self.pictures(pictures, Fraction(start)),
                heard(self.av, source, sounds, self.film.begin + Fraction(start), start, end),
                key=lambda packet: packet.dts * packet.time_base,
            )
            for packet in packets:
                joined.mux(packet)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        return len(files)

    def pictures(self, stream, start):
        """The parts' packets, their times those of the film, decoded in the order of their times.

        An encoder hands a frame on after later ones that it depends on: when each is to be decoded
        is said anew, as the film's own times, so many frames later as frames are out of order.
        """
        shown, late = [], 0
        for path in self.files:
            with self.av.open(str(path)) as part:
                here = [packet.pts for packet in part.demux(video=0) if packet.size]
            late = max([late, *(i - rank for i, rank in enumerate(np.argsort(np.argsort(here))))])
            shown += sorted(here)
        step = min(np.diff(shown), default=1)
        decoded = iter([shown[0] - step * i for i in range(late, 0, -1)] + shown)
        for path in self.files:
            with self.av.open(str(path)) as part:
                for packet in part.demux(video=0):
                    if packet.size:
                        shift = round((LATER + start) * (1 / packet.time_base))
                        packet.pts, packet.dts = packet.pts - shift, int(next(decoded)) - shift
                        packet.stream = stream
                        yield packet


def heard(av, container, streams, begin, start, end):
    "The sound's packets of the time asked for, as they are; of a damaged film those there are."
    if not streams:
        return
    with suppress(av.FFmpegError):
        for packet in container.demux([container.streams[index] for index in streams]):
            if packet.dts is None:
                continue
            time = packet.pts * packet.time_base - begin
            if (start and time < 0) or (end is not None and time >= end - start):
                continue
            shift = round(begin / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = streams[packet.stream.index]
            yield packet


def parts_folder(out):
    "Where a film lies that is not ready."
    return out.with_name(f".{out.name}.parts")


def may_write_film(
    out: Path,
    force: bool,
    resume: bool,
):
    "See that no film, and no work on one, is lost without being asked for."
    first = Path(str(out) % 1) if "%" in out.name else out
    if parts_folder(out).exists():
        if not (force or resume):
            raise FaststyleError(f"{out} was interrupted: --resume goes on, --force begins anew.")
    elif first.exists() and not force:
        raise FaststyleError(f"{first} exists: --force to replace it, or another -o.")


def format_of(av, path):
    "The name of the container that a file name asks for."
    suffix = path.suffix.lower()
    names = {".mkv": "matroska", ".m4v": "mp4", ".ts": "mpegts", ".mpg": "mpeg"}
    name = names.get(suffix, suffix[1:])
    with suppress(ValueError):
        if av.format.ContainerFormat(name, "w").is_output:
            return name
    raise ValueError(f"{path}: no kind of film; .mp4, .mkv, .webm, .mov, .gif, or frames/%04d.png.")
