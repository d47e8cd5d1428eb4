"What is done to a picture around the network: masks, exposure, colours, transparency."

import warnings

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from .images import opened, read_picture, to_tensor

__all__ = [
    "exposed_like",
    "filled",
    "finished",
    "fit_mask",
    "gray",
    "read_mask",
    "resized",
    "shares",
]


def exposed_like(
    x: Tensor,  # [B, 3, H, W]
    photo: Tensor,  # of the same shape
    whole: list | None = None,  # spread and mean of each, [1, 3, 1, 1], where these are parts of it
) -> Tensor:
    "`x` with the mean and the spread of each channel of each picture of `photo`."
    whole = whole or [torch.std_mean(y, (2, 3), correction=0, keepdim=True) for y in (x, photo)]
    (spread, mean), (wanted, target) = whole
    return (x - mean) * (wanted / (spread + 1e-5)) + target


def finished(
    painted: Tensor,  # [1, 3, H, W]
    photo: Tensor,  # of the same shape
    keep_colors: bool,
    where: Tensor | None,  # [1, 1, H, W], how much is painted
) -> Tensor:
    "What is painted with what it keeps of the photo."
    if keep_colors:
        painted = recolor(painted, photo)
    return painted if where is None else torch.lerp(photo, painted, where)


def recolor(
    painted: Tensor,  # [1, 3, H, W]
    photo: Tensor,  # of the same shape
) -> Tensor:
    "The brightness of `painted` with the colours of `photo`, in YCbCr."
    luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (photo + (luma * (painted - photo)).sum(1, keepdim=True)).clamp(0, 1)


def filled(
    x: Tensor,  # [1, 3, H, W]
    opacity: Tensor,  # [1, 1, H, W] in [0, 1]
) -> Tensor:
    "Under what is transparent, the colours around it: so none of its own bleed into strokes."
    if max(x.shape[-2:]) == 1:
        return x
    shape = x.shape[-2:]
    weight = F.avg_pool2d(opacity, 2, ceil_mode=True)
    small = F.avg_pool2d(x * opacity, 2, ceil_mode=True) / weight.clamp(min=1e-6)
    small = filled(small, (4 * weight).clamp(max=1))
    return torch.lerp(F.interpolate(small, shape, mode="bilinear"), x, opacity)


def resized(x, shape):
    return F.interpolate(x, shape, mode="bicubic", antialias=True)


def read_mask(
    mask,  # a path, a picture or an array [H, W] uint8: gray, or colours that are shades of gray
) -> Image.Image:  # L
    "A mask as shades of gray; `ValueError` for one with two or four channels."
    with opened(mask) as image:
        bands = len(image.getbands())
    if bands not in (1, 3):
        raise ValueError(f"a mask is a gray picture, this one has {bands} channels.")
    return read_picture(mask).convert("L")


def fit_mask(mask, size):
    "A mask at a photo's size, with a warning when it had another."
    if mask.size != tuple(size):
        warnings.warn(
            f"the mask is {mask.width}x{mask.height} px, the photo {size[0]}x{size[1]}: "
            f"it is resized.",
            stacklevel=3,
        )
    return mask.resize(size)


def gray(
    mask: Image.Image,  # L
) -> Tensor:  # [1, 1, H, W] in [0, 1]
    "A mask as the networks take it."
    return to_tensor(mask.convert("RGB"))[:, :1]


def shares(
    share: Tensor,  # [1, 1, H, W] in [0, 1], of the first of two styles
    batch: int,
) -> Tensor:  # [batch, 2, H, W]
    "What a network of two styles takes for `style`."
    return torch.cat([share, 1 - share], 1).expand(batch, -1, -1, -1)
