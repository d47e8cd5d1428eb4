"How a painting's style is told from features, and how far two are apart: one row of a table each."

import torch
from torch import Tensor
from torch.nn import functional as F

from .losses import second_moments

__all__ = ["CONTENT_LOSSES", "STYLE_LOSSES", "moments"]

EPS = 1e-4  # the least variance: features of few places leave covariances without full rank


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


def gram_distance(target: Tensor):
    "Squared difference of Gram matrices, of the square of the painting's: no layer is louder."
    grams = target[:, :-1, :-1]
    of = grams.square().sum((1, 2))
    return lambda found: (found[:, :-1, :-1] - grams).square().sum((1, 2)) / of


def sums(features, where=None):
    "`moments` not divided by the number of places, which is the last value of the last row."
    return moments(features, where) * features[0, 0].numel()


def gram_sum_distance(target: Tensor):
    "Of undivided Gram matrices the mean squared difference, over the painting's C * H * W."
    channels, places = target.shape[-1] - 1, target[:, -1, -1]

    def distance(found):
        error = (found - target)[:, :-1, :-1].square().mean((1, 2))
        return error / (channels * places)

    return distance


def gram_scaled_distance(target: Tensor):
    "Of Gram matrices over H * W the error whose gradient has an L1 norm of about 1."
    return lambda found: scaled_error((found - target)[:, :-1, :-1])


def scaled_error(difference):
    "The sum of squares over the sum of absolute values, of each picture: [B, …] -> [B]."
    x = difference.float().flatten(1)
    return x.square().sum(1) / (x.abs().sum(1) + 1e-8)


def mean_std_distance(target: Tensor):
    "Mean squared differences of the channels' means and standard deviations (Huang et al. 2017)."

    def statistics(m):
        mean, square = m[:, :-1, -1], m.diagonal(dim1=1, dim2=2)[:, :-1]
        return mean, (square - mean.square()).clamp(min=EPS).sqrt()

    mean, std = statistics(target)

    def distance(found):
        m, s = statistics(found)
        return (m - mean).square().mean(1) + (s - std).square().mean(1)

    return distance


def w2_distance(target: Tensor):
    """Squared 2-Wasserstein distance of normal distributions with the moments, over channels.

    |μ - ν|² + tr(S + T - 2(S½TS½)½) for means μ, ν and covariances S, T. With S = L Lᵀ the
    last trace is that of (Lᵀ T L)½, the sum of the square roots of its eigenvalues, so the gradient
    is finite where eigenvalues meet. Covariances of few places are singular, and rounding may make
    them worse: eigenvalues below those that `EPS` guarantees are raised to it.
    """
    mean, cov = gaussian(target)
    values, vectors = torch.linalg.eigh(cov)
    root = vectors * values.clamp(min=EPS).sqrt()[:, None]

    def distance(found):
        m, c = gaussian(found)
        shared = TraceSqrt.apply(root.mT @ c @ root)
        spread = cov.diagonal(dim1=1, dim2=2).sum(1) + c.diagonal(dim1=1, dim2=2).sum(1)
        return ((m - mean).square().mean(1) + (spread - 2 * shared) / c.shape[-1]).float()

    return distance


def gaussian(m):
    "Means and covariances, float64: W2 is a small difference of large traces."
    m = (m.cpu() if m.device.type == "mps" else m).double()  # which has no float64
    mean, second = m[:, :-1, -1], m[:, :-1, :-1]
    eye = torch.eye(mean.shape[-1], dtype=m.dtype, device=m.device)
    return mean, second - mean[:, :, None] * mean[:, None] + EPS * eye


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


# name -> what is kept of features, and of a painting's the function that measures from there:
# [B, C + 1, C + 1] -> [B]
STYLE_LOSSES = {
    "w2": (moments, w2_distance),
    "gram": (moments, gram_distance),
    "gram_scaled": (moments, gram_scaled_distance),
    "gram_sum": (sums, gram_sum_distance),
    "mean_std": (moments, mean_std_distance),
}

# name -> of features of a picture and of the photo, [B, C, H, W] each: [B]
CONTENT_LOSSES = {
    "mse": lambda x, photo: (x.float() - photo.float()).square().mean((1, 2, 3)),
    "scaled": lambda x, photo: scaled_error(x - photo),
}
