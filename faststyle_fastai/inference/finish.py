"Steps around the network: transparency, exposure, and the photo's size, edges and colors."

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..core.moments import mean_and_std
from ..images.sizes import local_mean, resize_short, resized
from ..images.tensors import luminance, to_tensor

__all__ = [
    "enlarged", "enlarger", "filled", "match_mean_std", "planes", "recolor", "resized_part",
]  # fmt: skip

RADIUS = 4  # px of the window in which the painted image is compared with the photo
LARGEST = 1024  # px of the copy that very large images are compared at
FLAT = 1e-3  # variance of luminance below which there is no edge to restore


def match_mean_std(
    x: Tensor,  # [B, 3, H, W]
    found: Tensor,  # [B, 4, 4], moments of the image that `x` is, or is a part of
    wanted: Tensor,  # likewise
) -> Tensor:
    "Give each channel of an image the mean and standard deviation of `wanted`."
    (mean, spread), (target, other) = mean_and_std(found), mean_and_std(wanted)
    gain = other / spread
    return torch.addcmul((target - gain * mean)[..., None, None], x, gain[..., None, None])


def recolor(
    painted: Tensor,  # [1, 3, H, W]
    photo: Tensor,  # of the same shape
) -> Tensor:
    "The luma of `painted` with the chroma of `photo` (YCbCr)."
    luma = painted.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (photo + (luma * (painted - photo)).sum(1, keepdim=True)).clamp(0, 1)


def filled(
    x: Tensor,  # [1, 3, H, W]
    opacity: Tensor,  # [1, 1, H, W] in [0, 1]
) -> Tensor:
    "Fill transparent parts with surrounding colors, so that hidden ones do not bleed into strokes."
    if max(x.shape[-2:]) == 1:
        return x
    shape = x.shape[-2:]
    weight = F.avg_pool2d(opacity, 2, ceil_mode=True)
    small = F.avg_pool2d(x * opacity, 2, ceil_mode=True) / weight.clamp(min=1e-6)
    small = filled(small, (4 * weight).clamp(max=1))
    return torch.lerp(F.interpolate(small, shape, mode="bilinear"), x, opacity)


def enlarged(
    painted: Tensor,  # [1, 3, h, w]
    small: Tensor,  # [1, 3, h, w], the photo it was painted from
    photo: Tensor,  # [1, 3, H, W]
) -> Tensor:  # [1, 3, H, W] in [0, 1]
    "Enlarge `painted` to the size of `photo` and add the photo's detail where it fits."
    grown = [resized(x, photo.shape[-2:]) for x in (painted, small, follows(painted, small))]
    return detailed(grown, photo)


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


def detailed(grown, photo):
    "Add the photo's detail to the painted image; all inputs have the same size."
    painted, small, slope = grown
    return (painted + slope * (luminance(photo) - luminance(small))).clamp(0, 1)


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
