"Masks: reading, resizing and conversion for the networks."

import warnings

import torch
from PIL import Image
from torch import Tensor

from .files import opened, read_picture, to_tensor

__all__ = ["read_mask", "fit_mask", "gray", "shares"]


def read_mask(
    mask,  # a path, an image or an array [H, W] uint8: gray, or RGB converted to gray
) -> Image.Image:  # L
    "Read a mask as gray; `ValueError` for an image with two or four channels."
    with opened(mask) as image:
        bands = image.shape[-3] if isinstance(image, Tensor) else len(image.getbands())
        if bands not in (1, 3):
            raise ValueError(f"A mask must be a gray image. This one has {bands} channels.")
        return read_picture(image).convert("L")


def fit_mask(mask, size):
    "Resize a mask to a photo's size, with a warning if the sizes differ."
    if mask.size != tuple(size):
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


def shares(
    share: Tensor,  # [1, 1, H, W] in [0, 1], weight of the first of two styles
    batch: int,
) -> Tensor:  # [batch, 2, H, W]
    "Per-pixel weights of two styles, as the `style` of a network."
    return torch.cat([share, 1 - share], 1).expand(batch, -1, -1, -1)
