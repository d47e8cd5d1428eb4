"Losses of images themselves, without a backbone: tone and total variation."

import torch
from torch import Tensor
from torch.nn import functional as F

from ..images.tensors import luminance

__all__ = ["VARIATIONS", "chroma_variation", "tone_error", "total_variation"]

SQUARE = 32  # px of the squares that tone is measured on; strokes inside them are not penalized


def total_variation(
    x: Tensor,  # [B, 3, H, W] in [0, 1]
) -> Tensor:  # scalar
    "Mean |Δx| + mean |Δy| between neighboring pixels."
    x = x.float()
    across, down = x[..., :, 1:] - x[..., :, :-1], x[..., 1:, :] - x[..., :-1, :]
    means = [d.abs().mean() for d in (across, down) if d.numel()]
    return sum(means[1:], means[0]) if means else x.new_zeros(())


def chroma_variation(
    x: Tensor,  # [B, 3, H, W] in [0, 1]
) -> Tensor:  # scalar
    "Total variation of the colors minus their luminance."
    return total_variation(x - luminance(x))


def variation_sum(
    x: Tensor,  # [B, 3, H, W]
) -> Tensor:  # scalar
    "Sum of |Δx| and |Δy| over an image, as in published recipes, averaged over the batch."
    across, down = x.diff(dim=-1).abs(), x.diff(dim=-2).abs()
    return (across.float().sum() + down.float().sum()) / len(x)


def forward_variation(
    x: Tensor,  # [1, 3, H, W]
) -> Tensor:  # scalar
    "Mean squared forward differences (Mahendran & Vedaldi 2015)."
    x = F.pad(x.float(), (0, 1, 0, 1), "replicate")
    inner = x[..., :-1, :-1]
    return (x[..., :-1, 1:] - inner).square().mean() + (x[..., 1:, :-1] - inner).square().mean()


def squared_variation(
    x: Tensor,  # [1, 3, H, W]
) -> Tensor:  # scalar
    "Mean squared differences from all eight neighbors (crowsonkb's nine-point stencil)."
    x = F.pad(x.float(), (1, 1, 1, 1), "replicate")
    inner = x[..., 1:-1, 1:-1]
    across = (x[..., 1:-1, 2:] - inner).square().mean() + (x[..., 2:, 1:-1] - inner).square().mean()
    falling, rising = x[..., 1:, 1:] - x[..., :-1, :-1], x[..., 1:, :-1] - x[..., :-1, 1:]
    return 2 * (across / 3 + (falling.square().mean() + rising.square().mean()) / 12)


def tone_error(
    x: Tensor,  # [B, 3, H, W] in [0, 1]
    photo: Tensor,  # likewise
) -> Tensor:  # [B], from 0 to 2
    """Whether the light parts of the photo stay light: 1 - Pearson's correlation.

    Compares mean luminance over squares of 32 px. Overall brightness and contrast do not matter.
    The error is 0 for a uniform photo.
    """
    side = min(SQUARE, *x.shape[-2:])
    squares = F.avg_pool2d(luminance(torch.cat([x, photo])), side).flatten(1)
    squares = squares - squares.mean(1, keepdim=True)
    (a, b), (of_a, of_b) = squares.chunk(2), squares.square().sum(1).chunk(2)
    alike = (a * b).sum(1) * (of_a * of_b).clamp(min=1e-12).rsqrt()
    return (of_b > 1e-6 * b.shape[1]) * (1 - alike)


# Kinds of total variation
VARIATIONS = {
    "mean": total_variation,
    "sum": variation_sum,
    "squares": squared_variation,
    "forward squares": forward_variation,
}
