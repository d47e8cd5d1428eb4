"""Images of any size, painted in tiles that share the normalization statistics of the whole image.

An output pixel depends on a receptive field of 56 px around it, and on the mean and variance of
each channel at each normalization, which depend on the whole image. Once these statistics are
fixed, tiles that overlap by 56 px give the same result as the whole image (after Chen et al. 2021,
URST).
"""

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from ..core.errors import UsageError, out_of_memory
from ..core.memory import SHARE, fits_in_memory, free_memory
from ..models.normalization import mean_and_variance, pooled
from ..models.transformer import SMALLEST, TransformerNet

__all__ = [
    "chosen_side", "fits_at_once", "fix_statistics", "pixels", "smaller_side", "spread_tiles",
    "tiles",
]  # fmt: skip

HALO = 56  # px, a multiple of 4
COARSEST = 4  # image px per px of the coarsest features; tiles start at multiples of it
SIDES = 256, 512, 1024  # px of tiles when the side is chosen automatically
LARGE, SIDE = 2**24, 1024  # px: images above LARGE are enlarged in parts of SIDE
SAMPLE_SIDE, SAMPLES = 64, 256  # px and number of the sampled tiles
EVEN = 0.7548776662466927, 0.5698402909980532  # multiples cover a square evenly (R2)
NEED = 512  # bytes per pixel to paint in float32; half as many in bfloat16
CHANNELS = 32  # at full size; CUDA's reflection padding counts its values in 32 bits
KEPT = 256  # bytes per pixel kept between two normalizations, in float32


@dataclass(frozen=True)
class Tile:
    "A part of an image: the core is kept, the outer box is painted; left, top, right, bottom."

    core: tuple[int, int, int, int]
    outer: tuple[int, int, int, int]

    def cut(
        self,
        x: Tensor,  # [B, C, h, w], colors or features of the outer box
    ) -> Tensor:
        "Crop to the core. At the right and bottom edge of the image, padding is kept."
        scale = -(-(self.outer[2] - self.outer[0]) // COARSEST) * COARSEST // x.shape[-1]
        across, down = (
            slice((low - outer) // scale, None if high == end else (high - outer) // scale)
            for low, high, outer, end in zip(self.core, self.core[2:], self.outer, self.outer[2:])
        )
        return x[..., down, across]


def tiles(
    size: tuple[int, int],  # width, height
    side: int,  # px of a core, a multiple of 4
) -> list[Tile]:
    "Tiles that cover an image, row by row."
    if not isinstance(side, Integral) or side < COARSEST or side % COARSEST:
        raise UsageError(f"Invalid tile={side}. Use a multiple of {COARSEST} px.")
    found = []
    for top in range(0, size[1], side):
        for left in range(0, size[0], side):
            core = left, top, min(left + side, size[0]), min(top + side, size[1])
            low = max(0, left - HALO), max(0, top - HALO)
            high = min(core[2] + HALO, size[0]), min(core[3] + HALO, size[1])
            found.append(Tile(core, (*low, *high)))
    return found


def spread_tiles(
    size: tuple[int, int],  # width, height
) -> list[Tile]:
    "Up to 256 small tiles spread evenly over an image, or all tiles if they cost no more."
    for side in SIDES:
        if pixels(found := tiles(size, side)) <= SAMPLES * (SAMPLE_SIDE + 2 * HALO) ** 2:
            return found
    found = tiles(size, SAMPLE_SIDE)
    across, down = (-(-n // SAMPLE_SIDE) for n in size)
    spots = ((int(i * EVEN[0] % 1 * across), int(i * EVEN[1] % 1 * down)) for i in range(SAMPLES))
    return [found[y * across + x] for x, y in dict.fromkeys(spots)]


def fix_statistics(
    net: TransformerNet,
    parts: list[Tile],
    begin: Callable[[Tile], tuple],  # returns the arguments of `net`
    at_once: bool,  # advance all tiles together, keeping their features; False: restart each
    watch: Callable[[float], None],  # gets the number of pixels painted so far
) -> Iterator[Tensor]:  # the output of each tile, in order
    "Fix the statistics of each normalization, in turn, to those of its inputs over all tiles."
    stages = net.stages()
    if not at_once:
        for n, stage in enumerate(stages):
            watch(pixels(parts) * n / len(stages))
            fix(stage.norm, (tile.cut(reaching(net, n, *begin(tile))) for tile in parts))
        return (net(*begin(tile)) for tile in parts)
    images, styles = zip(*(begin(tile) for tile in parts))
    features, stylings = map(list, zip(*map(net.prepare, images, styles)))
    skips: list[Tensor | None] = [None] * len(parts)
    for n, stage in enumerate(stages):
        watch(pixels(parts) * n / len(stages))
        for i, y in enumerate(features):
            features[i], skips[i] = stage.convolve(y, skips[i])
        fix(stage.norm, (tile.cut(y) for tile, y in zip(parts, features)))
        for i, y in enumerate(features):
            features[i], skips[i] = stage.normalize(y, skips[i], stylings[i])
    return (net.finish(y, x) for y, x in zip(features, images))


def reaching(net, n, x, style):
    "The features that reach the n-th normalization."
    y, styling = net.prepare(x, style)
    *before, last = net.stages()[: n + 1]
    skip = None
    for stage in before:
        y, skip = stage.normalize(*stage.convolve(y, skip), styling)
    return last.convolve(y, skip)[0]


def fix(norm, parts):
    "Let a normalization use the statistics over all parts."
    sizes, found = zip(*((x[0, 0].numel(), mean_and_variance(x)) for x in parts))
    values = pooled(sizes, torch.stack(found)).float().to(norm.weight.device)
    norm.statistics = lambda x: values


def chosen_side(
    photo: tuple[int, int],  # width and height of the photo
    size: tuple[int, int],  # width and height to paint at
    tile: Any,  # see PaintOptions
    device: torch.device,
) -> int | None:  # px; None: paint without tiles
    "The side of the tiles that an image is painted in."
    if tile == "auto":
        if math.prod(photo) > LARGE > math.prod(size):
            return SIDE
        if tile := tile_side(size, device):
            warnings.warn(
                f"{size[0]}x{size[1]} px is painted in tiles of {tile} px because it does "
                "not fit in the free memory.",
                stacklevel=4,
            )
    return tile if tile and len(tiles(size, tile)) > 1 and min(size) >= SMALLEST else None


def tile_side(
    size: tuple[int, int],  # width, height
    device: torch.device,
) -> int | None:  # px; None: no tiles needed
    "The tile side that fits in the free memory, or in what the device can address."
    pixels = size[0] * size[1]
    countable = device.type == "cpu" or pixels * CHANNELS < 2**31
    if countable and fits_in_memory(pixels * NEED, device):
        return None
    side = int((SHARE * free_memory(device) / NEED) ** 0.5) - 2 * HALO
    return min(max(side, SIDES[0]), SIDES[-1]) // COARSEST * COARSEST


def smaller_side(
    tiled: bool,  # whether the network can paint in tiles
    side: int | None,  # px of the tiles before; None: the whole image at once
    error: Exception,
) -> int:  # px
    "The side of tiles to try after running out of memory. Raises `error` if it is another one."
    if not (tiled and out_of_memory(error)) or (side and side <= SIDES[0]):
        raise error
    side = max(SIDES[0], side // (2 * COARSEST) * COARSEST) if side else SIDES[-1]
    warnings.warn(f"Out of memory. The image is painted in tiles of {side} px.", stacklevel=3)
    return side


def fits_at_once(parts: list[Tile], device: torch.device) -> bool:
    "Whether the features of all tiles fit in the free memory between two normalizations."
    return fits_in_memory(pixels(parts) * KEPT, device)


def pixels(parts):
    "Number of pixels painted for tiles, with their surroundings."
    outers = (tile.outer for tile in parts)
    return sum((right - left) * (low - top) for left, top, right, low in outers)
