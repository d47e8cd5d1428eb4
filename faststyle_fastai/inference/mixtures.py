"Mixtures: of styles, of their palettes, and of a network with its base."

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..core.errors import FaststyleError
from ..core.values import check_kind, check_range, count

MOST = 1.5  # largest sum of the weights


def mixture(
    style: Any,  # a name, an index, {name: weight} or [weight, …]
    n: int,  # styles of the network
    index: Callable[[Any], int],  # of a style, given by its name or index
) -> Tensor:  # [n]
    "Weights over the styles of a network."
    if getattr(style, "ndim", 0):  # an array or a tensor
        style = style.tolist()
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
        check_kind(f"weight of style {name}", weight, float)
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


def mean_palette(
    info: dict[str, Any],  # a style file's metadata
    styles: list[str],
    mix: Tensor,  # [n], as of `mixture`
) -> Tensor | None:  # [1, 4, 4]
    "The mean palette of a mix, if each of its styles has one."
    parts = {name: weight for name, weight in zip(styles, mix.tolist()) if weight}
    palettes = info.get("palettes", {})
    if not parts or not parts.keys() <= palettes.keys():
        return None
    total = sum(weight * torch.tensor(palettes[name]) for name, weight in parts.items())
    return (total / mix.sum().item())[None].to(mix.device)


def blended(
    weights: dict[str, Tensor],
    base: dict[str, Tensor] | None,
    strength: float,  # from 0, the base, to 1
) -> dict[str, Tensor]:
    "Interpolate between the weights of the base and the network (Wang et al. 2019, DNI)."
    check_range("strength", strength, 0, 1)
    if strength == 1:
        return weights
    if base is None:
        raise FaststyleError(
            "This network has no base, so strength must be 1. It was trained from scratch or "
            "from another version's autoencoder, or it is a .pkl or .onnx file."
        )
    return {k: torch.lerp(base[k], w, strength) for k, w in weights.items()}
