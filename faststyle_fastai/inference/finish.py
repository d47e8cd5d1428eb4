"Steps around the network: exposure, the photo's colors and transparency."

import torch
from torch import Tensor
from torch.nn import functional as F

from ..core.moments import mean_and_std

__all__ = ["filled", "match_mean_std", "recolor"]


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
