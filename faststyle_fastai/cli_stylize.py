"The command that repaints pictures."

import math
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from .errors import FaststyleError, clock, one_line, progress
from .options import Device, Quiet, TrustPickle, wrote

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
    mix: Annotated[
        list[str] | None,
        typer.Option(help="NAME=.3, a style to mix in, or several; the rest is --style's."),
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="A gray picture: white is painted, black stays the photo.")
    ] = None,
    black: Annotated[
        str | None, typer.Option(help="NAME of the style where the mask is black.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=8, help="Short side to paint at, px: broader strokes.")
    ] = None,
    keep_colors: Annotated[
        bool, typer.Option("--keep-colors", help="The photo's colours.")
    ] = False,
    grain: Annotated[
        float, typer.Option(min=0, help="Noise that lets flat areas take strokes.")
    ] = 0.02,
    tile: Annotated[
        str, typer.Option(help="Paint in tiles of PX; auto: where the memory asks for it; none.")
    ] = "auto",
    exact: Annotated[
        bool, typer.Option("--exact", help="Tiles as the whole picture would be: slower.")
    ] = False,
    depth: Annotated[int, typer.Option(help="Bits of a colour: 8, or 16 (.png, .tif).")] = 8,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave out what is there already.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="An input may be written over.")] = False,
    megapixels: Annotated[
        float, typer.Option("--max-megapixels", min=0.001, help="Refuse larger pictures.")
    ] = 179,
    trust_pickle: TrustPickle = False,
    device: Device = None,
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
    tiled["watch"] = None if quiet or not sys.stderr.isatty() else tiles_done
    limit_pixels(megapixels)
    jobs = targets_for(inputs, out, depth, force)
    if skip_existing:
        jobs = [(source, target) for source, target in jobs if not target.exists()]
    paint, failed = painter(style, trust_pickle, device, grain, depth == 16), []

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

    def repaint(item):
        *_, picture = item
        if isinstance(picture, Exception):
            raise picture
        return paint(picture, *how, tensor=depth == 16, **tiled)

    def write(item, painted):
        source, target, _ = item
        written.append(save_picture(painted, target, depth, exif_of(source)))

    began = time.monotonic()
    try:
        with closing(overlapped(pictures(), repaint, write)) as done:
            for i, ((source, target, _), result) in enumerate(done, 1):
                if error := result.exception():  # one picture's: the others are painted
                    if len(jobs) == 1:
                        raise error
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


def tiles_done(done, of):
    "How far a large picture is, on one line."
    progress(f"tile {done} of {of}", done == of)


def painter(style, trust_pickle, *args):
    "A Stylizer, of a pickle only when it is trusted."
    from .gallery import find_style

    if find_style(style)[0].suffix == ".pkl" and not trust_pickle:
        raise FaststyleError(f"{style} can run code when loaded: --trust-pickle if it is yours.")
    from .stylizer import Stylizer

    return Stylizer(style, *args)


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


def side_of(tile, depth):
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
