"Masks: reading, resizing and conversion for the networks."

import warnings
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .files import opened, read_picture, to_picture
from .shapes import same_shape
from .sizes import local_mean
from .tensors import to_tensor

__all__ = ["fit_mask", "gray", "guided", "read_mask"]


def read_mask(
    mask,  # a path, an image or an array [H, W]: gray, or RGB converted to gray; or a tensor
    # [H, W], [1 or 3, H, W] or [1, 1 or 3, H, W], in [0, 1]
) -> Image.Image:  # L
    "Read a mask as gray; `ValueError` for an image with two or four channels."
    if isinstance(mask, Tensor):
        if mask.dim() == 4 and len(mask) > 1:
            raise ValueError(f"These are {len(mask)} masks. Give one for the whole batch.")
        mask = mask.float() if mask.dtype == torch.bool or mask.max() <= 1 else mask
        mask = mask.reshape(-1, *mask.shape[-2:])
        _check_bands(len(mask))
        mask = to_picture(mask.expand(3, -1, -1))
    if isinstance(mask, np.ndarray) and mask.max(initial=0) <= 1:
        mask = (mask * 255.0).round().astype(np.uint8)
    with opened(mask) as image:
        _check_bands(len(image.getbands()))
        return read_picture(image).convert("L")


def _check_bands(bands):
    if bands not in (1, 3):
        raise ValueError(f"A mask must be a gray image. This one has {bands} channels.")


def fit_mask(mask, size):
    "Resize a mask to a photo's size, with a warning if their shapes differ."
    if not same_shape(mask.size, size):
        warnings.warn(
            f"The mask is {mask.width}x{mask.height} px but the photo {size[0]}x{size[1]} px. "
            f"The mask is resized.",
            stacklevel=3,
        )
    return mask.resize(size)


def gray(
    mask: Image.Image,  # L
) -> Tensor:  # [1, 1, H, W] in [0, 1]
    "A mask as a network input."
    return to_tensor(mask.convert("RGB"))[:, :1]


def guided(
    x: Tensor,  # [1, 1, h, w]
    photo: Tensor,  # [1, 3, h, w] in [0, 1]
    radius: int,  # px of the window on each side
    noise: float,  # variance of the photo's colors below which there is no edge
) -> tuple[Tensor, Tensor]:  # slope [1, 3, h, w] and offset [1, 1, h, w]
    """Explain `x` by the photo's colors around each pixel (the guided filter, He et al. 2010).

    `(slope * photo).sum(1) + offset` is like `x`, with the edges of the photo.
    """
    mean = partial(local_mean, radius=radius)
    center, level = mean(photo), mean(x)
    together = mean(photo * x) - center * level
    # The covariance of the colors, [h, w, 3, 3].
    pairs = mean((photo[0, :, None] * photo[0]).flatten(0, 1)[None]).unflatten(1, (3, 3))[0]
    spread = (pairs - center[0, :, None] * center[0]).permute(2, 3, 0, 1)
    spread = spread + noise * torch.eye(3)
    slope = torch.linalg.solve(spread, together[0].permute(1, 2, 0)).permute(2, 0, 1)[None]
    offset = level - (slope * center).sum(1, keepdim=True)
    return mean(slope), mean(offset)
