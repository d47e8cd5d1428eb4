"What agrees with the eye and no training sees: whether light is still light."

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["tone"]

SQUARE = 16  # px


def tone(
    picture: Tensor,  # [B, 3, H, W] in [0, 1], from 32 px a side
    photo: Tensor,  # likewise
) -> Tensor:  # [B], from -1 to 1
    """Whether light is still light: Spearman's correlation of luminance over squares of 16 px.

    1: the order of light and dark is the photo's; 0: it is any.
    """
    x, y = (_ranks(F.avg_pool2d(luminance(z), SQUARE).flatten(1)) for z in (picture, photo))
    return F.cosine_similarity(x, y, dim=1)


def luminance(
    x: Tensor,  # [B, 3, H, W], sRGB in [0, 1]
) -> Tensor:  # [B, 1, H, W]
    "Rec. 709's luma."
    return (x.float() * x.new_tensor([0.2126, 0.7152, 0.0722]).view(3, 1, 1)).sum(1, keepdim=True)


def _ranks(values):
    "Of each row the ranks, equal values sharing theirs, around 0: [B, N]."
    found = (row.unique(return_inverse=True, return_counts=True)[1:] for row in values)
    ranks = torch.stack([(count.cumsum(0) - count / 2)[place] for place, count in found])
    return ranks - ranks.mean(1, keepdim=True)
