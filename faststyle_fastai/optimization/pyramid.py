"An image as a Laplacian pyramid, so that coarse and fine changes are optimized alike."

from torch import Tensor
from torch.nn import functional as F

__all__ = ["composed", "decomposed"]


def decomposed(
    x: Tensor,  # [1, 3, H, W]
    levels: int,  # to take out, each half the size of the one before; fewer in a small image
) -> list[Tensor]:  # from fine to coarse; without levels the image itself
    "A Laplacian pyramid (Burt & Adelson 1983)."
    parts: list[Tensor] = []
    while len(parts) < levels and min(x.shape[-2:]) > 1:
        shape = [max(1, n // 2) for n in x.shape[-2:]]
        small = F.interpolate(x, shape, mode="bilinear", antialias=True)
        parts.append(x - F.interpolate(small, x.shape[-2:], mode="bilinear"))
        x = small
    return [*parts, x]


def composed(
    parts: list[Tensor],  # as from `decomposed`
) -> Tensor:  # [1, 3, H, W]
    "The image of a pyramid."
    *finer, x = parts
    for part in reversed(finer):
        x = part + F.interpolate(x, part.shape[-2:], mode="bilinear")
    return x
