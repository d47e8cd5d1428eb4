"The command that repaints millions of images."

import sys
import time
from contextlib import redirect_stdout
from dataclasses import replace
from typing import Annotated

import typer

from ..core.errors import FaststyleError
from ..core.terminal import clock, progress
from ..inference.options import PaintOptions
from .options import (
    Force,
    Precision,
    Quiet,
    Style,
    TrustPickle,
    print_outputs,
    takes_paint_options,
)


@takes_paint_options("mask", "black", "tile", "exact")
def bulk(
    source: Annotated[
        str,
        typer.Argument(
            help="Folder or bucket of images: a path, s3://… or gs://….",
            metavar="SRC",
        ),
    ],
    out: Annotated[
        str,
        typer.Argument(
            help="Folder or bucket for the painted images: a path, s3://… or gs://….",
            metavar="DST",
        ),
    ],
    style: Style,
    options: PaintOptions,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Address of a Ray cluster, or auto. Default: this machine only."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--num-workers",
            metavar="N",
            min=1,
            help="Number of workers. Default: one per core, at most 6 per GPU.",
        ),
    ] = None,
    batch: Annotated[
        int,
        typer.Option(
            "--batch-size", metavar="N", min=1, help="Images that a worker receives at once."
        ),
    ] = 16,
    force: Force = False,
    trust_pickle: TrustPickle = False,
    precision: Precision = "auto",
    quiet: Quiet = False,
):
    "Repaint a folder or bucket of images on a Ray cluster. Skips existing outputs."
    from ..bulk.cluster import REPORT, paint_bulk

    how = vars(replace(options, style=style)) | {"address": address, "workers": workers}
    how |= {"batch": batch, "force": force, "precision": precision, "trust_pickle": trust_pickle}
    try:
        with redirect_stdout(sys.stderr):  # Ray reports dead nodes there
            failed = paint_bulk(source, out, **how, watch=None if quiet else Progress())
    except KeyboardInterrupt:
        raise FaststyleError("Stopped. Run the same command again to continue.") from None
    print_outputs(out)
    if failed:
        first, why = failed[0]
        raise FaststyleError(
            f"{len(failed)} images failed, see {out}/{REPORT}. The first one: {first}: {why}"
        )


class Progress:
    "Print count, speed and time left: on one line, or every 10 seconds outside a terminal."

    def __init__(self):
        self.began = self.shown = time.monotonic()

    def __call__(self, done, failed, of):
        now, tty = time.monotonic(), sys.stderr.isatty()
        if now - self.shown < (0.5 if tty else 10) and done < of:
            return
        self.shown, took = now, now - self.began
        line = f"{done}/{of}  {done / took:.1f} images/s  {clock(took / done * (of - done))} left"
        line += f"  {failed} failed" * bool(failed)
        progress(line, done == of)
