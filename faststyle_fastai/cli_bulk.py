"The command that repaints millions of pictures."

import sys
import time
from contextlib import redirect_stdout
from typing import Annotated

import typer

from .errors import FaststyleError, clock, progress
from .options import Force, Precision, Quiet, Stroke, wrote


def bulk(
    source: Annotated[str, typer.Argument(help="A folder, s3://…, gs://….", metavar="SRC")],
    out: Annotated[str, typer.Argument(help="Likewise, for the results.", metavar="DST")],
    style: Annotated[
        str, typer.Option(help="One that ships, a .safetensors, a run folder, FILE:NAME.")
    ],
    strength: Annotated[float, typer.Option(min=0, max=1, help="0 the photo, 1 the style.")] = 1.0,
    stroke: Stroke = "medium",
    size: Annotated[
        int | None, typer.Option(min=8, help="Short side to paint at, px, in place of --stroke.")
    ] = None,
    keep_colors: Annotated[
        bool, typer.Option("--keep-colors", help="The photo's colours.")
    ] = False,
    address: Annotated[
        str | None, typer.Option(help="Of a Ray cluster, or auto; default: this machine alone.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Default: one a core, or one a GPU.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures a worker is given at once.")] = 16,
    force: Force = False,
    precision: Precision = "auto",
    quiet: Quiet = False,
):
    "Repaint all pictures of a folder or a bucket on a Ray cluster; what is there is left out."
    from .bulk import REPORT, paint_bulk

    how = {"strength": strength, "size": size, "keep_colors": keep_colors, "address": address}
    how |= {
        "workers": workers,
        "batch": batch,
        "force": force,
        "precision": precision,
        "stroke": stroke,
    }
    try:
        with redirect_stdout(sys.stderr):  # Ray tells there of nodes that die
            failed = paint_bulk(source, out, style, **how, watch=None if quiet else Progress())
    except KeyboardInterrupt:
        raise FaststyleError("stopped; the same command goes on.") from None
    wrote(out)
    if failed:
        first, why = failed[0]
        raise FaststyleError(
            f"{len(failed)} pictures failed, of which {out}/{REPORT} says why; {first}: {why}"
        )


class Progress:
    "How many, how fast and the time left: one line, or one now and then where nobody looks."

    def __init__(self):
        self.began = self.shown = time.monotonic()

    def __call__(self, done, failed, of):
        now, tty = time.monotonic(), sys.stderr.isatty()
        if now - self.shown < (0.5 if tty else 10) and done < of:
            return
        self.shown, took = now, now - self.began
        line = f"{done}/{of}  {done / took:.1f} pictures/s  {clock(took / done * (of - done))} left"
        line += f"  {failed} failed" * bool(failed)
        progress(line, done == of)
