"Writes videos: encoded in parts that survive an interruption, then joined with the sound."

import heapq
import json
import math
import shutil
import warnings
from contextlib import ExitStack, suppress
from errno import EACCES, EDQUOT, EFBIG, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC, EPERM, EROFS
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..core.atomic import atomic_write, fsync_path, hidden_name, may_write_file, replace
from ..core.errors import FaststyleError
from ..core.extras import extra
from ..images.formats import is_numbered, numbered_files
from .codecs import encodable, encoding, local, picture_stream
from .image_writers import ANIMATIONS, Animation, Pictures, VideoWriter, as_large, opaque
from .loops import played_back
from .reader import VideoFrame, VideoReader, open_local
from .tracks import add_tracks, held_tracks, titles, track_packets, within

__all__ = ["check_video_format", "video_writer"]

# Those that may be gone at another try, which must not cost the sound.
DISK_ERRORS = ENOSPC, EDQUOT, EFBIG, EIO, EROFS, EACCES, EPERM, EMFILE, ENFILE, ENOMEM
SECONDS = 5  # length of a part
RECORD, REFINED = "settings.json", "refined.safetensors"  # of an unfinished video; its style
APART, GLOBAL_HEADER = 1 << 6, 1 << 22  # flags of containers and of encoders
OFFSET = 60  # seconds added to times in parts, so that no encoder writes negative time stamps


def video_writer(
    out: Path,  # .mp4, .mkv, .webm …, .gif, .webp, .apng, or frames/%04d.png for an image per frame
    reader: VideoReader,  # the video to paint
    settings: dict[str, Any],  # must match on resume
    codec: str | None = None,  # None: H.264, or VP9 for .webm
    crf: int | None = None,  # see paint_video
    resume: bool = False,
    sound: bool = True,
) -> VideoWriter:
    "Create the writer for a file name."
    if is_numbered(out):
        return Pictures(out)
    if out.suffix.lower() in ANIMATIONS:
        return Animation(out)
    return Parts(out, reader, settings, codec, crf, resume, sound)


class Parts(VideoWriter):
    "Encodes into a folder beside the output, with a file for every few seconds."

    resumes, back = True, ""  # how names of parts begin that play backward

    def __init__(self, out, reader, settings, codec, crf, resume, sound):
        self.av, self.out, self.reader = extra("av", "video"), out, reader
        self.container: Any = None  # of the current part
        self.until: Fraction | None = None  # its end in seconds
        self.size: tuple[int, int] | None = None  # width and height of all frames, even
        self.format, self.codec, self.options = encoding(out, codec, crf)
        self.check_container()
        self.held = held_tracks(reader.sounds if sound else [], reader.subtitles, out, self.format)
        self.folder = parts_folder(out)
        record = self.folder / RECORD
        settings = json.dumps(settings, sort_keys=True, default=float)
        if resume and record.exists():
            if record.read_text() != settings:
                raise FaststyleError(
                    f"{out} was started with other settings. Use the same settings, or --overwrite."
                )
            for file in self.folder.glob("back*"):  # made again in the end
                file.unlink()
            self.done = self.last_time()
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(record) as temporary:
                temporary.write_text(settings)

    def check_container(self):
        "Check that the file type can hold the codec."
        try:
            with self.av.open(BytesIO(), "w", format=self.format) as trial:
                self.add_stream(trial, (self.reader.video.width, self.reader.video.height))
                trial.start_encoding()
        except (self.av.FFmpegError, ValueError) as error:
            raise FaststyleError(
                f"{self.out} cannot hold {self.codec} ({error}). Try .mkv."
            ) from None

    def add_stream(self, container, size, aspect=1):
        "Add a video stream for painted frames to a container."
        width, height = (side + side % 2 for side in size)
        rate = self.reader.fps or self.reader.stream_rate
        stream = picture_stream(container, self.codec, self.options, rate, (width, height))
        context = stream.codec_context
        stream.time_base = context.time_base = self.reader.time_base
        context.sample_aspect_ratio = aspect
        if not self.av.format.ContainerFormat(self.format, "w").flags & APART:
            context.flags &= ~GLOBAL_HEADER  # the parts' own, which .mpg would lose
        return stream

    @property
    def files(self):
        return sorted(self.folder.glob("*.nut"))

    def last_time(self):
        "Time of the last frame of all complete parts; the last ones may be damaged."
        for file in reversed(self.files):
            with suppress(self.av.FFmpegError), self.av.open(local(file)) as part:
                times = [p.pts * p.time_base for p in part.demux(video=0) if p.pts is not None]
                if times:
                    self.size = part.streams.video[0].width, part.streams.video[0].height
                    unit = self.reader.time_base
                    return max(times) - ticks(Fraction(OFFSET), unit) * unit  # as by `add`
            file.unlink()
        return None

    def add(self, frame: VideoFrame):
        if self.until is None or frame.time >= self.until:
            self.close_part()
            self.until = frame.time + SECONDS
            self.path = self.folder / f"{self.back}{len(self.files):06}.nut"
            self.container = self.av.open(local(self.path.with_suffix(".tmp")), "w", format="nut")
            size = self.size or frame.picture.shape[1::-1]
            self.stream = self.add_stream(self.container, size, frame.aspect)
        padding = [(0, side % 2) for side in frame.picture.shape[:2]]  # to even sides
        picture = np.pad(opaque(frame, self.out).picture, [*padding, (0, 0)], "edge")
        self.size = self.size or picture.shape[1::-1]
        if picture.shape[1::-1] != self.size:
            picture = np.asarray(as_large(Image.fromarray(picture), self.size, self.out))
        coded = encodable(picture, self.stream)
        coded.time_base = self.reader.time_base
        # A picture cut off at its start begins between two time stamps, and before the next one.
        coded.pts = ticks(frame.time + OFFSET, coded.time_base)
        self.shown = frame.seconds
        self.store(self.stream.encode(coded))

    def loop(self):
        self.close_part()
        self.until, self.back = None, "back"
        for frame in played_back(self.files, self.last_time() + self.shown):
            self.add(frame)

    def abandon(self, error) -> bool:
        "Give up; whether a resume may help. Finished parts are kept."
        if self.container is not None:
            with suppress(self.av.FFmpegError):
                self.container.close()
        if self.files or of_the_disk(error) or (self.folder / REFINED).exists():
            return True
        shutil.rmtree(self.folder, ignore_errors=True)
        return False

    def store(self, packets):
        "Write packets to the current part."
        for packet in packets:
            if packet.dts is not None and not 0 <= packet.dts <= packet.pts:
                packet.dts = packet.pts  # libx265 leaves that of a single frame undefined
            self.container.mux(packet)

    def close_part(self):
        "Close the current part."
        if self.container is not None:
            self.store(self.stream.encode())
            self.container.close()
            fsync_path(part := self.path.with_suffix(".tmp"))
            replace(part, self.path)
            self.container = None

    def finish(self, start, end, keep):
        """Join the parts with the sound, subtitles and chapters of the same time range.

        `keep` leaves the parts for a resume.
        """
        self.close_part()
        if not (written := len(self.files)):
            if not (keep and (self.folder / REFINED).exists()):
                shutil.rmtree(self.folder)
            return 0
        try:
            self.join(start, end, self.held)
        except (self.av.FFmpegError, ValueError) as error:
            if not self.held or of_the_disk(error):
                raise
            warnings.warn(
                f"{self.out} has no sound or subtitles: they could not be joined ({error}).",
                stacklevel=2,
            )
            self.join(start, end, {})
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        return written

    def join(self, start, end, held):
        "Write the parts and what is held beside them as one file."
        with atomic_write(self.out) as temporary, ExitStack() as stack:
            joined = stack.enter_context(self.av.open(local(temporary), "w", format=self.format))
            part = stack.enter_context(self.av.open(local(self.files[0])))
            pictures = joined.add_stream_from_template(part.streams.video[0], opaque=True)
            pictures.time_base = self.reader.time_base
            pictures.metadata.update(titles(self.reader.video.metadata))
            source = stack.enter_context(open_local(self.reader.source))
            tracks = add_tracks(joined, source, held)
            joined.set_chapters(within(source.chapters(), start, end))
            origin, lost = self.reader.start_time + Fraction(start), 0
            packets = heapq.merge(
                self.video_packets(pictures, Fraction(start)),
                track_packets(source, tracks, origin, start, end),
                key=lambda packet: packet.dts * packet.time_base,
            )
            for packet in packets:
                try:
                    joined.mux(packet)
                except (self.av.FFmpegError, ValueError) as error:
                    if packet.stream is pictures or of_the_disk(error):
                        raise
                    lost += 1
        if lost:
            warnings.warn(
                f"{self.out} lacks {lost} of the pieces of sound or subtitles.",
                stacklevel=2,
            )

    def video_packets(self, stream, start):
        """Yield the packets of all parts, with times of the whole video.

        Encoders output a frame after the later frames that it depends on. Decoding times are
        therefore rewritten: the sorted frame times, delayed by the largest reordering.
        """
        encoded = [packet.pts for packet in self.part_packets()]
        times, ranks = sorted(encoded), np.argsort(np.argsort(encoded))
        delay = max(i - rank for i, rank in enumerate(ranks.tolist()))
        step = min(np.diff(times).tolist(), default=1)
        decoded = [times[0] - step * i for i in range(delay, 0, -1)] + times
        began = ticks(OFFSET + start, self.reader.time_base) * self.reader.time_base
        last, kind = times[-1], stream.container.format.name
        for packet, dts in zip(self.part_packets(), decoded):
            shown = round(self.shown / packet.time_base)
            if packet.pts == last:
                packet.duration = shown
            if dts == decoded[-1 - delay] and kind not in ("matroska", "webm"):  # ends .mp4
                packet.duration = last - step * delay + shown - dts
            shift = round(began / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, dts - shift
            packet.stream = stream
            yield packet

    def part_packets(self):
        "Yield the packets of all parts."
        for path in self.files:
            with self.av.open(local(path)) as part:
                yield from (packet for packet in part.demux(video=0) if packet.size)


def of_the_disk(error) -> bool:
    return getattr(error, "errno", 0) in DISK_ERRORS


def ticks(time, unit):
    "The last time stamp that is not after `time`, but for what rounding made of it."
    return math.floor(time / unit + Fraction(1, 100))


def parts_folder(out):
    "Folder of an unfinished video."
    return out.with_name(hidden_name(out.name, ".parts"))


def check_video_format(out: Path, force: bool, resume: bool) -> None:
    "Check that no video, finished or interrupted, is overwritten without `force` or `resume`."
    first = next(iter(numbered_files(out).values()), out) if is_numbered(out) else out
    if (parts_folder(out) / RECORD).exists():
        if not (force or resume):
            raise FaststyleError(
                f"{out} was interrupted. Continue with --resume or start over with --overwrite."
            )
    else:
        may_write_file(first, force)
