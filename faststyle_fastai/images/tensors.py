"Images as tensors of PyTorch, and their luminance."

from functools import lru_cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .files import read_array
from .opening import is_tensor, opened

__all__ = ["luminance", "read_tensor", "to_tensor"]


def read_tensor(
    source,  # as in `read_picture`; a tensor [B, 3 or 4, H, W] is returned unchanged
) -> Tensor:  # [1, 3, H, W] in [0, 1]; [1, 4, H, W] with opacity
    """Read an image to paint: upright, sRGB, full bit depth, the first frame of an animation.

    Raises what `read_picture` does.
    """
    if is_tensor(source):
        with opened(source) as x:
            return x if x.dim() == 4 else x[None]
    return planes(torch.from_numpy(read_array(source)))


def to_tensor(
    image: Image.Image | np.ndarray,  # RGB or RGBA; [H, W, 3 or 4] uint8, or floats in [0, 1]
    device: torch.device | None = None,  # converted there: its bytes are a quarter to copy
) -> Tensor:  # [1, 3 or 4, H, W] float32 in [0, 1]
    "An image as a network input."
    x = planes(torch.from_numpy(np.array(image)).to(device=device))
    return x.float() if x.is_floating_point() else x.float().div_(255)  # no second copy


def planes(x):
    return x.permute(2, 0, 1)[None]


LUMA = 0.2126, 0.7152, 0.0722  # Rec. 709 weights of R, G, B


def luminance(
    x: Tensor,  # [B, 3, H, W], sRGB in [0, 1]
) -> Tensor:  # [B, 1, H, W]
    "Rec. 709 luma."
    exporting = torch.compiler.is_exporting()  # what an exported program makes must not be kept
    weights = (luma.__wrapped__ if exporting else luma)(x.device)
    return (x.float() * weights).sum(1, keepdim=True)


@lru_cache
def luma(device):
    "`LUMA` on a device; copying it there for each image would wait for a GPU."
    with torch.inference_mode(False):  # or it could not be used in training later
        return torch.tensor(LUMA, device=device).view(3, 1, 1)
