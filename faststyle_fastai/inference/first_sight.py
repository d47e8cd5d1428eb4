"Styles read from paintings at first sight, without training (Ghiasi et al. 2017)."

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from fastcore.basics import listify
from torch import Tensor

from ..core.assets import ASSETS
from ..core.errors import FaststyleError
from ..core.moments import moments
from ..core.terminal import utf8
from ..images.discovery import find_paintings
from ..images.files import read_picture
from ..images.formats import file_name, is_painting, named_works
from ..images.remote import Work, digest, is_image
from ..images.sizes import resize_short
from ..images.tensors import to_tensor
from ..models.predictor import AnyStyleNet, load_any_style
from ..models.stylefile import builtin_base, builtin_weights
from ..models.transformer import TransformerNet
from ..perceptual.backbones import perceptual_backbone
from ..perceptual.style_losses import inner
from .builtin import BUILTIN_STYLES, find_style, style_thumbnail

__all__ = ["PREDICTED", "first_sight", "nearest_styles", "paintings_by_name", "style_name"]

PREDICTED = "predicted"  # in the metadata of networks that began with what a painting tells
SIDE = 400  # px of a painting's short side
# As in the recipe that the network was trained by.
LAYERS = [f"relu{block}_1" for block in range(1, 6)]
MARGIN = 1 / 16  # share of each side of the features that is excluded


def first_sight(
    paintings: dict[str, Any],  # style name -> a file or an address, or several works
    arch: str = "full",  # or slim
) -> tuple[TransformerNet, dict, dict]:  # in eval mode; metadata; base weights
    "A network with a style for each painting, its metadata and its base."
    info = {"arch": arch, "styles": list(paintings), "size": 256, "recipe": "fast"}
    info |= {"base": builtin_base(arch), "start": PREDICTED}
    seen = [moments_of(each) for each in paintings.values()]
    info["palettes"] = {name: colors[0].tolist() for name, (colors, *_) in zip(paintings, seen)}
    net = any_style(arch).network(together([layers for _, *layers in seen]))
    return net, info, builtin_weights(info)


def paintings_by_name(
    sources: list[Any],  # paintings, NAME=WORK,WORK,… or names of built-in styles
) -> dict[str, Any]:  # style name -> a file, an address or an image, or several works
    "The paintings of a network at first sight."
    found: dict[str, Any] = {}
    for source in sources:
        name, painting = style_name(source), image_of(source)
        other = found.setdefault(name, painting)
        if other is not painting and digest(other) != digest(painting):
            advice = "Give {name: image}" if is_image(source) else "Rename one"
            raise FaststyleError(f"Two paintings are named {name}. {advice}.")
    return found


def nearest_styles(
    painting: str | Path,  # a file, an address or the name of a built-in style
) -> dict[str, float]:  # name -> cosine similarity, at most 1; the nearest first
    """The built-in styles in the order of their likeness to a painting.

    Raises what `read_picture` does.
    """
    sources = [painting, *BUILTIN_STYLES]
    files = [image_of(source) for source in sources]
    affine = any_style().styles(together([moments_of(file)[1:] for file in files]))
    predicted = torch.cat([row - row[1:].mean(0) for row in affine.values()], 1)
    alike = torch.cosine_similarity(predicted[:1], predicted[1:]).tolist()
    return dict(sorted(zip(BUILTIN_STYLES, alike), key=lambda item: -item[1]))


def style_name(
    source: Any,  # a painting: a file, an address or an image; or a name of a built-in style
) -> str:
    "The name of a style that is read from an image."
    if is_image(source):
        return "painting"
    if is_painting(source):
        works = named_works(source)
        return works[0] if works else utf8(Path(file_name(source)).stem)
    file, name = find_style(source)
    if file.parent == ASSETS and name in BUILTIN_STYLES:
        return name
    raise FaststyleError(
        f"{source} is a trained network, not an image. Give paintings and built-in styles only."
    )


def image_of(source):
    if is_image(source):
        return source
    if is_painting(source):
        return find_paintings([source])[style_name(source)] if named_works(source) else source
    return style_thumbnail(style_name(source))


def moments_of(
    painting: Any,  # a file or an address, or several works
) -> list[Tensor]:  # [1, C + 1, C + 1] of the colors, and of each layer
    "The mean moments of the works, each computed once."
    return mean_moments([_moments(Work.of(work)) for work in listify(painting)])


@lru_cache(maxsize=64)
def _moments(work):
    painting = to_tensor(read_picture(work.source))
    return [inner_moments(painting), *painting_moments(painting)]


def palette_of(
    painting: Tensor | list[Tensor],  # [1, 3, H, W] in [0, 1], or several works
) -> list[list[float]]:  # 4x4
    "Means and products of the colors of a painting, see core.moments; their means over the works."
    return torch.cat([inner_moments(work) for work in listify(painting)]).mean(0).tolist()


def inner_moments(features):
    return moments(inner(features, MARGIN))


@torch.inference_mode()
def painting_moments(
    painting: Tensor | list[Tensor],  # [1, 3, H, W] in [0, 1], or several works
) -> list[Tensor]:  # [1, C + 1, C + 1] of each layer
    "Means and products of the features of `lite`, see core.moments; their means over the works."
    if isinstance(painting, list):
        return mean_moments([painting_moments(work) for work in painting])
    seen = lite()(resize_short(painting, SIDE), LAYERS)
    return [inner_moments(seen[layer]) for layer in LAYERS]


def mean_moments(works):
    return [torch.stack(layer).mean(0) for layer in zip(*works)]


def together(
    paintings: list[list[Tensor]],  # the moments of each
) -> list[Tensor]:  # [B, C + 1, C + 1] of each layer
    "The moments of several paintings as a batch."
    return [torch.cat(layer) for layer in zip(*paintings)]


@lru_cache
def lite():
    return perceptual_backbone("lite", layers=LAYERS)


@lru_cache
def any_style(arch: str = "full") -> AnyStyleNet:
    return load_any_style(arch)
