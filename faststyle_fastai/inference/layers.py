"An image in one style or two: whole paintings, with faces, blended by masks."

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ..images.files import image_size, read_upright
from ..images.masks import gray
from ..images.tensors import read_tensor
from .faces import with_faces
from .options import PaintOptions, painting_shape
from .paint_tiles import paint_tiles
from .paint_whole import paint_whole
from .people import faces_of, painted_area

__all__ = ["paint_layers"]


def paint_layers(
    painter: Callable,  # style, private, watch -> Painter, see Stylizer.painter
    image: Image.Image | Tensor,  # opened, or [B, 3 or 4, H, W]
    how: PaintOptions,
    side: int | None,  # px of a tile; None: at once
    like: Callable[[Any], Any],  # a style's painting, or None, for strokes as its own
    watch: Callable[[float], None] | None = None,  # gets the finished share of the tiles
) -> Image.Image | Tensor:
    "Repaint an opened image where its mask and its people say."
    photo: Any = read_tensor(image) if side is None else read_upright(image)
    each = photo.split(1) if isinstance(photo, Tensor) else [photo]
    finds = how.faces == "natural" or how.area != "all"
    faces = [faces_of(one) if finds else [] for one in each]
    masks: list[Any] = [painted_area(one, how, found) for one, found in zip(each, faces)]
    # A background style is painted by itself: under another's statistics it would look wrong.
    styles = [how.style] if how.black is None else [how.black, how.style]
    layers: list[Any] = [photo]
    shape = painting_shape(image_size(photo)[::-1], how.stroke, how.size)
    for i, style in enumerate(styles):
        tell = watch and partial(part, watch, i, len(styles))
        one = painter(style, private=side is not None, watch=tell)
        if side is None:
            layers.append(paint_whole(one, photo, shape, how))
        else:
            layers.append(paint_tiles(one, photo, shape, how, side=side, watch=tell))
        if how.faces == "natural":
            painted = layers[-1].split(1) if isinstance(layers[-1], Tensor) else layers[-1:]
            for pair in zip(painted, each, faces):
                with_faces(*pair, [how.strength] * len(pair[-1]))
        if how.strokes:
            from .strokes import with_strokes  # SciPy takes its time to be imported

            layers[-1] = with_strokes(layers[-1], like(style))
    *_, back, front = layers
    if None in masks:
        return front
    if isinstance(front, Tensor):
        where = torch.cat([gray(mask) for mask in masks]).to(front.device)
        return torch.lerp(back.to(front.device), front, where)
    return Image.composite(front, back, masks[0])


def part(watch, i, n, share):
    watch((i + share) / n)
