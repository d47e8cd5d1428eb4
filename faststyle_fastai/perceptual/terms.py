"The terms of the perceptual loss: a recipe is a list of them, for networks and for pixels."

import torch
from torch import Tensor

from ..core.constants import IMAGENET
from ..core.errors import UsageError
from ..core.values import check_range, known, typed
from .neighbors import Hypercolumns, Neighbors
from .regularity import VARIATIONS, chroma_variation, tone_error
from .style_losses import CONTENT_LOSSES, STYLE_LOSSES, StyleLoss, inner
from .term import Comparison, LayerTerm, Term, weighted_sum

__all__ = ["TERMS", "Content", "Style", "make_terms"]


class Content(LayerTerm):
    "The features of the photo stay (Gatys et al. 2016, Johnson et al. 2016)."

    def __init__(
        self,
        layers: dict[str, float] | None = None,  # name -> weight
        weight: float = 1.0,
        distance: str = "relative",  # a row of style_losses.CONTENT_LOSSES
    ):
        super().__init__(layers, weight)
        self.distance = known("content loss", distance, CONTENT_LOSSES)

    def forward(self, seen):
        features, targets = seen.features(1), seen.photo_features()
        distance = CONTENT_LOSSES[self.distance]
        return weighted_sum(
            (weight, distance(features[k], targets[k]).to(seen.pred.device))
            for k, weight in self.layers.items()
        )


class Style(LayerTerm):
    "The statistics of the painting's features (Gatys et al. 2016)."

    def __init__(
        self,
        layers: dict[str, float] | None = None,  # name -> weight
        weight: float = 1.0,
        distance: str = "gram",  # a row of style_losses.STYLE_LOSSES
        scales: tuple[float, ...] = (1,),  # scales of the image, averaged
        size: int | None = None,  # px of the painting's short side; None: the photo's
        enlarge: bool = False,  # a painting that is smaller than `size`; this blurs its strokes
        margin: float = 0.0,  # share of each side that is excluded
    ):
        super().__init__(layers, weight)
        scales = scales if isinstance(scales, (list, tuple)) else (scales,)
        if not scales or not all(0 < scale <= 1 for scale in scales):
            raise UsageError(
                f"Invalid scales={typed(scales)}. Give one or more factors above 0 and up to 1."
            )
        check_range("margin", margin, 0, 0.45)
        self.distance = known("style loss", distance, STYLE_LOSSES)
        self.scales, self.size, self.enlarge, self.margin = scales, size, enlarge, margin

    @property
    def loss(self) -> StyleLoss:
        "The row of `STYLE_LOSSES`."
        return STYLE_LOSSES[self.distance]

    def forward(self, seen):
        return self.error(self.statistics(seen), seen)

    def statistics(self, seen: Comparison) -> list[Tensor]:
        "The statistics of each scale, region and layer."
        found = []
        for scale in self.scales:
            features = seen.features(scale)
            found += [
                self.loss.statistics(inner(features[layer], self.margin), region)
                for region in (r if r is None else inner(r, self.margin) for r in seen.regions)
                for layer in self.layers
            ]
        return found

    def error(self, statistics: list[Tensor], seen: Comparison) -> Tensor:  # [B]
        "The weighted distance of `statistics` from the targets."
        regions = [of for scale in self.scales for of in seen.style_targets(scale)]
        targets = [target[layer] for target in regions for layer in self.layers]
        # A region has the weight of its area, else small ones would be painted hardest.
        areas = [1.0 if r is None else r.mean() for r in seen.regions] * len(self.scales)
        weights = [area * w / len(self.scales) for area in areas for w in self.layers.values()]
        errors = self.loss.distances(statistics, targets)
        return weighted_sum((w, x.to(seen.pred.device)) for w, x in zip(weights, errors))

    def targets(
        self,
        statistics: dict[str, Tensor],  # of the painting, by layer
    ) -> dict[str, tuple]:
        "What the statistics of an image are compared with."
        return {layer: self.loss.target(m) for layer, m in statistics.items()}

    def of_painting(
        self,
        features: dict[str, Tensor],  # layer -> [1, C, h, w]
    ) -> dict[str, Tensor]:
        "The statistics of a painting, by layer. They may be averaged over paintings."
        return {k: self.loss.statistics(inner(x, self.margin)) for k, x in features.items()}


class Tone(Term):
    "The light parts of the photo stay light, see `regularity.tone_error`."

    def forward(self, seen):
        return self.weight * tone_error(seen.pred, seen.photo)


class Variation(Term):
    "Total variation, which prevents noise (Mahendran & Vedaldi 2015)."

    def __init__(
        self,
        weight: float = 0.0,  # in the units of its publication
        kind: str = "mean",  # a row of regularity.VARIATIONS
        unit: float = 1.0,  # converts `weight` to images in [0, 1]
        normalized: bool = False,  # measure pixels divided by ImageNet's standard deviations
    ):
        super().__init__(weight * unit)
        self.kind = known("tv", kind, VARIATIONS)
        std = torch.tensor(IMAGENET[1]).view(1, 3, 1, 1) if normalized else None
        self.register_buffer("std", std, persistent=False)

    def forward(self, seen):
        x = seen.pred if self.std is None else seen.pred / self.std
        return self.weight * VARIATIONS[self.kind](x)


class Chroma(Term):
    "Total variation of the colors without their luminance, which prevents colored fringes."

    def forward(self, seen):
        return self.weight * chroma_variation(seen.pred)


# name -> class; the order is that of the sum
TERMS = {
    "content": Content,
    "style": Style,
    "hypercolumns": Hypercolumns,
    "neighbors": Neighbors,
    "tone": Tone,
    "tv": Variation,
    "chroma": Chroma,
}


def make_terms(
    settings: dict[str, dict],  # name of a term -> arguments
) -> dict[str, Term]:
    "The terms of a loss that have a weight, in the order of `TERMS`."
    for name in settings:
        known("term", name, TERMS)
    terms = {name: make(**settings[name]) for name, make in TERMS.items() if name in settings}
    return {name: term for name, term in terms.items() if term.matters()}


def photo_layers(terms) -> list[str]:
    "The layers of a photo that terms compare with."
    return [k for name, term in terms.items() if name != "style" for k in term.layers]
