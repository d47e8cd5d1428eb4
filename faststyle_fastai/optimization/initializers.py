"Starting images for the optimization of pixels."

import torch
from torch import nn

from ..images.sizes import resized_tensor
from ..images.tensors import to_tensor
from .pyramid import composed, decomposed

__all__ = ["INITS"]

COARSE = 2  # levels of detail that `blurred` leaves out


def content(shape, photo, styles, random):
    "The photo."
    return resized_tensor(photo, shape[::-1])


def blurred(shape, photo, styles, random):
    "The photo without its finest detail."
    *finer, coarse = decomposed(resized_tensor(photo, shape[::-1]), COARSE)
    return composed([*map(torch.zeros_like, finer), coarse])


def gray(shape, photo, styles, random):
    "Gray, with noise too weak to see."
    return torch.rand(1, 3, *shape, generator=random) / 255 + 0.5


def uniform(shape, photo, styles, random):
    "Noise, uniform in [0, 1]."
    return torch.rand(1, 3, *shape, generator=random)


def normal(shape, photo, styles, random):
    "Normal noise around gray, with a standard deviation of 1/4."
    return _truncated(shape, [0.5] * 3, [0.25] * 3, random)


def style_stats(shape, photo, styles, random):
    "Noise with the mean and variance of the paintings' colors."
    pixels = [(share, to_tensor(painting)) for share, painting in styles]
    mean = sum(share * x.mean((0, 2, 3)) for share, x in pixels)
    variance = sum(share * x.var((0, 2, 3)) for share, x in pixels)
    return _truncated(shape, mean.tolist(), variance.sqrt().clamp(min=1e-3).tolist(), random)


def _truncated(shape, means, stds, random):
    "Normal noise of each channel's mean and standard deviation, cut to [0, 1]."
    x = torch.empty(3, *shape)
    for channel, mean, std in zip(x, means, stds):
        nn.init.trunc_normal_(channel, mean, std, 0.0, 1.0, generator=random)
    return x[None]


# Images to start from. A row is a function of (height, width), the photo, (share, painting) pairs
# and a generator, and returns [1, 3, H, W] in [0, 1].
INITS = {f.__name__: f for f in (content, gray, uniform, normal, style_stats, blurred)}
