"What agrees with the eye and no training sees: is light still light, are quiet places quiet?"

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from .backbones import Backbone
from .losses import luminance
from .style_losses import CONTENT_LOSSES

__all__ = ["grid", "mottling", "structure", "tone"]

SQUARE = 16  # px
FLAT = 0.02  # standard deviation of luminance below which a square of a photo shows nothing
QUIET = 0.1  # share of a painting's squares that count as its quiet places
WINDOW = 64  # px that periods are looked for in
SLOWEST = 6  # periods in a window; fewer are strokes
AXIS = 2  # periods next to the axes, where the edges of houses lie
AROUND = 7  # frequencies that a peak is compared with, a side


def tone(
    picture: Tensor,  # [B, 3, H, W] in [0, 1], from 32 px a side
    photo: Tensor,  # likewise
) -> Tensor:  # [B], from -1 to 1
    """Whether light is still light: Spearman's correlation of luminance over squares of 16 px.

    1: the order of light and dark is the photo's; 0: it is any.
    """
    x, y = (_ranks(F.avg_pool2d(luminance(z), SQUARE).flatten(1)) for z in (picture, photo))
    return F.cosine_similarity(x, y, dim=1)


@torch.no_grad()
def structure(
    picture: Tensor,  # [B, 3, H, W] in [0, 1]
    photo: Tensor,  # likewise
    backbone: Backbone,
    layer: str = "relu3_4",
) -> Tensor:  # [B], from -1 to 1
    """Whether things are where they were: about the mean correlation of the features' channels.

    1: each feature stands out where the photo's does, however strongly. A squared error of
    features is least on pale, soft pictures; this is not.
    """
    x, y = (backbone(z, [layer])[layer] for z in (picture, photo))
    return 1 - CONTENT_LOSSES["normalized"](x, y) / 2


def mottling(
    picture: Tensor,  # [1, 3, H, W] in [0, 1]
    photo: Tensor,  # likewise
    painting: Tensor,  # [1, 3, h, w] in [0, 1], at the size its strokes have in the picture
) -> float:  # standard deviation of luminance, from 0; NaN where the photo has no flat place
    "How much more texture stands where the photo is flat than in the painting's quiet places."
    flat = _roughness(photo) < FLAT
    quiet = _roughness(painting).quantile(QUIET)
    return (_roughness(picture)[flat].mean() - quiet).clamp(min=0).item()


def grid(
    picture: Tensor,  # [1, 3, H, W] in [0, 1], 64 px a side at least
) -> float:  # from about 1; NaN for a picture smaller than that
    """How far the highest peak of the spectrum stands above what is around it: dots, weaves.

    Of the mean power over windows of 64 px, by the median of the 7 x 7 frequencies around each.
    Slow periods, which are strokes, and the axes, where edges of houses lie, are left out.
    """
    light = luminance(picture)
    if min(light.shape[-2:]) < WINDOW:
        return math.nan
    windows = F.unfold(light, WINDOW, stride=WINDOW // 2)[0].T.view(-1, WINDOW, WINDOW)
    hann = torch.hann_window(WINDOW, periodic=False, device=light.device)
    windows = (windows - windows.mean((1, 2), keepdim=True)) * hann * hann[:, None]
    power = torch.fft.fft2(windows).abs().square().mean(0)
    near = F.pad(power[None, None], (AROUND // 2,) * 4, "circular")
    near = F.unfold(near, AROUND).median(1).values.view_as(power)
    periods = torch.fft.fftfreq(WINDOW, 1 / WINDOW).abs()
    down, across = periods[:, None], periods
    fast = (down.square() + across.square() > SLOWEST**2) & (torch.minimum(down, across) > AXIS)
    return (power / near.clamp(min=1e-12))[fast].max().item()


def _roughness(x):
    "The standard deviation of luminance in squares of 16 px: [N]."
    light = luminance(x)
    mean = F.avg_pool2d(light, SQUARE)
    return (F.avg_pool2d(light.square(), SQUARE) - mean.square()).clamp(min=0).sqrt().flatten()


def _ranks(values):
    "Of each row the ranks, equal values sharing theirs, around 0: [B, N]."
    found = (row.unique(return_inverse=True, return_counts=True)[1:] for row in values)
    ranks = torch.stack([(count.cumsum(0) - count / 2)[place] for place, count in found])
    return ranks - ranks.mean(1, keepdim=True)
