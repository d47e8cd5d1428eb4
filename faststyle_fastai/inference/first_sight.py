"Styles read from paintings at first sight, without training (Ghiasi et al. 2017)."

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from ..core.errors import FaststyleError
from ..images.discovery import is_painting
from ..images.files import read_picture, to_tensor
from ..images.remote import digest
from ..images.sizes import resize_short
from ..models.predictor import AnyStyleNet, load_any_style
from ..models.stylefile import builtin_base, builtin_weights
from ..models.transformer import TransformerNet
from ..perceptual.backbones import perceptual_backbone
from ..perceptual.style_losses import feature_statistics
from .builtin import BUILTIN_STYLES, find_style, style_thumbnail

__all__ = ["first_sight", "nearest_styles"]

SIDE = 320  # px of a painting's short side
LAYERS = [f"relu{block}_1" for block in range(1, 6)]
MARGIN = 1 / 16  # share of each side of the features that is excluded, as in recipe `fast`


def first_sight(
    sources: list[str | Path],  # paintings: files, addresses or names of built-in styles
) -> tuple[TransformerNet, dict, dict]:  # in eval mode; metadata; base weights
    "A network with a style for each painting, its metadata and its base."
    names = [_name(source) for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise FaststyleError(f"Two paintings are named {name}. Rename one.")
    info = {"arch": "full", "styles": names, "size": 256, "recipe": "fast"}
    info["base"] = builtin_base("full")
    net = any_style().network(torch.cat([statistics_of(source) for source in sources]))
    return net, info, builtin_weights(info)


def nearest_styles(
    painting: str | Path,  # a file, an address or the name of a built-in style
) -> dict[str, float]:  # name -> cosine similarity, at most 1; the nearest first
    "The built-in styles in the order of their likeness to a painting."
    sources = [painting, *BUILTIN_STYLES]
    rows = any_style().styles(torch.cat([statistics_of(source) for source in sources]))
    rows = torch.cat([row - row[1:].mean(0) for row in rows.values()], 1)
    alike = torch.cosine_similarity(rows[:1], rows[1:]).tolist()
    return dict(sorted(zip(BUILTIN_STYLES, alike), key=lambda item: -item[1]))


def _name(source):
    if is_painting(source):
        return Path(source).stem
    if (name := find_style(source)[1]) in BUILTIN_STYLES:
        return name
    raise FaststyleError(
        f"{source} is a trained network. A painting can be mixed with paintings and built-in "
        "styles only."
    )


def statistics_of(source: str | Path) -> Tensor:  # [1, n]
    "A painting's statistics, computed once for each content."
    file = source if is_painting(source) else style_thumbnail(_name(source))
    return _statistics(file, digest(file))


@lru_cache(maxsize=64)
def _statistics(file, _digest):
    return painting_statistics(to_tensor(read_picture(file)))


@torch.inference_mode()
def painting_statistics(
    painting: Tensor,  # [1, 3, H, W] in [0, 1]
) -> Tensor:  # [1, n]
    "Means and standard deviations of the features of `lite`."
    seen = _lite()(resize_short(painting, SIDE), LAYERS)
    return feature_statistics({layer: without_margin(x) for layer, x in seen.items()})


def without_margin(features):
    down, across = (int(n * MARGIN) for n in features.shape[-2:])
    return features[..., down : -down or None, across : -across or None]


@lru_cache
def _lite():
    return perceptual_backbone("lite", layers=LAYERS)


@lru_cache
def any_style() -> AnyStyleNet:
    return load_any_style()
