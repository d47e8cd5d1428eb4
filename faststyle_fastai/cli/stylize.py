"The commands that repaint images."

import math
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import FaststyleError, format_error
from ..core.terminal import clock, printable, progress
from ..inference.options import PaintOptions
from .checks import check_inputs, check_style
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

TOGETHER, SHAPES = 2**22, 4  # most pixels in a batch; most incomplete batches
READ_AHEAD = 2**24  # pixels; larger images are read only in their turn, to save memory


@takes_paint_options()
def stylize(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Images, folders, glob patterns or http(s) URLs.",
            metavar="INPUT…",
            callback=check_inputs,
        ),
    ],
    style: Style,
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Output file, or a folder for the painted images.",
        ),
    ],
    options: PaintOptions,
    mix: Mix = None,
    depth: Annotated[
        int,
        typer.Option(
            "--bit-depth", metavar="N", help="Bits per color channel: 8, or 16 for .png and .tif."
        ),
    ] = 8,
    batch_size: Annotated[
        int,
        typer.Option(
            "--batch-size", "--bs", metavar="N", min=1, help="Images of the same size per batch."
        ),
    ] = 1,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Skip images that already have an output.")
    ] = False,
    force: Force = False,
    megapixels: Annotated[
        float,
        typer.Option(
            "--max-megapixels", min=0.001, metavar="N", help="Refuse images with more megapixels."
        ),
    ] = 179,
    trust_pickle: TrustPickle = False,
    device: Device = None,
    precision: Precision = "auto",
    quiet: Quiet = False,
):
    "Repaint images in a style, or in that of any painting."
    from ..core.prefetch import map_overlapped
    from ..images.discovery import plan_outputs
    from ..images.files import image_size, limit_pixels, read_exif, read_tensor, save_picture
    from ..images.remote import is_address

    options = replace(options, tile=side_of(options.tile, depth))
    if batch_size > 1 and (options.exact or isinstance(options.tile, int)):
        raise FaststyleError("Tiled images are painted one at a time: remove --batch-size.")
    watch = None if quiet or not sys.stderr.isatty() else show_share
    limit_pixels(megapixels)
    jobs = plan_outputs(inputs, out, depth, force)
    if skip_existing:
        jobs = [(source, target) for source, target in jobs if not target.exists()]
    elif not force and (existing := [target for _, target in jobs if target.exists()]):
        raise FaststyleError(
            f"{existing[0]} exists ({len(existing)} of {len(jobs)} outputs do). Use --overwrite, "
            "--skip-existing, or another -o."
        )
    if depth == 16 and precision == "auto":
        precision = "float32"
    also = names_in(mix, options.black)
    paint = load_stylizer(style, trust_pickle, device, precision, also, quiet)

    from ..images.masks import read_mask

    styles = shares_of(mix, paint.named or 0) if mix else None
    for asked in (styles, options.black):  # report a wrong name or mask once, not per image
        paint.style_weights(asked)
    options = replace(options, style=styles, mask=options.mask and read_mask(options.mask))
    if not mix:
        name_first(paint, style)
    written, failed = [], []

    def pictures():
        for source, target in jobs:
            try:
                large = not is_address(source) and math.prod(image_size(source)) > READ_AHEAD
                yield source, target, source if large else read_tensor(source)
            except MemoryError:  # read again in its turn, in tiles if it must be
                yield source, target, source
            except Exception as error:  # raised in this image's turn
                yield source, target, error

    def repaint(items):
        *_, picture = items[0]
        if isinstance(picture, Exception):
            raise picture
        if len(items) == 1:
            return [paint(picture, **vars(options), tensor=depth == 16, watch=watch)]
        from torch import cat

        batch = cat([picture for *_, picture in items])
        return paint(batch, **vars(replace(options, tile=None)), tensor=True).split(1)

    def write(items, painted):
        "Save the results; return the error of each, or None."
        errors = []
        for (source, target, _), result in zip(items, painted):
            try:
                written.append(save_picture(result, target, depth, read_exif(source)))
                errors.append(None)
            except Exception as error:
                errors.append(error)
        return errors

    began, i = time.monotonic(), 0
    try:
        with closing(map_overlapped(alike(pictures(), batch_size), repaint, write)) as done:
            for items, result in done:
                whole = result.exception()  # fails this batch only
                errors = [whole] * len(items) if whole else result.result()
                for (source, target, _), error in zip(items, errors):
                    i += 1
                    if error and len(jobs) == 1:
                        raise error
                    if error:
                        failed.append(str(source))
                        print(f"error: {format_error(error)}", file=sys.stderr)
                        continue
                    if not quiet and len(jobs) > 1:
                        left = (time.monotonic() - began) / i * (len(jobs) - i)
                        said = f"{i}/{len(jobs)} {source}  {clock(left)} left"
                        print(printable(said), file=sys.stderr)
                    print_outputs(target)
    except KeyboardInterrupt:
        raise FaststyleError(f"Stopped after {len(written)} of {len(jobs)} images.") from None
    if failed:
        raise FaststyleError(f"{len(failed)} of {len(jobs)} images failed: {', '.join(failed)}.")


def alike(items, most):
    "Batch items whose images have the same shape, up to `most` images and TOGETHER pixels."
    waiting = {}  # shape -> items
    for item in items:
        shape = getattr(item[-1], "shape", None)
        room = min(most, TOGETHER // math.prod(shape[-2:])) if shape else 1
        if room < 2:
            yield [item]
            continue
        waiting.setdefault(shape, []).append(item)
        if len(waiting[shape]) == room:
            yield waiting.pop(shape)
        elif len(waiting) > SHAPES:  # to limit memory use
            yield waiting.pop(next(iter(waiting)))
    yield from waiting.values()


def show_share(done: float):
    "Print the painted share of a large image on one line."
    progress(f"painted {done:.0%}", done == 1)


def grid(
    picture: Annotated[str, typer.Argument(help="Photo: a file or a URL.", metavar="INPUT")],
    style: Annotated[
        list[str],
        typer.Option(
            metavar="STYLE",
            help="A built-in style, a painting, or FILE:NAME. Repeat for two styles (a row) or "
            "four (a square). Trained styles must be of one file.",
            callback=check_style,
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Output file.")],
    n: Annotated[int, typer.Option("-n", metavar="N", min=2, help="Images per side.")] = 5,
    size: Annotated[
        int | None, typer.Option(min=8, metavar="PX", help="Short side to paint at in px.")
    ] = None,
    force: Force = False,
    trust_pickle: TrustPickle = False,
    device: Device = None,
    precision: Precision = "auto",
):
    "Paint one photo in a grid of mixtures of two or four styles."
    from ..images.files import check_format, save_picture
    from ..images.formats import is_painting
    from ..inference.builtin import find_style

    if check_format(out).exists() and not force:
        raise FaststyleError(
            f"{out} exists: use --overwrite to overwrite it, or choose another -o."
        )
    names, at_sight = style, any(map(is_painting, style))
    if not at_sight:
        found = [find_style(name) for name in style]
        if len({file for file, _ in found}) > 1:
            raise FaststyleError(
                "Styles of different files cannot be mixed: choose styles of one file."
            )
        names = [name or 0 for _, name in found]
    also = style[1:] if at_sight else ()
    paint = load_stylizer(style[0], trust_pickle, device, precision, also)
    from ..inference.grid import style_grid

    if not paint.styles:
        raise FaststyleError(
            f"{style[0]} is an autoencoder without styles to mix: choose a trained style."
        )
    print_outputs(save_picture(style_grid(paint, picture, names, n, size=size), out))
