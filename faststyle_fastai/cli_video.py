"The command that repaints films."

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from .cli_stylize import painter, shares_of, side_of
from .errors import clock, progress
from .options import (
    Black,
    Device,
    Force,
    Mask,
    Mix,
    Precision,
    Quiet,
    Stroke,
    Tile,
    TrustPickle,
    wrote,
)


def video(
    source: Annotated[
        str,
        typer.Argument(help="A film, a GIF, or pictures: frames/%04d.png.", metavar="INPUT"),
    ],
    style: Annotated[
        str, typer.Option(help="One that ships, a .safetensors, a run folder, FILE:NAME.")
    ],
    out: Annotated[
        Path,
        typer.Option("-o", "--out", help=".mp4, .mkv, .webm, .mov, .gif, or frames/%04d.png."),
    ],
    strength: Annotated[float, typer.Option(min=0, max=1, help="0 the film, 1 the style.")] = 1.0,
    mix: Mix = None,
    mask: Mask = None,
    black: Black = None,
    tile: Tile = "auto",
    stroke: Stroke = "medium",
    size: Annotated[int | None, typer.Option(min=16, help="Short side, px.")] = None,
    keep_colors: Annotated[bool, typer.Option("--keep-colors", help="The film's colours.")] = False,
    smooth: Annotated[
        bool, typer.Option("--smooth", help="Strokes move along with what they paint: slower.")
    ] = False,
    start: Annotated[float, typer.Option(min=0, help="Where to begin, seconds.")] = 0.0,
    end: Annotated[float | None, typer.Option(min=0, help="Where to end, seconds.")] = None,
    fps: Annotated[
        float | None,
        typer.Option(min=0.1, max=1000, help="Frames a second. Default: the film's own."),
    ] = None,
    crf: Annotated[
        int | None,
        typer.Option(
            min=0, max=63, help="Quality: lower is better and larger. Default: 18, for .webm 31."
        ),
    ] = None,
    codec: Annotated[
        str | None, typer.Option(help="ffmpeg's name; default: libx264, for .webm libvpx-vp9.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what was interrupted.")
    ] = False,
    force: Force = False,
    trust_pickle: TrustPickle = False,
    device: Device = None,
    precision: Precision = "auto",
    quiet: Quiet = False,
):
    "Repaint a film with a trained style; its sound stays as it is."
    from .filmfile import may_write_film
    from .video import paint_video

    may_write_film(out, force, resume)

    paint = painter(style, trust_pickle, device, precision)
    how = {"strength": strength, "size": size, "keep_colors": keep_colors, "smooth": smooth}
    how |= {"mask": mask, "black": black, "tile": side_of(tile), "stroke": stroke}
    how |= {"start": start, "end": end, "fps": fps, "codec": codec, "crf": crf, "resume": resume}
    style = shares_of(mix, paint.named or 0) if mix else paint.named
    wrote(paint_video(paint, source, out, style, **how, watch=None if quiet else Progress()))


class Progress:
    "Frames a second and the time left, on one line; nothing where nobody looks."

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
