"What the places of an optimized image should become, found again every few steps."

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from ..perceptual.neighbors import Match, Neighbors

__all__ = ["Matching"]


class Matching:
    "The matches of an optimization. They are part of its state."

    def __init__(
        self,
        terms: dict,  # name -> term, of which those that match count
        seed: int,
        style_of: Sequence[int],  # the style of each work
    ):
        self.terms = {name: term for name, term in terms.items() if isinstance(term, Neighbors)}
        self.seed, self.style_of = seed, style_of
        self.found: dict[str, dict[str, Match]] = {}  # by term and part
        self.regions: dict[str, list] = {}  # term -> masks and keys

    @torch.no_grad()
    def enter(
        self,
        regions: Iterable,  # masks, [1, 1, H, W] or None, and (work, share) pairs
        features: Callable,  # work, layers -> its features by layer, and its height and width
    ) -> None:
        "Collect the places of the paintings at a size."
        random, regions = torch.Generator().manual_seed(self.seed), list(regions)
        names = [name for term in self.terms.values() for name in term.layers]
        used = {i for _, works in regions for i, share in works if share}
        seen = {i: features(i, names) for i in used} if self.terms else {}
        for name, term in self.terms.items():
            styles = [(mask, self._by_style(works, seen)) for mask, works in regions]
            self.regions[name] = [(mask, term.keys(each, random)) for mask, each in styles]

    def _by_style(self, works, seen):
        "The share of each style, and the features of its works."
        styles: dict[int, list] = {}
        for i, share in works:
            if share:
                styles.setdefault(self.style_of[i], []).append((share, seen[i]))
        return [(sum(s for s, _ in each), [x for _, x in each]) for each in styles.values()]

    def renew(
        self,
        features: dict[str, Tensor],  # of the image so far
        photo: dict[str, Tensor],  # of the photo
        shape: tuple[int, int],  # height and width of both
        at: tuple[int, int],  # size and iteration
    ) -> None:
        "Match again."
        random = torch.Generator().manual_seed(self.seed + at[0] * 2**16 + at[1])
        for name, term in self.terms.items():
            self.found[name] = term.find(features, photo, shape, self.regions[name], random)

    def state_dict(self) -> dict[str, Any]:
        return {
            term: {part: asdict(found) for part, found in parts.items()}
            for term, parts in self.found.items()
        }

    def load_state_dict(self, state: dict, device: torch.device) -> None:
        def moved(x):
            return x.to(device) if isinstance(x, Tensor) else x

        self.found = {
            term: {k: Match(**{n: moved(x) for n, x in each.items()}) for k, each in parts.items()}
            for term, parts in state.items()
        }
