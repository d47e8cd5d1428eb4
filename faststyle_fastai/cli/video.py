"The command that repaints videos."

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..core.terminal import clock, progress
from ..inference.options import PaintOptions
from .checks import check_video
from .loading import load_stylizer, name_first, names_in, shares_of, side_of
from .options import (
    Device,
    Force,
    Mix,
    Precision,
    Quiet,
    Style,
    TrustPickle,
    print_outputs,
    takes_paint_options,
)


@takes_paint_options("size", "exact")
def video(
    source: Annotated[
        str,
        typer.Argument(
            help="Video, GIF, or numbered images such as frames/%04d.png.",
            metavar="INPUT",
            callback=check_video,
        ),
    ],
    style: Style,
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Output file (.mp4, .mkv, .webm, .mov or .gif), or numbered images such as "
            "frames/%04d.png.",
        ),
    ],
    options: PaintOptions,
    mix: Mix = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=16, metavar="PX", help="Short side of the output in px. Default: the video's own."
        ),
    ] = None,
    smooth: Annotated[
        bool,
        typer.Option(
            "--temporal-smoothing", help="Make the brush strokes follow the motion. Slower."
        ),
    ] = False,
    start: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Start time in seconds.")
    ] = 0.0,
    end: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="End time in seconds.")
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER", min=0.1, max=1000, help="Frames per second. Default: the video's own."
        ),
    ] = None,
    crf: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=63,
            help="Quality. Lower values look better and make larger files. Default: 18, or 31 for "
            ".webm.",
        ),
    ] = None,
    codec: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Codec as ffmpeg names it. Default: libx264, or libvpx-vp9 for .webm.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted video.")] = False,
    force: Force = False,
    trust_pickle: TrustPickle = False,
    device: Device = None,
    precision: Precision = "auto",
    quiet: Quiet = False,
):
    "Repaint a video in a style and keep its sound."
    from ..video.stylize import paint_video
    from ..video.writer import check_video_format

    check_video_format(out, force, resume)

    also = names_in(mix, options.black)
    paint = load_stylizer(style, trust_pickle, device, precision, also, quiet)
    if not mix:
        name_first(paint, style)
    style = shares_of(mix, paint.named or 0) if mix else paint.named
    how = vars(replace(options, style=style, tile=side_of(options.tile))) | {"size": size}
    how |= {"start": start, "end": end, "fps": fps, "codec": codec, "crf": crf, "resume": resume}
    watch = None if quiet else Progress()
    print_outputs(paint_video(paint, source, out, **how, smooth=smooth, watch=watch))


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
        progress(line, not total or reached >= total)
