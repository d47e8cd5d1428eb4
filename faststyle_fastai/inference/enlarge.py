"Enlarges a painted image to the size of its photo and restores the photo's sharp edges."

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..images.sizes import local_mean, resize_short, resized
from ..images.tensors import luminance, to_tensor

__all__ = ["enlarged", "enlarger"]

RADIUS = 4  # px of the window in which the painted image is compared with the photo
LARGEST = 1024  # px of the copy that very large images are compared at
FLAT = 1e-3  # variance of luminance below which there is no edge to restore


def follows(
    painted: Tensor,  # [1, 3, h, w]
    small: Tensor,  # [1, 3, h, w], the photo it was painted from
) -> Tensor:  # [1, 3, h, w], from -1 to 1.5
    """How closely each color follows the photo's luminance, in a window around each pixel.

    The slope of a linear regression, as in the guided filter (He et al. 2010): near 1 at edges that
    the painted image kept, 0 where it has strokes of its own.
    """

    mean = partial(local_mean, radius=RADIUS)
    light = luminance(small)
    center = mean(light)
    slope = mean(light * painted) - center * mean(painted)
    slope = slope / (mean(light.square()) - center.square() + FLAT)
    return mean(slope.clamp(-1, 1.5))


def enlarged(
    painted: Tensor,  # [1, 3, h, w]
    small: Tensor,  # [1, 3, h, w], the photo it was painted from
    photo: Tensor,  # [1, 3, H, W]
) -> Tensor:  # [1, 3, H, W] in [0, 1]
    "Enlarge `painted` to the size of `photo` and add the photo's detail where it fits."
    grown = [resized(x, photo.shape[-2:]) for x in (painted, small, follows(painted, small))]
    return detailed(grown, photo)


def detailed(grown, photo):
    "Add the photo's detail to the painted image; all inputs have the same size."
    painted, small, slope = grown
    return (painted + slope * (luminance(photo) - luminance(small))).clamp(0, 1)


def enlarger(
    painted: Tensor,  # [1, 3, h, w]
    small: Tensor,  # [1, 3, h, w], the photo it was painted from
    photo: Image.Image,  # RGB
) -> Callable[[tuple[int, int, int, int]], Tensor]:  # left, top, right, bottom in the photo ->
    # [1, 3, height, width] in [0, 1]
    "Like `enlarged`, but part by part, for images too large to process at once."
    pair = (at_most(x, LARGEST) for x in (painted, small))
    sources = [planes(x) for x in (painted, small, follows(*pair))]

    def part(box):
        grown = [resized_part(source, box, photo.size) for source in sources]
        return detailed(grown, to_tensor(photo.crop(box)))

    return part


def planes(
    x: Tensor,  # [1, C, h, w]
) -> list[Image.Image]:  # F
    "The channels as images of floats, which Pillow can resize part by part."
    return [Image.fromarray(plane.numpy(force=True)) for plane in x[0]]


def resized_part(
    source: list[Image.Image],  # as from `planes`
    box: tuple[int, int, int, int],  # left, top, right, bottom in the enlarged image
    size: tuple[int, int],  # width and height of the enlarged image
) -> Tensor:  # [1, C, height, width] of the box
    "A part of an enlarged image."
    across, down = (own / full for own, full in zip(source[0].size, size))
    there = box[0] * across, box[1] * down, box[2] * across, box[3] * down
    shape = box[2] - box[0], box[3] - box[1]
    parts = [plane.resize(shape, Image.Resampling.BICUBIC, there) for plane in source]
    return torch.from_numpy(np.stack([np.asarray(part) for part in parts]))[None]


def at_most(x, longest):
    shorter, longer = sorted(x.shape[-2:])
    return x if longer <= longest else resize_short(x, max(1, shorter * longest // longer))
