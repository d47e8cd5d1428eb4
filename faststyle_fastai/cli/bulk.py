"The command that repaints millions of images."

import sys
import time
from contextlib import redirect_stdout
from typing import Annotated, Any

from typer import Argument

from ..core.errors import FaststyleError, Stopped
from ..core.terminal import clock, progress
from ..core.values import count
from . import options
from .options import option

SOURCE = "Folder or bucket of images: a path, s3://… or gs://…."
OUT = "Folder or bucket for the painted images: a path, s3://… or gs://…."
ADDRESS = "Address of a Ray cluster, or auto. Default: this machine only."
WORKERS = "Number of workers. Default: one per core, at most 6 per GPU."
BATCH = "Images that a worker receives at once."


@options.takes(options.paint_options("mask", "black", "tile", "exact"))
def bulk(
    source: Annotated[str, Argument(help=SOURCE, metavar="SRC")],
    out: Annotated[str, Argument(help=OUT, metavar="DST")],
    style: options.Style,
    address: Annotated[str | None, option("ADDRESS", ADDRESS)] = None,
    workers: Annotated[int | None, option("N", WORKERS, "--num-workers", min=1)] = None,
    batch: Annotated[int, option("N", BATCH, "--batch-size", min=1)] = 16,
    force: options.Force = False,
    trust_pickle: options.TrustPickle = False,
    precision: options.Precision = "auto",
    quiet: options.Quiet = False,
    **given: Any,
):
    "Repaint a folder or bucket of images on a Ray cluster. Skips existing outputs."
    from ..bulk.cluster import REPORT, paint_bulk

    try:
        with redirect_stdout(sys.stderr):  # Ray reports dead nodes there
            failed = paint_bulk(
                source, out, style, address=address, workers=workers, batch=batch, force=force,
                precision=precision, watch=None if quiet else Progress(),
                trust_pickle=trust_pickle, **given,
            )  # fmt: skip
    except KeyboardInterrupt:
        raise Stopped("Stopped. Run the same command again to continue.") from None
    options.print_outputs(out)
    if failed:
        first, why = failed[0]
        raise FaststyleError(
            f"{count(len(failed), 'image')} failed, see {out}/{REPORT}. "
            f"The first one: {first}: {why}"
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
        progress(line)
