"Resizing."

from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..core.moments import area
from .shapes import short_shape
from .tensors import to_tensor

__all__ = [
    "Paper", "local_mean", "resized", "resized_tensor", "resize_short", "short_tensor", "shrink",
]  # fmt: skip


def local_mean(
    x: Tensor,  # [B, C, H, W]
    radius: int,  # px of the window on each side; edges have smaller windows
) -> Tensor:  # [B, C, H, W]
    "The mean of a square window around each pixel, by rows and then by columns."
    side = 2 * radius + 1
    for window, edge in (((side, 1), (radius, 0)), ((1, side), (0, radius))):
        x = F.avg_pool2d(x, window, 1, edge, count_include_pad=False)
    return x


def resized(x, shape):
    return F.interpolate(x, shape, mode="bicubic", antialias=True)


def resized_tensor(
    image: Image.Image,  # RGB
    size: tuple[int, int],  # width, height
) -> Tensor:  # [1, 3, H, W] in [0, 1]
    "An image as a network input, resized."
    return to_tensor(image.resize(size, Image.Resampling.BICUBIC))


class Paper(NamedTuple):
    "The paper of a print; all but `dpi` in px."

    short: float  # side, after it was cut
    long: float
    dpi: float
    bleed: int  # on each side, that is cut off


def fit_paper(
    x: Tensor,  # [B, C, H, W]
    paper: Paper,
) -> Tensor:  # [B, C, h, w], the same aspect ratio
    "Resize to the largest size on a paper, which is turned as the image is."
    height, width = x.shape[-2:]
    scale = min(paper.short / min(height, width), paper.long / max(height, width))
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    colors, opacity = x[:, :3], x[:, 3:]
    if not opacity.numel():
        return resized(x, shape).clamp(0, 1)
    seen = resized(opacity, shape)  # colors that are hidden do not show at edges
    colors = resized(colors * opacity, shape) / seen.clamp(min=1e-4)
    return torch.cat([colors, seen], 1).clamp(0, 1)


def resize_short(
    x: Tensor,  # [B, 3, H, W]
    size: int,  # px of the shorter side of the result
) -> Tensor:  # [B, 3, h, w], the same aspect ratio
    "Resize with antialiasing to a shorter side of `size`; `ValueError` for very long images."
    shape = short_shape((x.shape[-2], x.shape[-1]), size)
    x = F.interpolate(x.float(), shape, mode="bilinear", antialias=True, align_corners=False)
    return x.clamp(0, 1)


def short_tensor(
    image: Image.Image,  # RGB
    size: int,  # px of the shorter side of the result
    device: torch.device | None = None,  # as of `to_tensor`
) -> Tensor:  # [1, 3, h, w] in [0, 1]
    "An image as a network input, as by `resize_short`; only one color is held in full, as floats."
    bands = (to_tensor(np.asarray(band)[..., None], device) for band in image.split())
    return torch.cat([resize_short(band, size) for band in bands], 1)


def shrink(x, scale):
    "Downscale `x` by averaging to `scale` of its size."
    if scale == 1:
        return x
    if (1 / scale).is_integer():
        return F.avg_pool2d(x, int(1 / scale))
    return area(x, (int(x.shape[2] * scale), int(x.shape[3] * scale)))
