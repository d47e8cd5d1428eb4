"""Pictures of any size: painted in tiles that know the whole picture's statistics.

A pixel of the output depends on 56 px around it, and on the mean and the variance of each channel
at each normalisation, which the whole picture has a part in. With these known, tiles that overlap
by so much are what the whole picture would be (after Chen et al. 2021, URST).
"""

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .layers import InstanceNorm, moments

__all__ = ["Moments", "Tile", "tile_side", "tiles", "whole_statistics"]

HALO = 56  # px, a multiple of 4
COARSEST = 4  # px of the picture to one of the coarsest features: where tiles begin is a multiple
SIDES = 256, 1024  # px of a tile that is chosen here
NEED = 640  # bytes a pixel that painting takes
SHARE = 0.5  # of the free memory that may be taken


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
    if side < COARSEST or side % COARSEST:
        raise ValueError(f"tile={side}: a multiple of {COARSEST} px.")
    found = []
    for top in range(0, size[1], side):
        for left in range(0, size[0], side):
            core = left, top, min(left + side, size[0]), min(top + side, size[1])
            low = (max(0, start - HALO) for start in core[:2])
            high = (min(end + HALO, most) for end, most in zip(core[2:], size))
            found.append(Tile(core, (*low, *high)))
    return found


class Moments:
    "Mean and variance of each channel over parts that are added one by one."

    def __init__(self):
        self.n, self.first, self.second = 0, 0.0, 0.0

    def add(
        self,
        x: Tensor,  # [1, C, h, w]
    ):
        mean, variance = (value.double() for value in moments(x))
        n = x[0, 0].numel()
        self.n, self.first = self.n + n, self.first + n * mean
        self.second = self.second + n * (variance + mean.square())

    def result(self) -> Tensor:  # [2, C], float32
        mean = self.first / self.n
        return torch.stack([mean, self.second / self.n - mean.square()]).float()


def whole_statistics(
    net: nn.Module,  # a TransformerNet
    parts: list[Tile],
    paint,  # (tile, known) -> its painted outer part
) -> dict[str, Tensor]:  # InstanceNorm.known of each, by its name
    "Each normalisation's statistics over all tiles, in turn: each needs those before it."
    known = {}
    for name, norm in net.named_modules():
        if isinstance(norm, InstanceNorm):
            found = Moments()
            for tile in parts:
                found.add(tile.cut(input_of(norm, lambda tile=tile: paint(tile, known))))
            known[f"{name}.known"] = found.result()
    return known


class Reached(Exception):
    "What was asked for is there: the rest of the network need not run."


def input_of(
    module: nn.Module,
    run,  # what takes the network there
) -> Tensor:
    "What a module is given."
    seen = []

    def look(_, inputs):
        seen.append(inputs[0])
        raise Reached

    hook = module.register_forward_pre_hook(look)
    try:
        run()
    except Reached:
        pass
    finally:
        hook.remove()
    return seen[0]


def tile_side(
    size: tuple[int, int],  # width, height
    device: torch.device,
) -> int | None:  # px; None: the picture may be painted as a whole
    "The side of tiles that the free memory asks for."
    fits = SHARE * free_memory(device) / NEED  # px
    if size[0] * size[1] <= fits:
        return None
    side = int(fits**0.5) - 2 * HALO
    return min(max(side, SIDES[0]), SIDES[1]) // COARSEST * COARSEST


def free_memory(device: torch.device) -> int:
    "Bytes that a device has left; a guess where a system does not tell."
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    known = Path("/proc/meminfo")
    if known.is_file():
        return 1024 * int(known.read_text().split("MemAvailable:")[1].split()[0])
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 4 << 30
