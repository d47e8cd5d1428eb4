"The commands that repaint images."

import math
import sys
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from ..core.errors import FaststyleError, Stopped, UsageError, format_error, out_of_memory
from ..core.interrupts import interrupts
from ..core.prefetch import map_batches, map_overlapped
from ..core.terminal import clock, progress, tell
from ..core.values import count
from ..images.remote import is_address
from . import options, plans
from .help import in_options
from .loading import load_mixture, side_of
from .options import option

BATCH_PIXELS, SHAPES = 2**22, 4  # most pixels in a batch; most incomplete batches
READ_AHEAD = 2**24  # pixels; larger images are read only in their turn, to save memory
OUT = "Output file, or a folder for the painted images; - for a pipe (PNG)."
DEPTH = (
    "Bits per color channel: 8, or 16 for .png and .tif. Default: 16 if every photo is a file with "
    "16 in sRGB and every output can store them."
)
REFINE = "Optimize each image itself for up to this many seconds instead of using a network."
SEAMLESS = "Make edges match: sides for panoramas of 360°, all for textures."
PAPER = "Size the output to fit a sheet of paper: A2 to A6, letter, or a size such as 8x10in."
DPI = "Pixels per inch of --print. Default: 300."
BLEED = "Extra margin to trim after printing, such as 3mm, filled by mirroring the edges."
SAVE_MASK = "Also save the mask of the painted area (a folder for several images)."
BATCH_SIZE = "Images of the same size per batch."


@options.takes(options.paint_options())
def stylize(
    inputs: options.Inputs,
    style: options.Style,
    out: Annotated[Path, option("PATH", OUT, "-o", "--output")],
    arch: options.SightArch = None,
    mix: options.Mix = None,
    depth: Annotated[int | None, option("N", DEPTH, "--bit-depth")] = None,
    refine: Annotated[float, option("SECONDS", REFINE, min=0)] = 0.0,
    likeness: options.Likeness = None,
    painterly: options.Painterly = False,
    seamless: Annotated[str | None, option("EDGES", SEAMLESS)] = None,
    painting: options.Painting = None,
    paper: Annotated[Any, option("SIZE", PAPER, "--print", parser=options.paper)] = None,
    dpi: Annotated[float | None, option("N", DPI, min=1)] = None,
    bleed: Annotated[Any, option("LENGTH", BLEED, parser=options.length)] = None,
    save_mask: Annotated[Path | None, option("PATH", SAVE_MASK)] = None,
    batch_size: Annotated[int, option("N", BATCH_SIZE, "--batch-size", "--bs", min=1)] = 1,
    skip_existing: options.SkipExisting = False,
    force: options.Force = False,
    watch: options.Watch = False,
    strip: options.Strip = False,
    megapixels: options.Megapixels = 179,
    trust_pickle: options.TrustPickle = False,
    device: options.Device = None,
    precision: options.Precision = "auto",
    quiet: options.Quiet = False,
    **given: Any,
):
    "Repaint images in a style, or at sight in that of any painting. --refine makes it finer."
    from ..images.files import limit_pixels
    from ..images.masks import read_mask
    from ..inference.sight_painter import with_painting, works_of

    settings = options.painting(given)
    limit_pixels(megapixels)
    paper = plans.print_size(paper, dpi, bleed or 0, megapixels)
    if watch:
        plans.check_watched(inputs, out, save_mask, skip_existing)
    jobs = [] if watch else plans.plan(inputs, out, depth or 8, force, skip_existing, save_mask)
    if not (jobs or watch):
        if not quiet:
            tell("All images are painted already.")
        return
    if settings.strokes and depth == 16:
        raise UsageError("Brush strokes have 8 bits per color channel: remove --bit-depth.")
    depth = depth or (8 if settings.strokes else plans.depth_of(jobs, settings.tile))
    settings = replace(settings, tile=side_of(settings.tile, depth))
    if batch_size > 1 and (settings.exact or isinstance(settings.tile, int)):
        raise UsageError("Tiled images are painted one at a time: remove --batch-size.")
    masks = plans.plan_masks(inputs, save_mask, settings, force or skip_existing, jobs)
    if depth == 16 and precision == "auto":
        precision = "float32"
    # Report a wrong mask or name once, not per image.
    settings = replace(settings, mask=settings.mask and read_mask(settings.mask))
    hushed = quiet or painterly or refine > 0  # the hint to refine
    paint, styles = load_mixture(
        style, mix, settings.black, trust_pickle=trust_pickle, device=device,
        precision=precision, quiet=hushed, arch=arch,
    )  # fmt: skip
    plans.check_seamless(seamless, settings)
    plans.check_neighbors(refine, painterly, paint.at_sight, likeness, painting)
    for name in (styles, settings.black):
        paint.style_weights(name)
    settings = replace(settings, style=styles)
    if painting:
        paint = with_painting(paint, painting, styles)
    if refine or painterly:  # without their paintings, say so once
        works_of(paint, styles)
    more: dict[str, Any] = {"painterly": painterly, "refine": refine, "likeness": likeness}
    more["watch"] = None if quiet or not sys.stderr.isatty() else show_share
    note = None if strip else style_name(paint, styles)
    written: list[Path] = []
    if refine or masks or seamless or settings.area != "all":
        batch_size = 1
    if seamless:
        from ..inference.seamless import seamless as closed  # it paints so that edges meet

        paint = partial(closed, paint, edges=seamless)
    work = partial(repaint, paint, settings, depth, masks, more)
    save = partial(write, written, depth, note, paper)
    rounds = plans.watched(inputs[0], out, depth, force, quiet) if watch else [jobs]
    try:
        failed = paint_all(rounds, work, save, paper, batch_size, quiet, refine)
    except KeyboardInterrupt:
        done = f"{len(written)} of " * (not watch) + count(len(written if watch else jobs), "image")
        hint = " Use --skip-existing to continue." if not watch and len(jobs) > 1 else ""
        raise Stopped(f"Stopped after {done}.{hint}") from None
    if failed:
        raise FaststyleError(f"{len(failed)} of {len(jobs)} images failed: {', '.join(failed)}.")


def paint_all(rounds, work, save, paper, batch_size, quiet, refine) -> list[str]:
    "Paint rounds of jobs, one or those of a watched folder; return what failed."
    failed = []
    once = isinstance(rounds, list)  # else the folder is watched

    def in_turn(items):
        if pressed:  # while the one before was refined, whose strokes so far are kept
            raise KeyboardInterrupt
        return work(items)

    with interrupts(pass_on=True) as pressed:
        for jobs in rounds:
            batches = alike(read_images(jobs, paper), batch_size)
            # In this thread Ctrl-C keeps the strokes so far.
            way = partial(map_batches, n=1) if refine and len(jobs) == 1 else map_overlapped
            with closing(way(batches, in_turn, save)) as results:
                failed += report(results, len(jobs) if once else 0, quiet)
            if pressed and not once:
                raise KeyboardInterrupt
    return failed


def read_images(jobs, paper):
    "Yield sources and targets with an image: a tensor, the source if it is large, or an error."
    from ..images.files import image_size
    from ..images.saving import check_size
    from ..images.sizes import fit_paper
    from ..images.tensors import read_tensor

    for source, target in jobs:
        try:
            size = (0, 0) if paper or is_address(source) else image_size(source)
            large = math.prod(size) > READ_AHEAD
            image = source if large else read_tensor(source)
            image = fit_paper(image, paper) if paper else image
            check_size(target, *(size if large else image.shape[:1:-1]))
            yield source, target, image
        except MemoryError as error:  # read again in its turn, in tiles if it must be
            yield source, target, error if paper else source
        except Exception as error:  # raised in this image's turn
            yield source, target, error


def repaint(paint, settings, depth, masks, more, items):
    "Paint a batch; an image that is refined is alone."
    from torch import cat

    images = [image for *_, image in items]
    if isinstance(images[0], Exception):
        raise images[0]
    if masks or settings.area != "all":
        settings = masked(settings, masks, *items[0])
    if len(images) == 1:
        return [paint(images[0], **vars(settings), tensor=depth == 16, **more)]
    try:
        whole = replace(settings, tile=None)
        return paint(cat(images), **vars(whole), tensor=True, **more).split(1)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
    painted: list[Any] = []
    for item in items:  # one that fails is alone
        try:
            painted += repaint(paint, settings, depth, masks, more, [item])
        except Exception as error:
            painted.append(error.with_traceback(None))  # which holds memory
    return painted


def masked(settings, masks, source, target, image):
    "The options with the mask of what is to be painted of an image. It is saved if it has a file."
    from ..images.saving import save_picture
    from ..inference.people import painted_area

    area = painted_area(image, settings, name=source)
    if source in masks:
        assert area is not None  # see plan_masks
        save_picture(area, masks[source])
    return replace(settings, mask=area, area="all")


def style_name(paint, style):
    "The names of the styles of a mix."
    return " and ".join(n for n, w in zip(paint.styles, paint.style_weights(style)) if w)


def write(written, depth, style, paper, items, painted):
    "Save a batch, listing the files in `written`; return the error of each, or None."
    from ..images.metadata import read_metadata, sign
    from ..images.saving import save_picture

    dpi, bleed = (paper.dpi, paper.bleed) if paper else (0, 0)
    errors: list[Exception | None] = []
    for (source, target, _), result in zip(items, painted):
        try:
            if isinstance(result, Exception):
                raise result
            said = {"dpi": dpi} if style is None else sign(read_metadata(source), style, dpi)
            written.append(save_picture(result, target, depth, bleed=bleed, **said))
            errors.append(None)
        except Exception as error:
            errors.append(error)
    return errors


def report(results, n: int, quiet: bool) -> list[str]:
    "Print the outputs, errors and progress of `n` images, 0 if watched; return what failed."
    began, i, failed = time.monotonic(), 0, []
    for items, result in results:
        whole = result.exception()  # fails this batch only
        errors = [whole] * len(items) if whole else result.result()
        for (source, target, _), error in zip(items, errors):
            i += 1
            if error and n == 1:
                raise error
            if error:
                failed.append(str(source))
                tell(f"error: {in_options(format_error(error))}")
                continue
            if not quiet and n > 1:
                left = clock((time.monotonic() - began) / i * (n - i))
                tell(f"{i}/{n} {source}  {left} left")
            options.print_outputs(target)
    return failed


def alike(items, most):
    "Batch items whose images have the same shape, up to `most` images and BATCH_PIXELS."
    waiting: dict[Any, list] = {}  # shape -> items
    for item in items:
        shape = getattr(item[-1], "shape", None)
        room = min(most, BATCH_PIXELS // math.prod(shape[-2:])) if shape else 1
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
    "Print on one line how much of an image is painted."
    progress(f"painted {done:.0%}")
