"""Pictures of any size: painted in tiles that know the whole picture's statistics.

A pixel of the output depends on 56 px around it, and on the mean and the variance of each channel
at each normalisation, which the whole picture has a part in. With these known, tiles that overlap
by so much are what the whole picture would be (after Chen et al. 2021, URST).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .layers import InstanceNorm, mean_and_variance, pooled, through
from .memory import SHARE, free_memory, has_room
from .transformer import TransformerNet

__all__ = [
    "Tile",
    "fits_at_once",
    "fix_statistics",
    "spread_tiles",
    "statistics",
    "tile_side",
    "tiles",
]

HALO = 56  # px, a multiple of 4
COARSEST = 4  # px of the picture to one of the coarsest features: where tiles begin is a multiple
SIDES = 256, 512, 1024  # px of a tile that is chosen here
SAMPLE_SIDE, SAMPLES = 64, 256  # of tiles that stand for all
EVEN = 0.7548776662466927, 0.5698402909980532  # multiples of these fill a square evenly (R2)
NEED = 512  # bytes a pixel that painting takes in float32; half of it in bfloat16
KEPT = 256  # bytes a pixel between two normalisations, in float32


@dataclass(frozen=True)
class Tile:
    "A part of a picture: what is kept of it, and all that is painted; left, top, right, bottom."

    core: tuple[int, int, int, int]
    outer: tuple[int, int, int, int]

    def cut(
        self,
        x: Tensor,  # [B, C, h, w], colours or features of the outer part
    ) -> Tensor:
        "The core's. At the picture's end that is all there is: features of what was padded too."
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
    "What a picture is painted in, line by line."
    if not isinstance(side, int) or side < COARSEST or side % COARSEST:
        raise ValueError(f"tile={side}: a multiple of {COARSEST} px.")
    found = []
    for top in range(0, size[1], side):
        for left in range(0, size[0], side):
            core = left, top, min(left + side, size[0]), min(top + side, size[1])
            low = (max(0, start - HALO) for start in core[:2])
            high = (min(end + HALO, most) for end, most in zip(core[2:], size))
            found.append(Tile(core, (*low, *high)))
    return found


def spread_tiles(
    size: tuple[int, int],  # width, height
) -> list[Tile]:
    "Some 256 small tiles, evenly over a picture; all of one that takes no more to paint."
    for side in SIDES:
        if pixels(found := tiles(size, side)) <= SAMPLES * (SAMPLE_SIDE + 2 * HALO) ** 2:
            return found
    found = tiles(size, SAMPLE_SIDE)
    across, down = (-(-n // SAMPLE_SIDE) for n in size)
    spots = ((int(i * EVEN[0] % 1 * across), int(i * EVEN[1] % 1 * down)) for i in range(SAMPLES))
    return [found[y * across + x] for x, y in dict.fromkeys(spots)]


def fix_statistics(
    net: TransformerNet,  # that has none yet
    parts: list[Tile],
    begin,  # tile -> its `TransformerNet.steps`
    at_once: bool,  # all tiles go on side by side, their features kept; or each begins anew
) -> Iterator[Tensor]:  # what each tile becomes in the end, one after the other
    "Give each normalisation, in turn, its inputs' statistics over all tiles for its own."
    norms = [module for module in net.modules() if isinstance(module, InstanceNorm)]
    if at_once:
        steps = [begin(tile) for tile in parts]
        waiting = [next(one) for one in steps]
        for norm in norms:
            fix(norm, (tile.cut(inputs[1]) for tile, inputs in zip(parts, waiting)))
            for i, one in enumerate(steps):
                waiting[i] = step(one, *waiting[i])
        return iter(waiting)
    for n, norm in enumerate(norms):
        fix(norm, (tile.cut(reached(begin(tile), n)) for tile in parts))
    return (through(begin(tile)) for tile in parts)


def fix(norm, parts):
    norm.known = statistics(parts).to(norm.weight.device)


def reached(steps, n):
    "What the n-th normalisation is called with, those before it done."
    inputs = next(steps)
    for _ in range(n):
        inputs = step(steps, *inputs)
    return inputs[1]


def step(steps, norm, *inputs):
    "After a normalisation the next one and its inputs, or what comes out in the end."
    try:
        return steps.send(norm(*inputs))
    except StopIteration as end:
        return end.value


def statistics(
    parts: Iterable[Tensor],  # [1, C, h, w] each, one after the other
) -> Tensor:  # [2, C], float32, on the CPU
    "Mean and variance of each channel over all parts."
    sizes, found = zip(*((x[0, 0].numel(), mean_and_variance(x)) for x in parts))
    return pooled(sizes, torch.stack(found)).float()


def tile_side(
    size: tuple[int, int],  # width, height
    device: torch.device,
) -> int | None:  # px; None: the picture may be painted as a whole
    "The side of tiles that the free memory asks for."
    if has_room(size[0] * size[1] * NEED, device):
        return None
    side = int((SHARE * free_memory(device) / NEED) ** 0.5) - 2 * HALO
    return min(max(side, SIDES[0]), SIDES[-1]) // COARSEST * COARSEST


def fits_at_once(
    parts: list[Tile],
    device: torch.device,
) -> bool:
    "Whether the free memory holds the features of all tiles, between two normalisations."
    return has_room(pixels(parts) * KEPT, device)


def pixels(parts):
    "What is painted for tiles, with all that is around them."
    outers = (tile.outer for tile in parts)
    return sum((right - left) * (low - top) for left, top, right, low in outers)
