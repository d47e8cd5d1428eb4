"""Neighbors: each place of an image and the place of the painting that is most like it.

Statistics of a whole image hold for a photo with the right palette. A place of the photo that must
look like one place of the painting is painted (Kolkin et al. 2022, arXiv 2203.13215).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..core.moments import area
from ..core.values import check_range
from .term import LayerTerm, weighted_sum

__all__ = ["Hypercolumns", "Match", "Neighbors", "columns", "nearest"]

CHUNK = 2048  # places that are compared at once
FLAT = 0.01  # of a feature's mean length: shorter ones are noise in a flat image
CELL = 4  # px, the least side of a hypercolumn's cell


@dataclass(frozen=True)
class Keys:
    "The places of a style's works."

    share: float  # of the image that this style gets, beside the other styles
    values: Tensor  # [M, C]
    unit: Tensor  # [M, C], centered and of length 1


@dataclass(frozen=True)
class Match:
    "Places of an image, and what they should become."

    places: Tensor  # [N], indices
    center: Tensor  # [C], subtracted from an image's features
    targets: Tensor  # [N, C] of length 1
    lengths: Tensor  # [N], of the targets before that
    size: float  # their mean
    shortest: float  # features below this length count less


class Neighbors(LayerTerm):
    """Each place is like its nearest neighbor in the painting, layer by layer (Zhang et al. 2022).

    `find` matches the image so far every few steps; between them the targets stay.
    """

    name, centered = "neighbors", True

    def __init__(
        self,
        layers: dict[str, float] | None = None,  # name -> weight
        weight: float = 1.0,
        places: int = 4096,  # of the image, sampled anew for each match
        keys: int = 8192,  # places of a style, sampled
        contrast: float = 0.5,  # weight of the features' lengths beside their directions
    ):
        super().__init__(layers, weight)
        check_range("places", places, 1)
        check_range("keys", keys, 1)
        self.places, self.most, self.contrast = places, keys, contrast

    def parts(self, features, shape) -> dict[str, tuple[Tensor, tuple]]:
        "Lists of places, and the height and width of their grids."
        return {k: (columns(features[k]), features[k].shape[-2:]) for k in self.layers}

    def keys(
        self,
        styles: list[tuple[float, list]],  # shares, and works: features by layer, and (H, W)
        random: torch.Generator,
    ) -> dict[str, list[Keys]]:
        "The places of paintings that an image may take."
        parts = [(share, [self.parts(*work) for work in works]) for share, works in styles]
        return {
            k: [keys_of([w[k][0] for w in works], s, self.most, random) for s, works in parts]
            for k in parts[0][1][0]
        }

    @torch.no_grad()
    def find(
        self,
        features: dict[str, Tensor],  # of the image so far, layer -> [1, C, h, w]
        photo: dict[str, Tensor],  # of the photo
        shape: tuple[int, int],  # height and width of both
        regions: Sequence,  # pairs of a mask, [1, 1, H, W] or None, and keys
        random: torch.Generator,  # of the CPU
    ) -> dict[str, Match]:
        "Match the places of an image with those of paintings."
        found = {}
        for k, (own, grid) in self.queries(features, photo, shape).items():
            places = sample(len(own), self.places, random).to(own.device)
            queries = own[places].float()
            styles = [  # which of the places are inside each mask
                (None if mask is None else area(mask, grid).flatten()[places] >= 0.5, keys[k])
                for mask, keys in regions
            ]
            dtype = features[next(iter(features))].dtype
            targets, lengths = match(queries, styles, self.centered, dtype)
            center, shortest = queries.mean(0) * self.centered, length(queries)
            size = max(lengths.mean().item(), shortest, 1e-6)
            found[k] = Match(places, center, targets, lengths, size, shortest)
        return found

    def queries(self, features, photo, shape):
        "What is matched: the image itself."
        return self.parts(features, shape)

    def forward(self, seen):
        parts, matches = self.parts(seen.features(1), seen.pred.shape[-2:]), seen.matches[self.name]
        return weighted_sum(
            (
                self.layers.get(k, self.weight),  # of the whole, if it has one part
                distance(own[matches[k].places], matches[k], self.contrast).to(seen.pred.device),
            )
            for k, (own, _) in parts.items()
        )


class Hypercolumns(Neighbors):
    """Each cell is like its nearest neighbor in the painting in all layers at once.

    Cells are matched by the photo's features too, so that the subject stays (Kolkin et al. 2022).
    """

    name, centered = "hypercolumns", False

    def __init__(
        self,
        layers: dict[str, float] | None = None,  # name -> weight, of which only 0 matters
        weight: float = 1.0,
        places: int = 4096,  # at most; cells are 4 px or larger
        keys: int = 8192,  # places of a style, sampled
        contrast: float = 0.5,  # likewise
        likeness: float = 0.75,  # the photo's share in what is matched; the rest is the image
    ):
        super().__init__(layers, 1.0, places, keys, contrast)
        check_range("likeness", likeness, 0, 1)
        self.weight, self.likeness = weight, likeness

    def matters(self):
        return super().matters() and bool(self.weight)

    def parts(self, features, shape):
        return {"all": hypercolumns({k: features[k] for k in self.layers}, shape, self.places)}

    def queries(self, features, photo, shape):
        (own, grid), (first, _) = (self.parts(x, shape)["all"] for x in (features, photo))
        return {"all": (torch.lerp(own, first, self.likeness), grid)}


def columns(
    features: Tensor,  # [1, C, h, w]
) -> Tensor:  # [h * w, C]
    "Features as a list of places."
    return features[0].flatten(1).T


def hypercolumns(
    features: dict[str, Tensor],  # layer -> [1, C, h, w]
    shape: tuple[int, int],  # height and width of the image
    most: int,  # places; cells are 4 px, or larger in larger images
) -> tuple[Tensor, tuple[int, int]]:  # [n * m, sum of C], and n, m
    "All layers of each cell of an image, each divided by its number of channels."
    cell = max(CELL, math.sqrt(math.prod(shape) / most))
    grid = max(1, int(shape[0] / cell)), max(1, int(shape[1] / cell))
    return columns(layered(features, grid)), grid


def layered(
    features: dict[str, Tensor],  # layer -> [B, C, h, w]
    grid: tuple[int, int],  # n, m
) -> Tensor:  # [B, sum of C, n, m]
    "All layers at one size, each divided by its number of channels."
    return torch.cat([_resized(x, grid).float() / x.shape[1] for x in features.values()], 1)


def _resized(x, grid):
    if x.shape[2] > grid[0]:
        return area(x, grid)
    return F.interpolate(x, grid, mode="bilinear", align_corners=False)


def unit(x, shortest=1e-6):
    return F.normalize(x.float(), dim=1, eps=max(float(shortest), 1e-6))


def length(x):
    return FLAT * x.float().norm(dim=1).mean().item()


def keys_of(
    works: list[Tensor],  # [M, C] each, places of works of one style
    share: float,
    most: int,  # places
    random: torch.Generator,  # of the CPU
) -> Keys:
    "A sample of the places of a style."
    values = torch.cat(works).float()
    values = values[sample(len(values), most, random).to(values.device)]
    return Keys(share, values, unit(values - values.mean(0), length(values)))


def sample(n, most, random):
    "Indices of at most `most` of `n` places."
    return torch.randperm(n, generator=random)[:most] if n > most else torch.arange(n)


def nearest(
    queries: Tensor,  # [N, C] of length 1
    keys: Tensor,  # [M, C] of length 1
    dtype: torch.dtype | None = None,  # to multiply in; None: float32
) -> tuple[Tensor, Tensor]:  # [N] cosines, and [N] indices of keys
    "The key with the largest cosine for each query, in bounded memory."
    keys = keys.to(dtype or torch.float32)
    found = [(each.to(keys.dtype) @ keys.T).max(1) for each in queries.split(CHUNK)]
    return torch.cat([x.values for x in found]).float(), torch.cat([x.indices for x in found])


def match(
    queries: Tensor,  # [N, C]
    regions: Sequence[tuple[Tensor | None, list[Keys]]],  # [N], whether a place is inside
    centered: bool,  # the targets, otherwise features as they are
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor]:  # [N, C] of length 1, and [N] their lengths before that
    """For each query the nearest place of its region's styles by centered cosine.

    Each style gets its share of a region, where it is nearer than the others.
    """
    center, shortest = queries.mean(0), length(queries)
    targets = torch.zeros_like(queries, dtype=torch.float32)
    for inside, styles in regions:
        where = slice(None) if inside is None else inside.nonzero()[:, 0]
        asked = unit(queries[where] - center, shortest)
        found = [nearest(asked, style.unit, dtype) for style in styles]
        values = [x.values - x.values.mean(0) * centered for x in styles]
        near = torch.stack([own[i] for own, (_, i) in zip(values, found)])  # [styles, n, C]
        chosen = divided(torch.stack([x for x, _ in found]), [style.share for style in styles])
        targets[where] = near[chosen, torch.arange(len(asked), device=asked.device)]
    lengths = targets.norm(dim=1)
    return unit(targets), lengths


def divided(similar, shares):
    "The style of each place: [styles, N] cosines -> [N]; each style gets its share of the places."
    chosen = torch.full_like(similar[0], len(shares) - 1, dtype=torch.long)
    left = torch.arange(similar.shape[1], device=similar.device)
    for i, share in enumerate(shares[:-1]):
        n = round(share / sum(shares[i:]) * len(left))
        gain = similar[i, left] - similar[i + 1 :, left].amax(0)
        order = gain.argsort(descending=True, stable=True)
        chosen[left[order[:n]]] = i
        left = left[order[n:]]
    return chosen


def distance(
    found: Tensor,  # [N, C], features at the places of `wanted`
    wanted: Match,
    contrast: float,  # weight of the lengths
) -> Tensor:  # scalar, from 0
    "Mean cosine distance from the targets, and the error of lengths, which cosines don't see."
    x = found.float() - wanted.center
    length = x.norm(dim=1).clamp(min=max(wanted.shortest, 1e-6))
    cosines = (x * wanted.targets).sum(1) / length
    return (1 - cosines + contrast * ((length - wanted.lengths) / wanted.size).square()).mean()
