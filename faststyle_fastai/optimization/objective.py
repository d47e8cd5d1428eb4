"What an optimized image is compared with: the photo and the paintings, at each size."

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from ..core.devices import autocast_dtype, computing
from ..images.sizes import resized_tensor, shrink
from ..perceptual.backbones import perceptual_backbone, reachable, spread
from ..perceptual.term import Comparison
from ..perceptual.terms import make_terms, photo_layers
from .matching import Matching
from .paintings import Paintings
from .pixel_recipes import Optimization

__all__ = ["Objective"]


class Objective:
    "The terms of a plan for a photo and paintings."

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
        terms = make_terms(plan.loss)
        self.terms = nn.ModuleDict(terms).to(self.device)
        self.style: Any = terms.get("style")
        self.matching = Matching(terms, seed, paintings.style_of)
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
            features |= {name: output[layer] for name, layer in layers.items()}
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

        def errors(x):
            full = self.features(x, layers)

            def features(scale):
                return full if scale == 1 else self.features(shrink(x, scale), self.style.layers)

            comparison = Comparison(
                x, photo, features, lambda: targets, regions, style.get, self.matching.found
            )
            return {name: term(comparison).sum() for name, term in self.terms.items()}

        @torch.no_grad()
        def rematch(x, at):
            if self.matching.terms:
                self.matching.renew(self.features(x, layers), targets, shape, at)

        def painting(i, layers):
            x = self.paintings.tensor(i, size).to(self.device)
            return self.features(x, layers), x.shape[-2:]

        self.matching.enter(zip(regions, (works for _, works in found)), painting)
        return errors, rematch

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

    def check_size(
        self,
        size: int,  # px of the longer side
        shape: tuple[int, int],  # width and height of the photo
    ) -> None:
        "Check that a size is large enough for the deepest layers."
        needs = {k: round(self.backbone.smallest(name) / s) for k, (name, s) in self.layers.items()}
        works = [self.paintings.shape(i, size) for i in range(len(self.paintings.works))]
        images = [("", shape, [*needs])]
        images += [("A painting of ", each, [*self.style.layers]) for each in works if self.style]
        for prefix, (width, height), layers in images:
            layer = max(layers, key=lambda k: needs[k], default=None)
            if layer and min(width, height) < needs[layer]:
                raise ValueError(
                    f"{prefix}{width}x{height} px is too small for {layer}: its shorter side needs "
                    f"{needs[layer]} px. Raise min_scale= or end_scale="
                    f"{', or use a larger one' * bool(prefix)}."
                )
