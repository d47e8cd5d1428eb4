"Style and content losses on features, as tables."

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..core.moments import moments, second_moments
from .wasserstein import (
    NONE,
    gaussian_root,
    gaussian_root_and_size,
    relative_w2_distances,
    w2_distances,
)

__all__ = ["CONTENT_LOSSES", "STYLE_LOSSES", "StyleLoss", "gram_matrix"]

FAINT = 0.02  # share of the mean variance of all channels, the floor of a channel's variance


def gram_matrix(
    features: Tensor,  # [B, C, H, W]
) -> Tensor:  # [B, C, C], divided by C*H*W
    "Channel correlations of `features`, in float32 (Gatys et al. 2016)."
    return second_moments(features)[0] / features.shape[1]


def sums(features, where=None):
    "`moments` times the number of positions, which is the last value of the last row."
    return moments(features, where) * features[0, 0].numel()


def gram_distance(m, target):
    "Mean squared difference of Gram matrices over the target's mean square: layers are balanced."
    found, wanted = m[:, :-1, :-1], target[:, :-1, :-1]
    return (found - wanted).square().mean((1, 2)) / (wanted.square().mean((1, 2)) + NONE)


def gram_mean_distance(m, target):
    "Mean squared difference of Gram matrices divided by C * H * W (Johnson et al. 2016)."
    return ((m - target)[:, :-1, :-1] / (m.shape[-1] - 1)).square().mean((1, 2))


def gram_sum_distance(m, target):
    "Mean squared difference of undivided Gram matrices, over C * H * W of the painting."
    channels, places = target.shape[-1] - 1, target[:, -1, -1]
    return (m - target)[:, :-1, :-1].square().mean((1, 2)) / (channels * places)


def gram_scaled_distance(m, target):
    "Error of Gram matrices divided by H * W, whose gradient has an L1 norm of about 1."
    return scaled_error((m - target)[:, :-1, :-1])


def scaled_error(difference):
    "Sum of squares over sum of absolute values, for each image: [B, …] -> [B]."
    x = difference.float().flatten(1)
    return x.square().sum(1) / (x.abs().sum(1) + 1e-8)


def inner(
    features: Tensor,  # [B, C, H, W]
    margin: float,  # share of each side
) -> Tensor:
    """Features without the margin.

    Zero padding makes features at the border of an image unlike all others. A network trained on
    them paints lines there.
    """
    down, across = (int(n * margin) for n in features.shape[-2:])
    return features[..., down : -down or None, across : -across or None]


def each(distance):
    "Apply a one-layer distance to each layer."
    return lambda found, targets: [distance(m, *target) for m, target in zip(found, targets)]


@dataclass(frozen=True)
class StyleLoss:
    "A style loss: statistics of features, and their distance from those of a painting."

    statistics: Callable  # features [B, C, H, W], where=None -> [B, C + 1, C + 1]
    target: Callable  # a painting's statistics -> what to compare with, [B, …] each
    distances: Callable  # statistics and targets of several layers -> [B] each


def itself(m):
    return (m,)


# How features are compared with a painting's: statistics, and their distance
STYLE_LOSSES = {
    # the squared 2-Wasserstein distance of normal distributions
    "w2": StyleLoss(moments, gaussian_root, w2_distances),
    # the same, over the size of the painting's statistics
    "w2_relative": StyleLoss(moments, gaussian_root_and_size, relative_w2_distances),
    # Gram matrices, over the size of the painting's
    "gram": StyleLoss(moments, itself, each(gram_distance)),
    # the mean squared difference of Gram matrices
    "gram_mean": StyleLoss(moments, itself, each(gram_mean_distance)),
    # the sum of squares of their difference over its L1 norm (crowsonkb's first release)
    "gram_scaled": StyleLoss(moments, itself, each(gram_scaled_distance)),
    # sums instead of means (Gatys et al. 2016)
    "gram_sum": StyleLoss(sums, itself, each(gram_sum_distance)),
}


def mean_square(x):
    return x.float().square().mean((1, 2, 3))


def instance_normalized(features):
    """Normalize each channel to mean 0 and variance 1; nearly flat ones stay small: they are noise.

    Also returns the factor of each channel.
    """
    x = features.float()
    variance, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
    scale = torch.add(variance + NONE, variance.mean(1, keepdim=True), alpha=FAINT).rsqrt()
    return (x - mean) * scale, scale


class NormalizedError(torch.autograd.Function):
    """Mean squared difference of normalized features, [B, C, H, W] each -> [B].

    It compares where objects are, not their contrast: a squared error favors pale images. The
    gradient is written out because autograd would go over the features twice as often.
    """

    @staticmethod
    def forward(ctx, x, photo):
        (z, scale), (target, _) = instance_normalized(x), instance_normalized(photo)
        off = z - target
        ctx.save_for_backward(z, off, scale)
        ctx.dtype = x.dtype
        return off.square().mean((1, 2, 3))

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        z, off, scale = ctx.saved_tensors
        square, pull = scale.square(), (off * z).mean((2, 3), keepdim=True)
        # Through each channel's own variance, and through the floor, which depends on all channels.
        along = pull + FAINT * (square * pull).mean(1, keepdim=True) / square
        of_x = torch.addcmul(off - off.mean((2, 3), keepdim=True), z, along, value=-1)
        share = 2 / z[0].numel() * grad.view(-1, 1, 1, 1)
        return (of_x * (share * scale)).to(ctx.dtype), None


# Functions of the features of an image and of its photo, [B, C, H, W] each, that return [B]
CONTENT_LOSSES = {
    # mean squared difference (Johnson et al. 2016)
    "mse": lambda x, photo: mean_square(x.float() - photo),
    # the same, relative to the mean square of the photo's features
    "relative": lambda x, photo: mean_square(x.float() - photo) / (mean_square(photo) + NONE),
    # mean squared difference of features whose channels have mean 0 and variance 1
    "normalized": NormalizedError.apply,
    # sum of squared differences over the sum of absolute ones (crowsonkb's first release)
    "scaled": lambda x, photo: scaled_error(x - photo),
}
