"Styles read from paintings at first sight, without training (Ghiasi et al. 2017)."

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from ..core.assets import ASSETS
from ..core.errors import FaststyleError
from ..images.files import read_picture, to_tensor
from ..images.formats import file_name, is_painting
from ..images.remote import digest
from ..images.sizes import resize_short
from ..models.predictor import AnyStyleNet, load_any_style
from ..models.stylefile import builtin_base, builtin_weights
from ..models.transformer import TransformerNet
from ..perceptual.backbones import perceptual_backbone
from ..perceptual.style_losses import feature_statistics, inner
from .builtin import BUILTIN_STYLES, find_style, style_thumbnail

__all__ = ["first_sight", "nearest_styles", "style_name"]

SIDE = 320  # px of a painting's short side
# As in the recipe that the network was trained by.
LAYERS = [f"relu{block}_1" for block in range(1, 6)]
MARGIN = 1 / 16  # share of each side of the features that is excluded


def first_sight(
    sources: list[str | Path],  # paintings: files, addresses or names of built-in styles
) -> tuple[TransformerNet, dict, dict]:  # in eval mode; metadata; base weights
    "A network with a style for each painting, its metadata and its base."
    files: dict[str, Path | str] = {}
    for source in sources:
        name, file = style_name(source), image_of(source)
        other = files.setdefault(name, file)
        if other != file and digest(other) != digest(file):
            raise FaststyleError(f"Two paintings are named {name}. Rename one.")
    info = {"arch": "full", "styles": list(files), "size": 256, "recipe": "fast"}
    info["base"] = builtin_base("full")
    net = any_style().network(torch.cat([statistics_of(file) for file in files.values()]))
    return net, info, builtin_weights(info)


def nearest_styles(
    painting: str | Path,  # a file, an address or the name of a built-in style
) -> dict[str, float]:  # name -> cosine similarity, at most 1; the nearest first
    "The built-in styles in the order of their likeness to a painting."
    sources = [painting, *BUILTIN_STYLES]
    files = [image_of(source) for source in sources]
    affine = any_style().styles(torch.cat([statistics_of(file) for file in files]))
    predicted = torch.cat([row - row[1:].mean(0) for row in affine.values()], 1)
    alike = torch.cosine_similarity(predicted[:1], predicted[1:]).tolist()
    return dict(sorted(zip(BUILTIN_STYLES, alike), key=lambda item: -item[1]))


def style_name(
    source: str | Path,  # a painting's file or address, or a name of a built-in style
) -> str:
    "The name of a style that is read from an image."
    if is_painting(source):
        return Path(file_name(source)).stem
    file, name = find_style(source)
    if file.parent == ASSETS and name in BUILTIN_STYLES:
        return name
    raise FaststyleError(
        f"{source} is a trained network, not an image. Give paintings and built-in styles only."
    )


def image_of(source):
    return source if is_painting(source) else style_thumbnail(style_name(source))


def statistics_of(painting: str | Path) -> Tensor:  # [1, n]
    "The statistics of a painting's file or address, computed once for each content."
    return _statistics(painting, digest(painting))


@lru_cache(maxsize=64)
def _statistics(file, _digest):
    return painting_statistics(to_tensor(read_picture(file)))


@torch.inference_mode()
def painting_statistics(
    painting: Tensor,  # [1, 3, H, W] in [0, 1]
) -> Tensor:  # [1, n]
    "Means and standard deviations of the features of `lite`."
    seen = _lite()(resize_short(painting, SIDE), LAYERS)
    return feature_statistics({layer: inner(x, MARGIN) for layer, x in seen.items()})


# New modules draw random weights. That must not change the results of a seed after the first call.
@lru_cache
@torch.random.fork_rng([])
def _lite():
    return perceptual_backbone("lite", layers=LAYERS)


@lru_cache
@torch.random.fork_rng([])
def any_style() -> AnyStyleNet:
    return load_any_style()
