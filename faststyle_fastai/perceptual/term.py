"What a term of the perceptual loss is, and what it sees."

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

__all__ = ["Comparison", "LayerTerm", "Term", "weighted_sum"]


@dataclass
class Comparison:
    "Repainted images beside their photos, as the terms of the loss see them."

    pred: Tensor  # [B, 3, H, W] in [0, 1]
    photo: Tensor  # likewise
    features: Callable  # scale -> layer -> [B, C, h, w]; below scale 1 at the style's layers only
    photo_features: Callable  # () -> layer -> [B, C, h, w], at the layers of the other terms
    regions: Sequence  # parts of the images with a style of their own, [1, 1, H, W]; [None]: all
    style_targets: Callable  # scale -> for each region: layer -> target
    matches: dict = field(default_factory=dict)  # name of a term -> what `Neighbors.find` returned


class Term(nn.Module):
    """A term of the perceptual loss: called with a `Comparison`, it gives its weighted error.

    That is one number for each image, [B], or one for the batch. To add a term, write a subclass
    and add a row to `TERMS`. If it reads features, its `layers` name them, {"relu3_4": 1.0}:
    `seen.features(1)` and `seen.photo_features()` then have them.
    """

    def __init__(
        self,
        weight: float = 0.0,  # 0: the term is off
    ):
        super().__init__()
        self.weight = weight
        self.layers: dict[str, float] = {}  # name -> weight

    def matters(self) -> bool:
        "Whether the term has a weight."
        return bool(self.weight)

    def forward(self, seen: Comparison) -> Tensor:  # [B], or a scalar for the batch
        "The error times `weight`. Each subclass has its own."
        raise NotImplementedError


class LayerTerm(Term):
    "A term that compares features. `weight` applies to all layers."

    def __init__(self, layers: dict[str, float] | None = None, weight: float = 1.0):
        super().__init__(weight)
        self.layers = {name: weight * part for name, part in (layers or {}).items()}

    def matters(self):
        return any(self.layers.values())


def weighted_sum(parts):
    "Sum of weights times tensors, in one operation for each."
    parts = iter(parts)
    weight, total = next(parts)
    total = weight * total
    for weight, part in parts:
        total = torch.add(total, part, alpha=weight)
    return total
