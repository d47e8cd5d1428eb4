"Loads the styles that a command names."

import sys
import warnings
from shlex import quote
from typing import Any

from ..core.errors import UsageError
from ..core.terminal import tell
from ..images.formats import is_painting
from .checks import mixed


def load_stylizer(
    style, trust_pickle=False, device=None, precision="auto", also=(), quiet=False, arch=None
):
    "Load a Stylizer for a style, and for paintings in `also`; a pickle only if it is trusted."
    from ..inference.stylizer import Stylizer

    named = list(dict.fromkeys([style, *also]))
    if not (paintings := [name for name in named if is_painting(name)]):
        return Stylizer(style, device, precision, trust_pickle, arch)
    paint = Stylizer(named, device, precision, arch=arch)
    if not quiet:
        hint = (
            f"{paintings[0]} is painted at sight. For finer strokes, add --refine 20 to stylize or "
            f"video, or train a network: faststyle train PHOTOS --style "
            f"{quoted(paintings[0])} -o RUN"
        )
        tell(hint)
    return paint


def quoted(name):
    "A name as a shell reads it."
    return f'"{name}"' if sys.platform == "win32" else quote(str(name))


def named_in(mix, black):
    "The styles in --mix and --background-style."
    return [*mixed(mix), black] if black else [*mixed(mix)]


def load_mixture(
    style,
    mix=None,  # of --mix
    black=None,  # of --background-style
    **how,  # of `load_stylizer`
):
    "Load a Stylizer for --style, --mix and --background-style, and the style or mix to paint."
    paint = load_stylizer(style, also=named_in(mix, black), **how)
    shares: dict[Any, float] = mixed(mix)
    left = 1 - sum(shares.values())
    if paint.named is None and len(paint.styles) > 1 and left > 1e-6:
        warnings.warn(
            f"{style} has {len(paint.styles)} styles and none is named. Painting with the first: "
            f"{style}:{paint.styles[0]}.",
            stacklevel=2,
        )
    if shares:
        first = paint.named or 0
        return paint, shares | ({first: shares.get(first, 0) + left} if left > 1e-6 else {})
    return paint, paint.named


def side_of(tile, depth=8):
    "Convert --tile to the `tile` argument of `Stylizer`."
    from ..inference.tiles import tiles

    if tile == "none" or (tile == "auto" and depth == 16):
        return None
    if depth == 16:
        raise UsageError(
            "Tiles are limited to 8 bits per color channel: use --bit-depth 16 without --tile."
        )
    if tile == "auto":
        return tile
    if not tile.isdecimal():
        raise UsageError(f"Invalid --tile {tile}. Use auto, none, or a multiple of 4 px.")
    tiles((1, 1), int(tile))  # report a wrong side once, not per image
    return int(tile)
