"Instance normalization that is fast on a CPU, with a scale and a shift for each style."

from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ..core.devices import on_cpu

__all__ = [
    "InstanceNorm", "grained", "instance_norm", "affine_widths", "is_affine", "mean_and_variance",
    "pooled",
]  # fmt: skip

GRAIN = 1 / 255  # standard deviation of a photo below which it is flat
IN_A_ROW = 65_536  # most values to sum directly in float32; larger sums are split


class InstanceNorm(nn.Module):
    """Instance normalization with a scale and a shift for each style and channel.

    `statistics`, a function of the features [B, C, H, W], may supply the mean and variance [2, C]
    instead of the image itself: a tile needs those of its whole image.
    """

    statistics: Callable[[Tensor], Tensor] | None = None

    def __init__(self, channels: int, n_styles: int, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(n_styles, channels))
        self.bias = nn.Parameter(torch.zeros(n_styles, channels))

    def forward(self, x, styling):  # see TransformerNet.prepare
        weight, bias = styling[self]
        if self.statistics is None:
            return instance_norm(x, weight, bias, self.eps)
        mean, variance = self.statistics(x)
        parts = zip(x.split(1), weight.float(), bias.float())
        found = [F.batch_norm(y, mean, variance, w, b, eps=self.eps) for y, w, b in parts]
        return found[0] if len(found) == 1 else torch.cat(found)


def grained(
    x: Tensor,  # [B, 3, H, W] in [0, 1]
) -> Tensor:  # the same shape
    """Photos to train on, the flat ones with a faint grain; all others are unchanged.

    Normalization divides by next to nothing where all is flat: gradients would grow 300 times in
    each layer, and overflow.
    """
    flat = x.var((2, 3), correction=0, keepdim=True).amax(1, keepdim=True) < GRAIN**2
    return torch.where(flat, x + grain(*x.shape[2:], x.device, x.dtype), x)


@lru_cache(maxsize=8)
def grain(height, width, device, dtype):
    values = torch.arange(height * width, device=device).mul(12.9898).sin()
    return (2 * GRAIN * values).view(height, width).to(dtype)


def is_affine(key: str) -> bool:
    "Whether a weight belongs to a style: the scales and shifts of normalizations."
    return key.split(".")[-2].startswith("in")


def affine_widths(net: nn.Module) -> dict[str, int]:
    "The numbers of each scale and shift of a network in one style, by name."
    return {k: p.shape[1] for k, p in net.named_parameters() if is_affine(k)}


def instance_norm(
    x: Tensor,  # [B, C, H, W]
    weight: Tensor,  # [B, C], a scale for each image
    bias: Tensor,  # [B, C], a shift for each image
    eps: float = 1e-5,
) -> Tensor:  # [B, C, H, W]
    "Normalize each channel of each image to mean 0 and variance 1, then scale and shift."
    if torch.compiler.is_compiling():
        y = F.instance_norm(x, eps=eps)
        return torch.addcmul(bias[..., None, None], weight[..., None, None], y)
    if on_cpu(x):
        return ChannelsLastNorm.apply(x, weight.float(), bias.float(), eps)
    # With one group per image and channel, group_norm takes a scale and a shift for each image.
    y = x.reshape(1, -1, *x.shape[2:])  # [1, B*C, H, W]
    weight, bias = (values.flatten().to(y.dtype) for values in (weight, bias))
    with torch.autocast(x.device.type, enabled=False):  # which would return float32
        y = F.group_norm(y, y.shape[1], weight, bias, eps)
    # A view that autograd does not know as one: ReLU in place on a view copies in the backward.
    return torch.ops.aten._unsafe_view(y, x.shape)


def mean_and_variance(
    x: Tensor,  # [1, C, H, W]
) -> Tensor:  # [2, C], float64; float32 on MPS, which has no float64
    "Mean and variance of each channel."
    if not on_cpu(x):
        variance, mean = torch.var_mean(x.float(), (0, 2, 3), correction=0)
        found = torch.stack([mean, variance])
        return found if x.device.type in ("mps", "xpu") else found.double()
    ones = x.new_ones(x.shape[1], dtype=torch.float32)
    # Scale, shift, no running statistics, training, momentum and eps of native_batch_norm.
    row = ones, 0 * ones, None, None, True, 0.0, 1e-5
    lines = x.contiguous(memory_format=torch.channels_last).split(max(1, IN_A_ROW // x.shape[3]), 2)
    found = torch.stack([torch.stack(torch.native_batch_norm(y, *row)[1:]) for y in lines]).double()
    found[:, 1] = found[:, 1] ** -2 - row[-1]  # it returns 1 / standard deviation
    return pooled([y.shape[2] for y in lines], found)


def pooled(
    sizes: Sequence[int],  # number of values in each part, in proportion
    found: Tensor,  # [parts, 2, C], mean and variance of each part
) -> Tensor:  # [2, C]
    "Mean and variance of all parts combined."
    share = torch.tensor(sizes, dtype=found.dtype)[:, None].to(found.device) / sum(sizes)
    means, variances = found.unbind(1)
    mean = (share * means).sum(0)
    return torch.stack([mean, (share * (variances + (means - mean) ** 2)).sum(0)])


class ChannelsLastNorm(torch.autograd.Function):
    """`instance_norm` in channels-last memory, one image at a time.

    PyTorch's normalizations are fast in this layout but their gradients are not, hence this one.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        x = x.contiguous(memory_format=torch.channels_last)
        y, (mean, rstd) = torch.empty_like(x), weight.new_empty(2, *weight.shape)
        for found in zip(x.split(1), weight, bias, y.split(1), mean, rstd):
            normalize_one(eps, *found)
        ctx.save_for_backward(x, weight, mean, rstd)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, *factors = ctx.saved_tensors
        grad, of_x = grad.contiguous(memory_format=torch.channels_last), torch.empty_like(x)
        images = (y.split(1) for y in (grad, x, of_x, *factors))
        found = [one_backward(*one) for one in zip(*images)]
        of_weight, of_bias = (torch.cat(values) for values in zip(*found))
        return of_x, of_weight, of_bias, None


def normalize_one(eps, x, weight, bias, y, mean, rstd):
    "Write one image's normalization to `y`, and its statistics to `mean` and `rstd`."
    if x[0, 0].numel() > IN_A_ROW:
        pair = mean_and_variance(x).float()
        mean.copy_(pair[0])
        rstd.copy_((pair[1] + eps).rsqrt())
        affine(x, weight * rstd, bias - mean * weight * rstd, y)
    else:
        how = None, None, True, 0.0, eps
        torch.native_batch_norm(x, weight, bias, *how, out=(y, mean, rstd))


def one_backward(grad, x, of_x, weight, mean, rstd):
    """Write the gradient of one image's normalization to `of_x`; return those of its factors.

    Factors are in float32, features in their dtype.
    """
    z = affine(x, rstd, -mean * rstd)
    of_bias, of_weight = total(grad), total(grad * z)
    scale = weight * rstd
    share = scale / x[0, 0].numel()
    affine(grad, scale, 0 * scale, of_x)
    of_x += affine(z, -share * of_weight, -share * of_bias)
    return of_weight, of_bias


def affine(x, scale, shift, y=None):
    "Scale and shift each channel of `x` [1, C, H, W] in one pass, rounding once; to `y` if given."
    scale, shift = scale.view(-1), shift.view(-1)
    zeros = torch.zeros_like(shift)
    how = scale, shift, zeros, 1 + zeros, False, 0.0, 0.0
    if y is None:
        return torch.native_batch_norm(x, *how)[0]
    unused = scale.new_empty(0)  # statistics, whose type must be that of the scale
    return torch.native_batch_norm(x, *how, out=(y, unused, unused))[0]


def total(
    x: Tensor,  # [B, C, H, W]
) -> Tensor:  # [B, C], float32
    "Sum over all positions; rows first, because the dtype of `x` rounds each sum."
    return x.permute(0, 2, 3, 1).sum(2).float().sum(1)
