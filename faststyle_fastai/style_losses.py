"How a painting's style is told from features, and how far two are apart: one row of a table each."

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["CONTENT_LOSSES", "STYLE_LOSSES", "StyleLoss", "gram_matrix", "moments"]

FAINT = 0.02  # of the mean variance of all channels
NONE = 1e-8  # keeps a relative error finite on a target that is all zero
EPS = 1e-4  # the least variance: features of few places leave covariances without full rank


def gram_matrix(
    features: Tensor,  # [B, C, H, W]
) -> Tensor:  # [B, C, C], divided by C*H*W
    "Channel correlations of `features`, in float32 (Gatys et al. 2016)."
    return second_moments(features)[0] / features.shape[1]


def second_moments(
    features: Tensor,  # [B, C, H, W]
    weight: Tensor | None = None,  # [1, 1, H, W], how much each place counts; None: all alike
) -> tuple[Tensor, Tensor]:  # [B, C, C] and [B, C], float32
    "Over all places the mean products of pairs of channels, and the channels' means."

    def places(x):
        return x.permute(0, 2, 3, 1).flatten(1, 2)

    with torch.autocast(features.device.type, enabled=False):
        return Products.apply(places(features), None if weight is None else places(weight))


class Products(torch.autograd.Function):
    """`x.mT @ x` and the sum of `x` over its N places, [B, N, C], weighted, both divided by N.

    Its gradient takes one product where autograd takes two, and lies in memory as that of
    channels-last features does. It is of the precision of `x`, which is all these can be given.
    """

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        x = x.float()
        weighted = x if weight is None else x * weight
        return weighted.mT @ x / x.shape[1], weighted.mean(1)

    @staticmethod
    def backward(ctx, grad, grad_mean):
        x, weight = ctx.saved_tensors
        turn, shift = (grad + grad.mT).to(x.dtype), grad_mean[:, None].to(x.dtype)
        # Divided within the product: in float16 a small matrix would vanish.
        share = 1 / x.shape[1]
        found = torch.baddbmm(shift, x, turn, beta=share, alpha=share)
        return found if weight is None else (found * weight).to(x.dtype), None


def moments(
    features: Tensor,  # [B, C, H, W]
    where: Tensor | None = None,  # [1, 1, h, w], how much each place counts; None: all alike
) -> Tensor:  # [B, C + 1, C + 1], float32
    """Means of the products of all pairs of channels; the last channel is 1 everywhere.

    So the last column holds the channels' own means. Of several paintings' moments the mean may
    be taken; of their covariances it may not.
    """
    if where is not None:
        where = F.interpolate(where.to(features.device), features.shape[-2:], mode="area")
        where = where / where.mean().clamp(min=1e-6)
    second, mean = second_moments(features, where)
    ones = second.new_ones(()) if where is None else where.mean()
    last = torch.cat([mean, ones.expand(len(mean), 1)], 1)
    return torch.cat([torch.cat([second, mean[:, None]], 1), last[..., None]], 2)


def sums(features, where=None):
    "`moments` not divided by the number of places, which is the last value of the last row."
    return moments(features, where) * features[0, 0].numel()


def gram_of(m):
    "The part of `moments` that is the Gram matrix, and the painting's own mean square of it."
    grams = m[:, :-1, :-1]
    return grams, grams.square().mean((1, 2)) + NONE


def gram_distance(m, grams, size):
    "Squared difference of Gram matrices, of the square of the painting's: no layer is louder."
    return (m[:, :-1, :-1] - grams).square().mean((1, 2)) / size


def gram_mean_distance(m, target):
    "Mean squared difference of Gram matrices over C * H * W (Johnson et al. 2016)."
    return ((m - target)[:, :-1, :-1] / (m.shape[-1] - 1)).square().mean((1, 2))


def gram_sum_distance(m, target):
    "Of undivided Gram matrices the mean squared difference, over the painting's C * H * W."
    channels, places = target.shape[-1] - 1, target[:, -1, -1]
    return (m - target)[:, :-1, :-1].square().mean((1, 2)) / (channels * places)


def gram_scaled_distance(m, target):
    "Of Gram matrices over H * W the error whose gradient has an L1 norm of about 1."
    return scaled_error((m - target)[:, :-1, :-1])


def scaled_error(difference):
    "The sum of squares over the sum of absolute values, of each picture: [B, …] -> [B]."
    x = difference.float().flatten(1)
    return x.square().sum(1) / (x.abs().sum(1) + 1e-8)


def mean_and_std(m):
    mean, square = m[:, :-1, -1], m.diagonal(dim1=1, dim2=2)[:, :-1]
    return mean, (square - mean.square()).clamp(min=EPS).sqrt()


def mean_std_distance(m, mean, std):
    "Mean squared differences of the channels' means and standard deviations (Huang et al. 2017)."
    found, spread = mean_and_std(m)
    return (found - mean).square().mean(1) + (spread - std).square().mean(1)


def gaussian(m):
    "Means and covariances, float64: W2 is a small difference of large traces."
    m = (m.cpu() if m.device.type == "mps" else m).double()  # which has no float64
    mean, second = m[:, :-1, -1], m[:, :-1, :-1]
    eye = torch.eye(mean.shape[-1], dtype=m.dtype, device=m.device)
    return mean, second - mean[:, :, None] * mean[:, None] + EPS * eye


def gaussian_root(m):
    "Of a painting the means, a root L of its covariance L Lᵀ, and the trace of that."
    mean, cov = gaussian(m)
    values, vectors = torch.linalg.eigh(cov)
    root = vectors * values.clamp(min=EPS).sqrt()[:, None]
    return mean, root, cov.diagonal(dim1=1, dim2=2).sum(1)


def w2_distance(m, mean, root, trace):
    """Squared 2-Wasserstein distance of normal distributions with the moments, over channels.

    |μ - ν|² + tr(S + T - 2(S½TS½)½) for means μ, ν and covariances S, T. With S = L Lᵀ the
    last trace is that of (Lᵀ T L)½, the sum of the square roots of its eigenvalues, so the gradient
    is finite where eigenvalues meet. Covariances of few places are singular, and rounding may make
    them worse: eigenvalues below those that `EPS` guarantees are raised to it.
    """
    found, cov = gaussian(m)
    shared = TraceSqrt.apply(root.mT @ cov @ root)
    spread = trace + cov.diagonal(dim1=1, dim2=2).sum(1)
    return ((found - mean).square().mean(1) + (spread - 2 * shared) / cov.shape[-1]).float()


def gaussian_root_and_size(m):
    "And the painting's own mean square."
    return *gaussian_root(m), m.diagonal(dim1=1, dim2=2)[:, :-1].mean(1) + NONE


def relative_w2_distance(m, mean, root, trace, size):
    "W2 of the painting's own mean square: no layer is louder, and no painting."
    return w2_distance(m, mean, root, trace) / size


class TraceSqrt(torch.autograd.Function):
    """The trace of the square root of matrices `Lᵀ T L`, [B, C, C] -> [B]; d = tr(M^-½ dM) / 2.

    As L Lᵀ and T have no eigenvalue below EPS, theirs are not below its square.
    """

    @staticmethod
    def forward(ctx, matrix):
        if not matrix.isfinite().all():  # whoever optimizes tells which part of the loss it was
            return matrix.new_full(matrix.shape[:1], torch.nan)
        values, vectors = torch.linalg.eigh(matrix)
        roots = values.clamp(min=EPS**2).sqrt()
        ctx.save_for_backward(roots, vectors)
        return roots.sum(-1)

    @staticmethod
    def backward(ctx, grad):
        roots, vectors = ctx.saved_tensors
        return grad[:, None, None] * (vectors / (2 * roots[:, None])) @ vectors.mT


@dataclass(frozen=True)
class StyleLoss:
    "How features are told, and how far that is from what a painting's came to."

    statistics: Callable  # features [B, C, H, W], where=None -> [B, C + 1, C + 1]
    target: Callable  # a painting's statistics -> what `distance` needs of them, [B, …] each
    distance: Callable  # statistics, *target -> [B]


def itself(m):
    return (m,)


STYLE_LOSSES = {
    "w2": StyleLoss(moments, gaussian_root, w2_distance),
    "w2_relative": StyleLoss(moments, gaussian_root_and_size, relative_w2_distance),
    "gram": StyleLoss(moments, gram_of, gram_distance),
    "gram_mean": StyleLoss(moments, itself, gram_mean_distance),
    "gram_scaled": StyleLoss(moments, itself, gram_scaled_distance),
    "gram_sum": StyleLoss(sums, itself, gram_sum_distance),
    "mean_std": StyleLoss(moments, mean_and_std, mean_std_distance),
}


def mean_square(x, dims=(1, 2, 3)):
    return x.float().square().mean(dims)


def instance_normalized(features):
    "Each channel with mean 0 and variance 1; one that hardly varies keeps less, it would be noise."
    x = features.float()
    variance, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
    floor = FAINT * variance.mean(1, keepdim=True) + NONE
    return (x - mean) * (variance + floor).rsqrt()


# name -> of features of a picture and of the photo, [B, C, H, W] each: [B]
CONTENT_LOSSES = {
    "mse": lambda x, photo: mean_square(x.float() - photo.float()),
    "relative": lambda x, photo: (
        mean_square(x.float() - photo.float()) / (mean_square(photo) + NONE)
    ),
    # Where things are, not how strong their contrasts: a squared error is least on pale pictures.
    "normalized": lambda x, photo: mean_square(instance_normalized(x) - instance_normalized(photo)),
    "scaled": lambda x, photo: scaled_error(x - photo),
}
