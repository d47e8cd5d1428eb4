"An image in one style or two: painted whole or in tiles, with faces, blended by masks."

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..core.devices import finishing_device
from ..images.files import image_size, read_upright
from ..images.masks import gray
from ..images.sizes import resize_short
from ..images.tensors import read_tensor
from ..models.transformer import SMALLEST
from .faces import with_faces
from .finish import enlarged, filled, recolor
from .options import PaintOptions, painting_shape
from .paint_tiles import paint_tiles
from .people import faces_of, painted_area

__all__ = ["paint_layers", "painted_at"]


def paint_layers(
    painter: Callable,  # style, private, watch -> Painter, see Stylizer.__call__
    image: Image.Image | Tensor,  # opened, or [B, 3 or 4, H, W]
    how: PaintOptions,
    side: int | None,  # px of a tile; None: at once
    like: Callable[[Any], Any],  # a style's painting, or None, for strokes as its own
    watch: Callable[[float], None] | None = None,  # gets the finished share
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
            from ..strokes.paths import with_strokes  # SciPy takes its time to be imported

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


def paint_whole(
    painter: Any,  # a Painter, PixelPainter or SightPainter
    image: Tensor,  # [1, 3 or 4, H, W] in [0, 1]
    shape: tuple[int, int],  # height and width to paint at
    how: PaintOptions,
) -> Tensor:  # as `image`
    "Repaint an image at once."
    device = finishing_device(painter.device)
    image = image.to(device)
    photo, opacity = image[:, :3], image[:, 3:]
    if opacity.numel():
        photo = filled(photo, opacity)
    small = photo if photo.shape[-2:] == shape else resize_short(photo, min(shape))
    return torch.cat([painted_at(painter, small, photo, how.keep_colors), opacity], 1)


def painted_at(painter, small, photo, keep_colors):
    "Paint small, the edge repeated for reflection padding; then bring it to the photo's size."
    height, width = small.shape[-2:]
    room = 0, max(0, SMALLEST - width), 0, max(0, SMALLEST - height)
    painted = painter(F.pad(small, room, mode="replicate"))[..., :height, :width].to(photo.device)
    if painted.shape != photo.shape:
        painted = enlarged(painted, small, photo)
    return recolor(painted, photo) if keep_colors else painted
