"Measures that agree with the eye and are not trained on: tone, structure, local style, and flaws."

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ..images.tensors import luminance
from .backbones import Backbone
from .neighbors import columns, nearest
from .style_losses import CONTENT_LOSSES

__all__ = ["grid", "local_style", "mottling", "patches", "structure", "tone"]

SQUARE = 16  # px
FLAT = 0.02  # standard deviation of luminance below which a square of a photo is flat
BLOCK = "relu3_"  # layers that see strokes
QUIET = 0.1  # share of a painting's squares that count as quiet
PATCH = 8  # px, the smallest patch of color
WINDOW = 64  # px of the windows searched for periodic patterns
SLOWEST = 6  # periods per window; fewer are brush strokes
AXIS = 2  # periods next to the axes, where edges of buildings appear
AROUND = 7  # side of the square of frequencies that a peak is compared with


def tone(
    picture: Tensor,  # [B, 3, H, W] in [0, 1], at least 32 px on each side
    photo: Tensor,  # likewise
) -> Tensor:  # [B], from -1 to 1
    """Whether light parts stay light: Spearman's correlation of luminance over squares of 16 px.

    1: light and dark are in the same order as in the photo. 0: their order is unrelated.
    """
    x, y = (_ranks(F.avg_pool2d(luminance(z), SQUARE).flatten(1)) for z in (picture, photo))
    return F.cosine_similarity(x, y, dim=1)


@torch.no_grad()
def structure(
    picture: Tensor,  # [B, 3, H, W] in [0, 1]
    photo: Tensor,  # likewise
    backbone: Backbone,
    layer: str = "relu3_4",  # of the backbone
) -> Tensor:  # [B], from -1 to 1
    """Whether objects stay in place: roughly the mean correlation of feature channels.

    1: each feature is active where it is in the photo, however strongly. Unlike a squared error of
    features, this does not favor pale, soft images.
    """
    x, y = (backbone(z, [layer])[layer] for z in (picture, photo))
    return 1 - CONTENT_LOSSES["normalized"](x, y) / 2


@torch.no_grad()
def local_style(
    picture: Tensor,  # [1, 3, H, W] in [0, 1]
    painting: Tensor,  # [1, 3, h, w] in [0, 1], at the scale of the strokes in the image
    backbone: Backbone,
) -> float:  # from 0
    """How far each place is from the nearest place of the painting, on average.

    The mean cosine distance of features, over the backbone's layers of the third block. A photo in
    the painting's palette is as far as the photo; paint is nearer.
    """
    layers = [name for name in backbone.layers if name.startswith(BLOCK)] or backbone.layers[-1:]
    found, wanted = (backbone(x, layers) for x in (picture, painting))
    away = []
    for name in layers:
        places, keys = (F.normalize(columns(x[name].float()), dim=1) for x in (found, wanted))
        away.append(1 - nearest(places, keys)[0].mean().item())
    return sum(away) / len(away)


def mottling(
    picture: Tensor,  # [1, 3, H, W] in [0, 1]
    photo: Tensor,  # likewise
    painting: Tensor,  # [1, 3, h, w] in [0, 1], at the scale of the strokes in the image
) -> float:  # std of luminance, from 0; NaN if the photo has no flat area
    "How much more texture flat areas of the photo get than the quiet areas of the painting have."
    flat = _roughness(photo) < FLAT
    quiet = _roughness(painting).quantile(QUIET)
    return (_roughness(picture)[flat].mean() - quiet).clamp(min=0).item()


def patches(
    picture: Tensor,  # [1, 3, H, W] in [0, 1], at least 16 px on each side
    photo: Tensor,  # likewise
) -> float:  # distance in RGB, from 0
    """How strong the edges of color are that the photo does not have: patches that obey no form.

    Edges are the differences of neighboring squares of 8 px. Each counts as far as it exceeds the
    photo's strongest edge within one square.
    """
    own, near = (_edges(x) for x in (picture, photo))
    excess = [a - F.max_pool2d(b, 3, 1, 1) for a, b in zip(own, near)]
    return torch.cat([x.clamp(min=0).flatten() for x in excess]).mean().item()


def grid(
    picture: Tensor,  # [1, 3, H, W] in [0, 1], at least 64 px on each side
) -> float:  # from about 1; NaN for smaller images
    """How far the highest peak of the spectrum exceeds its surroundings: dots and weaves.

    The ratio of mean power over windows of 64 px to the median of the 7 x 7 frequencies around it.
    Low frequencies, which are brush strokes, and the axes, where edges of buildings appear, are
    excluded.
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
    "Standard deviation of luminance in squares of 16 px: [N]."
    light = luminance(x)
    mean = F.avg_pool2d(light, SQUARE)
    return (F.avg_pool2d(light.square(), SQUARE) - mean.square()).clamp(min=0).sqrt().flatten()


def _edges(x):
    "Color differences of squares beside and above each other: [1, h, w] each."
    squares = F.avg_pool2d(x, PATCH)
    return [squares.diff(dim=dim).norm(dim=1) for dim in (2, 3)]


def _ranks(values):
    "Ranks within each row, centered on 0; equal values share a rank: [B, N]."
    found = (row.unique(return_inverse=True, return_counts=True)[1:] for row in values)
    ranks = torch.stack([(count.cumsum(0) - count / 2)[place] for place, count in found])
    return ranks - ranks.mean(1, keepdim=True)
