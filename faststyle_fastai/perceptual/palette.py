"Colors moved toward those of a painting."

import math

import torch
from torch import Tensor

from .wasserstein import gaussian

__all__ = ["toward_palette"]

GAIN = 1.6  # largest change of contrast by a palette


def toward_palette(
    x: Tensor,  # [B, 3, H, W]
    found: Tensor,  # [B, 4, 4], moments of the image that `x` is, or is a part of
    palette: Tensor,  # [1, 4, 4], moments of a painting's colors
    share: float,  # of the way, 0 to 1
) -> Tensor:
    """Give an image the mean and covariance of a painting's colors.

    Of all linear maps that do, this one moves the colors least (Pitié & Kokaram 2007).
    """
    # A GPU takes milliseconds for each such small matrix.
    (mean, own), (target, wanted) = gaussian(found.cpu()), gaussian(palette.cpu())
    root = power(own, 0.5)
    inverse = power(own, -0.5)
    turn = inverse @ power(root @ wanted @ root, 0.5) @ inverse
    turn = power(turn, 1, GAIN)  # noise in a plain image is not its contrast
    turn = torch.lerp(torch.eye(3).to(turn), turn, share)
    shift = torch.lerp(mean, target.expand_as(mean), share) - (turn @ mean[..., None])[..., 0]
    turn, shift = turn.to(x), shift.to(x)
    with torch.autocast(x.device.type, enabled=False):  # in bfloat16 colors would be rounded
        return torch.einsum("bij,bjhw->bihw", turn, x) + shift[..., None, None]


def power(
    matrices: Tensor,  # [B, n, n], symmetric, positive definite
    exponent: float,
    most: float = math.inf,  # largest eigenvalue before
) -> Tensor:
    values, vectors = torch.linalg.eigh(matrices)
    return (vectors * values.clamp(1e-8, most)[:, None] ** exponent) @ vectors.mT
