"The paintings of an optimization: their shares, regions, sizes and colors."

import math
from functools import cached_property
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ..core.moments import moments
from ..core.values import count
from ..images.masks import read_mask
from ..images.shapes import fitted
from ..images.sizes import resized_tensor
from ..perceptual.wasserstein import toward_palette
from .pixel_recipes import Optimization

__all__ = ["Paintings"]

COLORS = 256  # px of a painting whose colors are measured
LEAST = 16  # px of the short side of a painting, which the deepest layers need


class Paintings:
    "Works of one or several styles. With a mask, the first style is inside and the others outside."

    def __init__(
        self,
        styles: list[list[Image.Image]],  # the works of each
        weights: list[float] | None,  # of the styles; None: equal
        mask: Any,  # as in optimize_style
        plan: Optimization,
    ):
        self.works = [work for works in styles for work in works]
        self.style_of = [i for i, works in enumerate(styles) for _ in works]
        n = len(styles)
        weights = list(weights or [1.0] * n)
        if len(weights) != n or not 0 < sum(weights) < math.inf or min(weights) < 0:
            raise ValueError(
                f"{count(len(weights), 'style weight')} for {count(n, 'painting')}: "
                f"give one each, from 0 and not all 0."
            )
        self.shares = [weights[i] / sum(weights) / len(styles[i]) for i in self.style_of]
        self.first = len(styles[0])  # works of the first style
        self.mask = None if mask is None else read_mask(mask).convert("RGB")
        if mask is not None and not sum(self.shares[self.first :]):
            raise ValueError("A mask needs a second painting with a weight above 0.")
        self.plan = plan

    @cached_property
    def palettes(self) -> list:
        "Mean colors and their covariances, of each work, if they are matched."
        works = self.works if self.plan.palette else []
        return [moments(resized_tensor(x, fitted(x.size, COLORS))) for x in works]

    def shape(
        self,
        i: int,  # index of the work
        size: int,  # px of the photo's longer side
    ) -> tuple[int, int]:
        "Width and height in px of a work beside a photo."
        side, work = self.plan.style_size or round(size * self.plan.style_scale_fac), self.works[i]
        return fitted(work.size, max(side, math.ceil(LEAST * max(work.size) / min(work.size))))

    def tensor(self, i: int, size: int) -> Tensor:  # [1, 3, H, W]
        "A work at its size beside a photo."
        return resized_tensor(self.works[i], self.shape(i, size))

    def regions(
        self,
        shape: tuple[int, int],  # height and width of the image
    ) -> list[tuple[Tensor | None, list[tuple[int, float]]]]:
        "Masks, [1, 1, H, W] or None for the whole image, and (work, share) pairs of each."
        pairs = list(enumerate(self.shares))
        if self.mask is None:
            return [(None, pairs)]
        white = resized_tensor(self.mask, shape[::-1])[:, :1]
        own, rest = 1 / self.first, sum(self.shares[self.first :])
        inside = [(i, own) for i in range(self.first)]
        return [(white, inside), (1 - white, [(i, s / rest) for i, s in pairs[self.first :]])]

    def recolored(
        self,
        x: Tensor,  # [1, 3, H, W], on the CPU
    ) -> Tensor:
        "An image whose colors are moved toward those of the paintings, region by region."
        if not self.plan.palette:
            return x
        regions = []
        for mask, works in self.regions((x.shape[2], x.shape[3])):
            palette = torch.stack([share * self.palettes[i] for i, share in works]).sum(0)
            moved = toward_palette(x, moments(x, mask), palette, self.plan.palette)
            regions.append(moved if mask is None else mask * moved)
        return torch.stack(regions).sum(0)
