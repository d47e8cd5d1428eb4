"Repaints videos frame by frame."

import math
import warnings
from collections.abc import Callable
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from ..core.errors import FaststyleError, Stopped, UsageError, out_of_memory
from ..core.extras import extra
from ..core.interrupts import interrupts
from ..core.locks import alone
from ..core.prefetch import map_batches, map_overlapped
from ..core.values import check_numbers, check_range, with_kinds
from ..images.formats import is_numbered
from ..images.masks import read_mask
from ..images.remote import digest
from ..inference.options import PaintOptions
from ..inference.sight_painter import with_painting
from ..inference.stylizer import Stylizer, stylizer_of
from .codecs import check_encoding
from .fingerprints import content_of, fingerprint, fingerprints
from .frame_painter import FramePainter
from .image_writers import VideoWriter, check_output
from .reader import SLIVER, VideoReader, open_video
from .writer import REFINED, of_the_disk, parts_folder, video_writer

__all__ = ["paint_video"]

GROUP, GROUP_PIXELS = 25, 2**25  # most frames, and pixels, read before painting on a CPU
AT = 0.05, 0.5, 0.95  # of a video: its frames that a style is refined on
STOPPED = "Stopped"


@with_kinds
@alone(folder=False)
def paint_video(
    paint: Any,  # a Stylizer, or what makes one
    source: str | Path,  # a video, a GIF, a live photo or numbered images: frames/%04d.png
    out: str | Path,  # .mp4, .mkv, .webm, others of ffmpeg's, .gif, .webp, .apng, frames/%04d.png
    style: Any = None,  # as in `Stylizer.__call__`
    strength: float = 1.0,
    size: int | None = None,  # px of the short side of `out`; None: as in `source`
    smooth: bool = False,  # brush strokes follow the motion
    painterly: bool = False,  # paint with places of the painting, as photos are; slower
    sound: bool = True,  # keep it
    start: float = 0.0,  # seconds
    end: float | None = None,  # seconds; None: the video's end
    fps: float | None = None,  # frames per second, above 0; None: as in the video
    codec: str | None = None,  # ffmpeg's name; None: H.264, or VP9 for .webm
    crf: int | None = None,  # quality, 0 to 63, lower is better and larger; None: 18, VP9: 31
    resume: bool = False,  # continue an interrupted video
    refine: float = 0.0,  # seconds to refine the style on three frames first
    painting: Any = None,  # of the style, to refine it or for `painterly`
    loop: str | None = None,  # boomerang: forward, then backward, without sound
    watch: Callable[[float, float | None], Any] | None = None,  # called after each frame with the
    # position reached and the end, in seconds of the source (None: unknown)
    **options: Any,  # other fields of PaintOptions; tiles use the statistics of their frame only
) -> Path:  # `out`
    """Repaint a video; its sound and frame times are preserved. Replaces an existing `out`.

    Sound that the file type cannot hold is encoded anew, with a warning. Painted frames are kept
    beside `out` until the video is written, whatever goes wrong.

    On a CPU, groups of up to 25 frames are read, painted and encoded in turn. On a GPU these steps
    overlap. Memory use does not grow with length, but for GIF, WebP and APNG. After a
    KeyboardInterrupt the video can be played
    as far as it got. `resume=True` continues it, also after the process was killed; with
    `painterly`, places are then matched anew.

    Raises `FileNotFoundError` for a missing video, `ValueError` for one that cannot be read, an
    unknown ending or codec, and options out of their range, and `FaststyleError` if there are no
    frames from `start` to `end`, or `out` cannot be written.
    """
    paint = stylizer_of(paint, device=None)
    source, out = str(source), Path(out)
    check_numbers(start=start, end=end, fps=fps)
    check_range("crf", crf, 0, 63)
    check_range("fps", fps, 0.001)
    if loop not in (None, "boomerang") or (loop and is_numbered(out)):
        raise UsageError(f"Invalid loop={loop} for {out}. Use boomerang, and one file.")
    check_output(out, source)
    check_encoding(out, codec, crf, resume)
    paint_options = PaintOptions(style, strength, **options)
    if paint_options.strokes:
        raise UsageError("strokes= is for still images: the strokes of a video would flicker.")
    if paint_options.mask is not None:  # read once for all frames
        paint_options = replace(paint_options, mask=read_mask(paint_options.mask))
    if refine and painterly:
        raise FaststyleError("Refining is for a network. Do not use both refine= and painterly=.")
    settings: dict[str, Any] = {}
    if refine:
        settings["refine"] = [refine, fingerprint(paint, style, strength, paint.at_sight)]
        settings["refine"] += [] if painting is None else [digest(painting)]
        how = {**options, "size": size}
        file = parts_folder(out) / REFINED  # the style of an interrupted video
        kept = Stylizer(file, paint.device, paint.precision) if resume and file.is_file() else None
        paint = kept or refined(paint, source, (start, end, fps), refine, style, painting, **how)
        paint_options = replace(paint_options, style=None)
    elif painting is not None:
        if not painterly:
            raise FaststyleError("painting= needs refine= or painterly=.")
        paint = with_painting(paint, painting, style)
    settings |= {"smooth": smooth, "loop": loop}
    settings |= {"painterly": painterly, "start": start, "fps": fps, "codec": codec, "crf": crf}
    settings |= fingerprints(paint, paint_options, painterly) | {"size": size}
    painted = FramePainter(paint, paint_options, size, smooth, painterly)
    with open_video(source, fps) as reader:
        settings["content"] = content_of(source)
        writer = video_writer(out, reader, settings, codec, crf, resume, sound and not loop)
        if loop and sound and reader.sounds and writer.resumes:
            warnings.warn(f"{out} has no sound, because it also plays backward.", stacklevel=2)
        if refine and writer.resumes:
            with write_errors(writer):
                paint.save(parts_folder(out) / REFINED)
        total = reader.stated_end(end)
        reached, problem = paint_frames(painted, reader, writer, start, end, total, watch)
        keep = problem == STOPPED and writer.resumes
        with write_errors(writer):
            if loop and reached > start and not keep:
                writer.loop()
            written = writer.finish(start, reached if problem else end, keep)
    if problem:
        hint = " Continue with --resume." if keep else ""
        kind = Stopped if problem == STOPPED else FaststyleError
        of = f" of {total:.1f}" if total else ""
        raise kind(f"{problem}: painted up to {reached:.1f}{of} s.{hint}")
    if not written:
        raise FaststyleError(f"{source} has no frames in the requested time range.")
    return out


def refined(paint, source, span, seconds, style, painting, **how) -> Stylizer:
    "The style after some seconds of training on frames of the video."
    photos = three_frames(source, *span)
    with interrupts(pass_on=True) as pressed:
        paint = paint.refined(photos, seconds, style, painting, **how)
    if pressed:  # refining keeps the strokes so far; the video should not begin
        raise KeyboardInterrupt
    return paint


def three_frames(source, start, end, fps) -> list[Image.Image]:
    "Frames of a video to refine on; only the first one if its length is unknown."
    fps = fps if is_numbered(source) else None
    with open_video(source, fps) as reader:
        length = (reader.stated_end(end) or 0) - start
    photos = []
    for share in AT if length > 0 else AT[:1]:
        with open_video(source, fps) as reader:
            frame = next(reader.frames(start + share * max(0, length), end), None)
        if frame is not None:
            photos.append(Image.fromarray(frame.picture))
    if not photos:
        raise FaststyleError(f"{source} has no frames in the requested time range.")
    return photos


def paint_frames(
    painted: FramePainter,
    reader: VideoReader,
    writer: VideoWriter,
    start: float,  # seconds
    end: float | None,
    total: float | None,  # seconds; None: unknown
    watch: Callable[[float, float | None], Any] | None,  # as in `paint_video`
) -> tuple[float, str]:
    "Paint the frames; return the position reached, in seconds, and why the rest is missing."
    av = extra("av", "video")
    reached = start if writer.done is None else float(writer.done)
    try:
        with closing(each_frame(painted, reader, writer, start, end)) as results:
            for _, result in results:
                if result.exception():  # nothing more is written
                    results.close()
                with write_errors(writer):
                    time, is_new = result.result()
                reached = max(reached, time)
                if watch and is_new:
                    watch(reached, total)
    except KeyboardInterrupt:
        return reached, STOPPED
    except av.FFmpegError as error:
        if of_the_disk(error):
            hint = " Continue with --resume." if writer.abandon(error) else ""
            said = f"{reader.source} cannot be read ({error.strerror}).{hint}"
            raise FaststyleError(said) from None
        return reached, f"{reader.source} is damaged ({error.strerror})"
    return reached, f"{reader.source} ends early" if reader.is_cut(reached, total) else ""


def each_frame(
    painted: FramePainter,
    reader: VideoReader,
    writer: VideoWriter,
    start: float,  # seconds
    end: float | None,
):
    """Read, paint and write the frames that are not written yet.

    Some of those that are written are painted again, for what the painter remembers of them. The
    results are the end of each frame, and whether it is new.
    """
    done = writer.done
    if done is not None:
        # A video that is resumed goes on as if it had not stopped.
        seconds = painted.memory((reader.video.height, reader.video.width))
        before = math.ceil(seconds * reader.fps) / reader.fps if reader.fps else seconds
        start = max(start, float(done - before))

    def write(_, frame):
        time = float(frame.time + frame.seconds)
        if done is not None and frame.time <= done + SLIVER:
            writer.shown = frame.seconds
            return time, False
        with interrupts() as pressed:  # so that an encoded frame is always stored
            writer.add(frame)
        if pressed:
            raise KeyboardInterrupt
        return time, True

    frames = reader.frames(start, end)
    if painted.paint.device.type != "cpu":
        return map_overlapped(frames, painted, write)
    n = max(1, min(GROUP, GROUP_PIXELS // (reader.video.width * reader.video.height)))
    return map_batches(frames, painted, write, n)


@contextmanager
def write_errors(writer):
    "Report write errors as one line; what is painted is kept."
    av = extra("av", "video")
    try:
        yield
    except Exception as error:
        kept = writer.abandon(error)
        if not (isinstance(error, (OSError, av.FFmpegError)) or out_of_memory(error)):
            raise
        if out_of_memory(error):
            other = " and --overwrite, or close other programs and use --resume" if kept else ""
            raise FaststyleError(
                f"There is not enough memory to paint {writer.out}. Use --tile or a smaller --size"
                f"{other}."
            ) from None
        hint = " Continue with --resume." if kept else ""
        why = getattr(error, "strerror", None) or error
        raise FaststyleError(f"{writer.out} cannot be written ({why}).{hint}") from None
