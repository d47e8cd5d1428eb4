"The command that repaints pictures."

import math
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from .errors import FaststyleError, clock, one_line, progress
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

TOGETHER, SHAPES = 2**22, 4  # pixels of a group at the most; groups that wait for more
READ_AHEAD = 2**24  # pixels; larger pictures are read when it is their turn, for want of memory


def stylize(
    inputs: Annotated[
        list[str],
        typer.Argument(help="Pictures, folders, globs, http(s) addresses.", metavar="INPUT…"),
    ],
    style: Annotated[
        str, typer.Option(help="One that ships, a .safetensors, a run folder, FILE:NAME.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="A picture, or a folder for several.")],
    strength: Annotated[float, typer.Option(min=0, max=1, help="0 the photo, 1 the style.")] = 1.0,
    mix: Mix = None,
    mask: Mask = None,
    black: Black = None,
    stroke: Stroke = "medium",
    size: Annotated[
        int | None, typer.Option(min=8, help="Short side to paint at, px, in place of --stroke.")
    ] = None,
    keep_colors: Annotated[
        bool, typer.Option("--keep-colors", help="The photo's colours.")
    ] = False,
    tile: Tile = "auto",
    exact: Annotated[
        bool, typer.Option("--exact", help="Tiles as the whole picture would be: slower.")
    ] = False,
    depth: Annotated[int, typer.Option(help="Bits of a colour: 8, or 16 (.png, .tif).")] = 8,
    batch_size: Annotated[
        int, typer.Option("--batch-size", "--bs", min=1, help="Pictures of one size at a time.")
    ] = 1,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave out what is there already.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="An input may be written over.")] = False,
    megapixels: Annotated[
        float, typer.Option("--max-megapixels", min=0.001, help="Refuse larger pictures.")
    ] = 179,
    trust_pickle: TrustPickle = False,
    device: Device = None,
    precision: Precision = "auto",
    quiet: Quiet = False,
):
    "Repaint pictures with a trained style."
    if black and not mask:
        raise typer.BadParameter("--black is the style of what a --mask leaves: give both.")
    from .download import is_address
    from .folders import targets_for
    from .images import exif_of, limit_pixels, read_tensor, save_picture, size_of
    from .pipeline import overlapped

    tiled = {"tile": side_of(tile, depth), "exact": exact}
    if batch_size > 1 and (exact or isinstance(tiled["tile"], int)):
        raise FaststyleError("pictures in tiles are painted one at a time: no --batch-size.")
    tiled["watch"] = None if quiet or not sys.stderr.isatty() else tiles_done
    limit_pixels(megapixels)
    jobs = targets_for(inputs, out, depth, force)
    if skip_existing:
        jobs = [(source, target) for source, target in jobs if not target.exists()]
    if depth == 16 and precision == "auto":
        precision = "float32"
    paint, failed = painter(style, trust_pickle, device, precision), []

    from .finish import read_mask

    styles = shares_of(mix, paint.named or 0) if mix else None
    for asked in (styles, black):  # a wrong name or mask is one error, not one a picture
        paint.rows(asked)
    mask = mask and read_mask(mask)
    how, written = (styles, strength, size, keep_colors, mask, black), []

    def pictures():
        for source, target in jobs:
            try:
                large = not is_address(source) and math.prod(size_of(source)) > READ_AHEAD
                yield source, target, source if large else read_tensor(source)
            except Exception as error:  # this one's; raised when it is its turn
                yield source, target, error

    def repaint(items):
        *_, picture = items[0]
        if isinstance(picture, Exception):
            raise picture
        if len(items) == 1:
            return [paint(picture, *how, tensor=depth == 16, stroke=stroke, **tiled)]
        from torch import cat

        batch = cat([picture for *_, picture in items])
        return paint(batch, *how, tensor=True, tile=None, stroke=stroke).split(1)

    def write(items, painted):
        "The error of each, or None."
        errors = []
        for (source, target, _), result in zip(items, painted):
            try:
                written.append(save_picture(result, target, depth, exif_of(source)))
                errors.append(None)
            except Exception as error:
                errors.append(error)
        return errors

    began, i = time.monotonic(), 0
    try:
        with closing(overlapped(alike(pictures(), batch_size), repaint, write)) as done:
            for items, result in done:
                whole = result.exception()  # theirs: the others are painted
                errors = [whole] * len(items) if whole else result.result()
                for (source, target, _), error in zip(items, errors):
                    i += 1
                    if error and len(jobs) == 1:
                        raise error
                    if error:
                        failed.append(str(source))
                        print(f"error: {one_line(error)}", file=sys.stderr)
                        continue
                    if not quiet and len(jobs) > 1:
                        left = (time.monotonic() - began) / i * (len(jobs) - i)
                        print(f"{i}/{len(jobs)} {source}  {clock(left)} left", file=sys.stderr)
                    wrote(target)
    except KeyboardInterrupt:
        raise FaststyleError(f"stopped after {len(written)} of {len(jobs)} pictures.") from None
    if failed:
        raise FaststyleError(f"{len(failed)} of {len(jobs)} pictures failed: {', '.join(failed)}.")


def alike(items, most):
    "Items in groups whose pictures have one shape: so many, and of so many pixels, at the most."
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
        elif len(waiting) > SHAPES:  # or they would fill the memory
            yield waiting.pop(next(iter(waiting)))
    yield from waiting.values()


def tiles_done(done, of):
    "How far a large picture is, on one line."
    progress(f"tile {done} of {of}", done == of)


def painter(style, trust_pickle, device=None, precision="auto"):
    "A Stylizer, of a pickle only when it is trusted."
    from .gallery import find_style

    if find_style(style)[0].suffix == ".pkl" and not trust_pickle:
        raise FaststyleError(f"{style} can run code when loaded: --trust-pickle if it is yours.")
    from .stylizer import Stylizer

    return Stylizer(style, device, precision)


def shares_of(shares, rest):
    "NAME=.3 … as {name: weight}; what is missing to 1 is the style `rest`."
    mix = {}
    for share in shares:
        name, _, weight = share.rpartition("=")
        try:
            mix[name] = mix.get(name, 0) + float(weight)
        except ValueError:
            raise FaststyleError(f"--mix {share}: NAME=WEIGHT, like starry_night=.3.") from None
    left = 1 - sum(mix.values())
    return mix | {rest: mix.get(rest, 0) + left} if left > 1e-6 else mix


def side_of(tile, depth=8):
    "What `Stylizer` takes for --tile."
    from .tiles import tiles

    if tile == "none" or (tile == "auto" and depth == 16):
        return None
    if depth == 16:
        raise FaststyleError("tiles have 8 bits a colour: --depth 16 without --tile.")
    if tile == "auto":
        return tile
    if not tile.isdecimal():
        raise FaststyleError(f"--tile {tile}: auto, none, or px, a multiple of 4.")
    tiles((1, 1), int(tile))  # a wrong one is one error, not one a picture
    return int(tile)


def grid(
    picture: Annotated[str, typer.Argument(help="A photo: a file or an address.", metavar="INPUT")],
    style: Annotated[
        list[str],
        typer.Option(
            metavar="STYLE",
            help="Two styles for a row, four for a square: names of built-in styles, or FILE:NAME "
            "of one file.",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="A picture.")],
    n: Annotated[int, typer.Option("-n", min=2, help="Pictures a side.")] = 5,
    size: Annotated[int | None, typer.Option(min=8, help="Short side to paint at, px.")] = None,
    force: Force = False,
    trust_pickle: TrustPickle = False,
    device: Device = None,
    precision: Precision = "auto",
):
    "Paint one photo in mixtures of two or four styles, from each to each."
    from .gallery import find_style
    from .images import check_format, save_picture

    if check_format(out).exists() and not force:
        raise FaststyleError(f"{out} exists: --force to replace it, or another -o.")
    found = [find_style(name) for name in style]
    if len({file for file, _ in found}) > 1:
        raise FaststyleError("styles of different files cannot be mixed: give styles of one file.")
    paint = painter(style[0], trust_pickle, device, precision)
    from .stylizer import style_grid

    if not paint.styles:
        raise FaststyleError(f"{style[0]} is an autoencoder: it has no styles to mix.")
    names = [name or paint.styles[0] for _, name in found]
    wrote(save_picture(style_grid(paint, picture, names, n, size=size), out))
