"The command that repaints videos."

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, BadParameter, Option

from ..core.errors import FaststyleError, UsageError
from ..core.terminal import clock, progress, tell
from ..images.formats import is_numbered, is_painting
from . import options
from .checks import check_style, check_video
from .loading import load_mixture, named_in, side_of
from .options import option
from .plans import check_neighbors

SOURCE = "Video, GIF, live photo, or numbered images such as frames/%04d.png."
OUT = (
    "Output file (.mp4, .mkv, .webm, .mov, .gif, .webp or .apng), or numbered images such as "
    "frames/%04d.png."
)
STYLE = f"{options.STYLE} Without a style, numbered images show the frames as they are."
SIZE = "Short side of the output in px. Default: the video's own."
SMOOTH = "Make the brush strokes follow the motion. Slower."
REFINE = "First refine the style on three frames for up to this many seconds."
FPS = "Frames per second. Default: the video's own, or 25 for numbered images."
CRF = (
    "Quality. Lower values look better and make larger files. Default: 18, or 31 for .webm; with "
    "another --codec, its own."
)
LOOP = "boomerang: play forward, then backward, without sound. A GIF repeats it."
CODEC = "Codec as ffmpeg names it. Default: libx264, or libvpx-vp9 for .webm."


@options.takes(options.paint_options("size", "strokes", "exact"))
def video(
    source: Annotated[str, Argument(help=SOURCE, metavar="INPUT", callback=check_video)],
    out: Annotated[Path, option("FILE", OUT, "-o", "--output")],
    style: Annotated[str | None, option("STYLE", STYLE, callback=check_style)] = None,
    arch: options.SightArch = None,
    mix: options.Mix = None,
    size: Annotated[int | None, option("PX", SIZE, min=16)] = None,
    smooth: Annotated[bool, Option("--temporal-smoothing", help=SMOOTH)] = False,
    painterly: options.Painterly = False,
    refine: Annotated[float, option("SECONDS", REFINE, min=0)] = 0.0,
    painting: options.Painting = None,
    start: Annotated[float, option("SECONDS", "Start time in seconds.", min=0)] = 0.0,
    end: Annotated[float | None, option("SECONDS", "End time in seconds.", min=0)] = None,
    fps: Annotated[float | None, option("NUMBER", FPS, min=0.1, max=1000)] = None,
    crf: Annotated[int | None, option("N", CRF, min=0, max=63)] = None,
    loop: Annotated[str | None, option("NAME", LOOP)] = None,
    sound: Annotated[bool, Option("--sound/--no-sound", help="Keep the sound.")] = True,
    codec: Annotated[str | None, option("NAME", CODEC)] = None,
    resume: Annotated[bool, Option("--resume", help="Resume an interrupted video.")] = False,
    force: options.Force = False,
    trust_pickle: options.TrustPickle = False,
    device: options.Device = None,
    precision: options.Precision = "auto",
    quiet: options.Quiet = False,
    **given: Any,
):
    "Repaint a video in a style and keep its sound."
    from ..inference.builtin import film_style
    from ..video.stylize import paint_video
    from ..video.writer import check_video_format

    settings = options.painting(given)
    check_video_format(out, force, resume)
    if style is None:
        used = arch, mix, smooth, painterly, refine, painting, loop, codec, resume
        if any(used) or crf is not None or not sound or settings != options.painting({}):
            raise BadParameter("Without --style, only --size, --start, --end and --fps count.")
        return write_as_is(source, out, size, start, end, fps)
    if refine and (mix or settings.black):
        raise UsageError("--refine takes one style: remove --mix and --background-style.")
    hushed = quiet or painterly or refine > 0  # the hint to refine
    if not painterly and not any(is_painting(name) for name in named_in(mix, settings.black)):
        style = film_style(style)  # paintings need the network that reads them
    paint, styles = load_mixture(
        style, mix, settings.black, trust_pickle=trust_pickle, device=device,
        precision=precision, quiet=hushed, arch=arch,
    )  # fmt: skip
    check_neighbors(refine, painterly, paint.at_sight, None, painting)
    if refine and not quiet:
        tell(f"Refining on three frames for {refine:g} s.")
    arguments = vars(replace(settings, style=styles, tile=side_of(settings.tile))) | {"size": size}
    paint_video(
        paint, source, out, **arguments, smooth=smooth, painterly=painterly, sound=sound,
        start=start, end=end, fps=fps, codec=codec, crf=crf, resume=resume, refine=refine,
        painting=painting, loop=loop, watch=None if quiet else Progress(),
    )  # fmt: skip
    options.print_outputs(out)


def write_as_is(source, out, *how):
    "Write the frames of a video as numbered images."
    from ..video.image_writers import write_frames

    if not is_numbered(out):
        raise BadParameter("Give a --style. Only numbered images show frames as they are.")
    if not write_frames(source, out, *how):
        raise FaststyleError(f"{source} has no frames in the requested time range.")
    options.print_outputs(out)


class Progress:
    "Print frames per second and the time left on one line; silent outside a terminal."

    def __init__(self):
        self.n, self.began, self.first = 0, time.monotonic(), None

    def __call__(self, reached, total):
        self.n, took = self.n + 1, time.monotonic() - self.began
        self.first = reached if self.first is None else self.first
        if not sys.stderr.isatty() or self.n < 2:
            return
        line = f"{clock(reached)}  {self.n / took:.1f} frames/s"
        if total and reached > self.first:
            left = took / (reached - self.first) * (total - reached)
            line += f"  {clock(max(0, left))} left"
        progress(line)
