"Moments of features: means and products of channels over all positions."

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = [
    "SMALLEST_VARIANCE", "area", "correlations", "mean_and_std", "moments", "second_moments",
]  # fmt: skip

SMALLEST_VARIANCE = 1e-4  # features at few positions give singular covariances


def second_moments(
    features: Tensor,  # [B, C, H, W]
    weight: Tensor | None = None,  # [1, 1, H, W], weight of each position; None: equal
) -> tuple[Tensor, Tensor]:  # [B, C, C] and [B, C], float32
    "Mean products of all pairs of channels, and channel means, over all positions."

    def places(x):
        return x.permute(0, 2, 3, 1).flatten(1, 2)

    with torch.autocast(features.device.type, enabled=False):
        return Products.apply(places(features), None if weight is None else places(weight))


class Products(torch.autograd.Function):
    """Weighted `x.mT @ x` and sum of `x` over its N positions, [B, N, C], both divided by N.

    The gradient takes one matrix product instead of autograd's two. It has the dtype of `x` and the
    memory layout of channels-last features.
    """

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        x = x.float()
        weighted = x if weight is None else x * weight
        return weighted.mT.bmm(x) / x.shape[1], weighted.mean(1)

    @staticmethod
    def backward(ctx, grad, grad_mean):
        x, weight = ctx.saved_tensors
        turn, shift = (grad + grad.mT).to(x.dtype), grad_mean[:, None].to(x.dtype)
        # Divide within the product: a small matrix would underflow in float16.
        share = 1 / x.shape[1]
        found = torch.baddbmm(shift, x, turn, beta=share, alpha=share)
        return found if weight is None else (found * weight).to(x.dtype), None


def area(
    x: Tensor,  # [B, C, H, W]
    shape: tuple[int, int],  # h, w
) -> Tensor:  # [B, C, h, w]
    "Means over a grid of areas."
    even = all(n % m == 0 for n, m in zip(x.shape[2:], shape))
    if x.device.type == "mps" and not even:  # which MPS lacks
        return F.adaptive_avg_pool2d(x.cpu(), shape).to(x.device)
    return F.adaptive_avg_pool2d(x, shape)


def moments(
    features: Tensor,  # [B, C, H, W]
    where: Tensor | None = None,  # [1, 1, h, w], weight of each position; None: equal
) -> Tensor:  # [B, C + 1, C + 1], float32
    """Mean products of all pairs of channels, after appending a channel that is 1 everywhere.

    The last column therefore holds the channel means. Moments of several paintings may be averaged;
    covariances may not.
    """
    if where is not None:
        where = area(where.to(features.device), (features.shape[2], features.shape[3]))
        where = where / where.mean().clamp(min=1e-6)
    second, mean = second_moments(features, where)
    ones = second.new_ones(()) if where is None else where.mean()
    last = torch.cat([mean, ones.expand(len(mean), 1)], 1)
    return torch.cat([torch.cat([second, mean[:, None]], 1), last[..., None]], 2)


def mean_and_std(
    m: Tensor,  # [B, C + 1, C + 1], moments
) -> tuple[Tensor, Tensor]:  # [B, C] each
    "Channel means and standard deviations from `moments`."
    mean, square = m[:, :-1, -1], m.diagonal(dim1=1, dim2=2)[:, :-1]
    return mean, (square - mean.square()).clamp(min=SMALLEST_VARIANCE).sqrt()


def correlations(
    m: Tensor,  # [B, C + 1, C + 1], moments
    mixtures: Tensor,  # [n, C], the weights of each mixture of channels
) -> Tensor:  # [B, n, n]
    "Covariances of mixtures of channels, each channel with a standard deviation of 1."
    mean, std = mean_and_std(m)
    cov = torch.baddbmm(m[:, :-1, :-1], mean[:, :, None], mean[:, None], alpha=-1)
    mixtures = mixtures / std[:, None]
    return mixtures.bmm(cov).bmm(mixtures.mT)
