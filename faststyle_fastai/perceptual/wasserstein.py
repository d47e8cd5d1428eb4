"""The 2-Wasserstein distance of normal distributions: of features, and of colors.

It is a style loss on means and covariances. Its map between two of them gives a painting's colors.
"""

import math

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ..core.devices import on_cpu
from ..core.moments import SMALLEST_VARIANCE as EPS

__all__ = [
    "gaussian_root", "gaussian_root_and_size", "relative_w2_distances", "toward_palette",
    "w2_distances",
]  # fmt: skip

NONE = 1e-8  # keeps a relative error finite if the target is all zero
GAIN = 1.6  # largest change of contrast by a palette


def gaussian(
    m: Tensor,  # [B, C + 1, C + 1], moments
) -> tuple[Tensor, Tensor]:  # [B, C] and [B, C, C]
    "Means and covariances in float64, because W2 is a small difference of large traces."
    m = (m.cpu() if m.device.type in ("mps", "xpu") else m).double()  # no float64
    mean, second = m[:, :-1, -1], m[:, :-1, :-1]
    cov = torch.baddbmm(second, mean[:, :, None], mean[:, None], alpha=-1)
    cov.diagonal(dim1=1, dim2=2).add_(EPS)
    return mean, cov


def gaussian_root(m):
    "Means, a root L of the covariance L Lᵀ, and its trace, for a painting."
    mean, cov = gaussian(m)
    values, vectors = torch.linalg.eigh(cov)
    root = vectors * values.clamp(min=EPS).sqrt()[:, None]
    return mean, root, cov.diagonal(dim1=1, dim2=2).sum(1)


class W2(torch.autograd.Function):
    """Squared 2-Wasserstein distance of normal distributions with these moments, per channel.

    |μ - ν|² + tr(S + T - 2(S½TS½)½) for means μ, ν and covariances S, T. With S = L Lᵀ, the last
    trace is that of M½, M = Lᵀ T L: the sum of the square roots of its eigenvalues. Its gradient,
    L M^-½ Lᵀ, is finite where eigenvalues meet, as that of `eigh` is not. No eigenvalue of L Lᵀ or
    T is below EPS, hence none of M below EPS²; those that rounding makes smaller are raised to it.
    """

    @staticmethod
    def forward(ctx, targets, *moments):  # of several layers; a target may have more parts
        pairs = [gaussian(m) for m in moments]
        roots = [root.expand_as(cov) for (_, cov), (_, root, *_) in zip(pairs, targets)]
        # `eigh` raises an error for NaN. The other terms keep it, so that the caller can report it.
        matrices = [
            torch.nan_to_num(root.mT.bmm(cov).bmm(root), 0, 0, 0)
            for (_, cov), root in zip(pairs, roots)
        ]
        distances, gradients = [], []
        for m, (found, cov), (mean, _, trace, *_), root, (values, vectors) in zip(
            moments, pairs, targets, roots, eigh_together(matrices)
        ):
            spread, off, n = values.clamp(min=EPS**2).sqrt(), found - mean, cov.shape[-1]
            rest = trace + cov.diagonal(dim1=1, dim2=2).sum(1)
            rest = torch.sub(rest, spread.sum(1), alpha=2)
            distances.append(((off.square().sum(1) + rest) / n).to(m.device, m.dtype))
            if any(ctx.needs_input_grad):
                turned = root.bmm(vectors)
                half = turned / spread[:, None]
                of_cov = torch.baddbmm(cov, half, turned.mT, beta=0, alpha=-1 / n)
                of_cov.diagonal(dim1=1, dim2=2).add_(1 / n)
                column = off[..., None], of_cov, found[..., None]
                of_mean = torch.baddbmm(*column, beta=2 / n, alpha=-2)
                of_m = F.pad(torch.cat([of_cov, of_mean], 2), (0, 0, 0, 1))
                gradients.append(of_m.to(m.device, m.dtype))
        ctx.save_for_backward(*gradients)
        return tuple(distances)

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads):
        return None, *(g[:, None, None] * of_m for g, of_m in zip(grads, ctx.saved_tensors))


def eigh_together(
    matrices: list[Tensor],  # [B, n, n] each, positive semi-definite
) -> list[tuple[Tensor, Tensor]]:
    "`eigh` of each; on a GPU in one call, padded with zeros, because each call waits for it."
    if on_cpu(matrices[0]) or len({m.device for m in matrices}) > 1:
        return [torch.linalg.eigh(m) for m in matrices]
    sizes = [m.shape[-1] for m in matrices]
    padded = torch.cat([F.pad(m, 2 * (0, max(sizes) - n)) for m, n in zip(matrices, sizes)])
    parts = (part.split([len(m) for m in matrices]) for part in torch.linalg.eigh(padded))
    # Eigenvalues ascend, so those of the padding come first.
    return [(v[:, -n:], w[:, :n, -n:]) for v, w, n in zip(*parts, sizes)]


def w2_distances(moments, targets):
    return W2.apply(targets, *moments)


def gaussian_root_and_size(m):
    "`gaussian_root` and the mean square of the painting's features."
    return *gaussian_root(m), m.diagonal(dim1=1, dim2=2)[:, :-1].mean(1) + NONE


def relative_w2_distances(moments, targets):
    "W2 relative to the mean square of the painting, so that layers and paintings are balanced."
    return [d / size for d, (*_, size) in zip(w2_distances(moments, targets), targets)]


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
