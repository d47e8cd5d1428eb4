"What an optimized image is compared with: the photo and the paintings, at each size."

import warnings
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from fastcore.basics import groupby
from PIL import Image
from torch import Tensor, nn

from ..core.devices import autocast_dtype, computing
from ..core.errors import UsageError
from ..images.sizes import resized_tensor, shrink
from ..perceptual.backbones import perceptual_backbone, reachable, spread
from ..perceptual.neighbors import Match, Neighbors
from ..perceptual.term import Comparison
from ..perceptual.terms import make_terms, photo_layers
from .paintings import Paintings
from .pixel_recipes import Optimization

__all__ = ["Objective"]


class Objective:
    """The terms of a plan for a photo and paintings.

    Some match places of the image with those of paintings. What they found is part of the state of
    an optimization.
    """

    def __init__(
        self,
        photo: Image.Image,
        paintings: Paintings,
        plan: Optimization,
        weights: str | Path | None,  # of the backbone
        devices: list[torch.device],
        precision: str,  # of the backbone, see devices.autocast_dtype
        seed: int,
    ):
        self.photo, self.paintings, self.device = photo, paintings, devices[0]
        dtype = autocast_dtype(self.device, precision)
        self.dtype = None if dtype == torch.float16 else dtype  # small gradients would vanish
        if precision == "float16":
            warnings.warn("Optimizing in float32: float16 loses small gradients.", stacklevel=3)
        terms = make_terms(plan.loss)
        if not terms:
            raise UsageError("No term of the loss has a weight: there is nothing to optimize.")
        self.terms = nn.ModuleDict(terms).to(self.device)
        self.style: Any = terms.get("style")
        self.matching = {name: term for name, term in terms.items() if isinstance(term, Neighbors)}
        self.matches: dict[str, dict[str, Match]] = {}  # by term and part
        self.seed = seed
        backbone = perceptual_backbone(
            plan.backbone, weights, pooling=plan.pooling, padding=plan.padding
        )
        self.layers = reachable(backbone, [k for term in terms.values() for k in term.layers])
        self.backbone = spread(backbone, devices)

    def features(self, x: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
        "The backbone's features of `x` at layers, some computed from a smaller copy."
        features: dict[str, Tensor] = {}
        for scale in {self.layers[name][1] for name in names}:
            layers = {name: self.layers[name][0] for name in names if self.layers[name][1] == scale}
            with computing(self.device, self.dtype):
                output = self.backbone(shrink(x, scale), list(set(layers.values())))
            # Those of a second GPU come back: what compares layers needs them on one.
            features |= {name: output[layer].to(self.device) for name, layer in layers.items()}
        return features

    def at(
        self,
        size: int,  # px of the longer side
        shape: tuple[int, int],  # height and width
    ) -> tuple[Callable, Callable]:
        """The loss of images of a size by term, and what matches their places again.

        The targets are computed once.
        """
        photo = resized_tensor(self.photo, shape[::-1]).to(self.device)
        layers = [*self.layers]
        found = self.paintings.regions(shape)
        regions = [mask if mask is None else mask.to(self.device) for mask, _ in found]
        with torch.no_grad():
            targets = self.features(photo, photo_layers(self.terms))
            scales = self.style.scales if self.style else ()
            style = {scale: [self._blend(size, scale, on) for _, on in found] for scale in scales}
            places = self._places(size, [works for _, works in found])

        def errors(x):
            full = self.features(x, layers)

            def features(scale):
                return full if scale == 1 else self.features(shrink(x, scale), self.style.layers)

            seen = Comparison(x, photo, features, lambda: targets, regions, style.get, self.matches)
            return {name: term(seen).sum() for name, term in self.terms.items()}

        @torch.no_grad()
        def rematch(x, at):
            features = self.features(x, layers) if self.matching else {}
            random = torch.Generator().manual_seed(self.seed + at[0] * 2**16 + at[1])
            for name, term in self.matching.items():
                keys = [*zip(regions, places[name])]
                self.matches[name] = term.find(features, targets, shape, keys, random)

        return errors, rematch

    def state_dict(self) -> dict[str, Any]:
        "The matches, as plain values and tensors."
        return {
            term: {part: asdict(found) for part, found in parts.items()}
            for term, parts in self.matches.items()
        }

    def load_state_dict(self, state: dict) -> None:
        def moved(x):
            return x.to(self.device) if isinstance(x, Tensor) else x

        self.matches = {
            term: {k: Match(**{n: moved(x) for n, x in each.items()}) for k, each in parts.items()}
            for term, parts in state.items()
        }

    def _blend(self, size, scale, works):
        "The style targets of a blend of paintings, given as pairs of an index and a share."
        style = self.style
        blend = dict.fromkeys(style.layers, 0.0)
        for i, share in works:
            painting = self.paintings.tensor(i, size).to(self.device)
            features = self.features(shrink(painting, scale), style.layers)
            for layer, statistics in style.of_painting(features).items():
                blend[layer] = blend[layer] + share * statistics
        return style.targets(blend)

    def _places(self, size, regions):
        "The places of the paintings, by term and region, given as (work, share) pairs of each."
        if not self.matching:
            return {}
        names = [name for term in self.matching.values() for name in term.layers]
        seen = {}
        for i in {i for works in regions for i, share in works if share}:
            x = self.paintings.tensor(i, size).to(self.device)
            seen[i] = self.features(x, names), x.shape[-2:]
        styles = [self._by_style(works, seen) for works in regions]
        random = torch.Generator().manual_seed(self.seed)
        return {
            k: [term.keys(each, random) for each in styles] for k, term in self.matching.items()
        }

    def _by_style(self, works, seen):
        "The share of each style, and the features of its works."
        used = [work for work in works if work[1]]
        styles = groupby(used, lambda work: self.paintings.style_of[work[0]]).values()
        return [(sum(s for _, s in each), [seen[i] for i, _ in each]) for each in styles]

    def check_size(
        self,
        size: int,  # px of the longer side
        shape: tuple[int, int],  # width and height of the photo
    ) -> None:
        "Check that a size is large enough for the deepest layers."
        needs = {k: round(self.backbone.smallest(name) / s) for k, (name, s) in self.layers.items()}
        if self.style:  # some see a smaller copy
            needs |= {k: round(needs[k] / min(self.style.scales)) for k in self.style.layers}
        works = [self.paintings.shape(i, size) for i in range(len(self.paintings.works))]
        terms = filter(None, (self.style, *self.matching.values()))
        seen = [layer for term in terms for layer in term.layers]
        images = [("", shape, [*needs])] + [("A painting of ", each, seen) for each in works]
        for prefix, (width, height), layers in images:
            layer = max(layers, key=lambda k: needs[k], default=None)
            if layer and min(width, height) < needs[layer]:
                raise ValueError(
                    f"{prefix}{width}x{height} px is too small for {layer}: its shorter side needs "
                    f"{needs[layer]} px. Raise min_scale= or end_scale="
                    f"{', or use a larger one' * bool(prefix)}."
                )
