"The weights of a mixture of styles."

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..core.values import count

MOST = 1.5  # largest sum of the weights


def mixture(
    style: Any,  # a name, an index, {name: weight} or [weight, …]
    n: int,  # styles of the network
    index: Callable[[Any], int],  # of a style, given by its name or index
) -> Tensor:  # [n]
    "Weights over the styles of a network."
    if isinstance(style, (list, tuple)):
        if len(style) != n:
            raise ValueError(
                f"{count(len(style), 'weight')} for {count(n, 'style')}. "
                f"Give one weight per style, in order."
            )
        style = dict(enumerate(style))
    mix = style if isinstance(style, dict) else {style: 1.0}
    weights = torch.zeros(n)
    for name, weight in mix.items():
        if weight < 0:
            raise ValueError(
                f"Invalid weight {weight} of style {name}. Weights cannot be negative."
            )
        weights[index(name)] += weight
    total = round(weights.sum().item(), 4)
    if not 0 < total <= MOST:
        raise ValueError(
            f"The weights of {mix} sum to {total}. The sum must be above 0 and at most {MOST}."
        )
    if total != 1:
        warnings.warn(
            f"The weights sum to {total}, not 1. The network was not trained for this.",
            stacklevel=5,
        )
    return weights
