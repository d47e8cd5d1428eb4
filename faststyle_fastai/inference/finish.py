"Steps around the network: exposure, colors and transparency."

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["filled", "match_mean_std", "recolor"]


def match_mean_std(
    x: Tensor,  # [B, 3, H, W]
    photo: Tensor | None,  # of the same shape; None if `whole` is given
    whole: list | None = None,  # std and mean of each whole image, [1, 3, 1, 1], if these are parts
) -> Tensor:
    "Give each channel of `x` the mean and standard deviation that it has in `photo`."
    pair = [y for y in (x, photo) if y is not None]
    whole = whole or [torch.std_mean(y, (2, 3), correction=0, keepdim=True) for y in pair]
    (spread, mean), (wanted, target) = whole
    return (x - mean) * (wanted / (spread + 1e-5)) + target


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
