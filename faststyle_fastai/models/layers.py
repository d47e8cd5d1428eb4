"""The layers of TransformerNet: convolutions and instance normalization that are fast on a CPU.

Features are stored channels-last. Module names and weights are those of plain convolutions; only
the computation differs. When the network is compiled or exported
(`torch.compiler.is_compiling()`), equivalent plain operations are used.
"""

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ..core.devices import on_cpu
from .convolution import Conv2d, conv2d

__all__ = [
    "ConvLayer",
    "InstanceNorm",
    "ResidualBlock",
    "UpConvLayer",
    "WideConv2d",
    "instance_norm",
]

IN_A_ROW = 65_536  # most values to sum directly in float32; larger sums are split


class ConvLayer(nn.Module):
    "Reflection padding, then a convolution; the size stays the same at stride 1."

    edge = "reflect"

    def __init__(self, n_in, n_out, kernel, stride=1, conv=Conv2d):
        super().__init__()
        self.pad = kernel // 2
        self.conv2d = conv(n_in, n_out, kernel, stride)

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):  # autocast would pad in float32 on a CPU
            x = F.pad(x, (self.pad,) * 4, mode=self.edge)
        return self.conv2d(x)


class UpConvLayer(ConvLayer):
    """Nearest-neighbor upsampling by two, then a 3x3 `ConvLayer`.

    Reflection padding of the large image equals replication padding of the small one.
    """

    edge = "replicate"

    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out, 3, conv=UpConv2d)


class UpConv2d(nn.Conv2d):
    """A 3x3 convolution of an upsampled image in less than half of the multiplications.

    A large pixel sees 2x2 small pixels, so each of the four pixel positions has its own 2x2 kernel.
    """

    def forward(self, x):
        # Which rows, and which columns, of the kernel fall on the same small pixel differs for even
        # and for odd large pixels.
        kernel = self.weight
        for axis in (2, 3):
            first, second, third = kernel.unbind(axis)
            kernel = torch.stack([first, second + third, first + second, third], axis)
        kernel = kernel.unflatten(3, (2, 2)).unflatten(2, (2, 2)).permute(2, 4, 0, 1, 3, 5)
        y = conv2d(x, kernel.flatten(0, 2), self.bias.repeat(4))
        if torch.compiler.is_compiling():
            parts = [y[:, :, i : i - 1 or None, j : j - 1 or None] for i in (0, 1) for j in (0, 1)]
            kinds = [part.chunk(4, 1)[k] for k, part in enumerate(parts)]
            return F.pixel_shuffle(torch.stack(kinds, 2).flatten(1, 2), 2)
        return Interleave.apply(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Interleave(torch.autograd.Function):
    """Interleave the outputs of the four 2x2 kernels.

    [B, H + 1, W + 1, 4 * C] -> [B, 2 * H, 2 * W, C]. Odd rows and columns are read one row or
    column further along.
    """

    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        y = Interleave.view(x.contiguous())
        batch, height, _, width, _, channels = y.shape
        return y.reshape(batch, 2 * height, 2 * width, channels)

    @staticmethod
    def backward(ctx, grad):
        of_x = grad.new_zeros(ctx.shape)
        view = Interleave.view(of_x)
        view.copy_(grad.reshape(view.shape))
        return of_x

    @staticmethod
    def view(x):
        "View the four kinds of pixels as [B, H, 2, W, 2, C]."
        batch, height, width, channels = x.shape
        x = x.view(batch, height, width, 2, 2, channels // 4)
        whole, down, right, row, column, one = x.stride()
        shape = batch, height - 1, 2, width - 1, 2, channels // 4
        return x.as_strided(shape, (whole, down, down + row, right, right + column, one))


class WideConv2d(nn.Conv2d):
    """A 9x9 convolution to few channels, computed as a 5x5 convolution on 2x2 pixel blocks.

    The extra channels fill the processor's vector registers. Height and width must be even.
    """

    def forward(self, x):
        n_out, n_in = self.weight.shape[:2]
        x = x.permute(0, 2, 3, 1)
        batch, height, width = x.shape[0], x.shape[1] // 2, x.shape[2] // 2
        x = x.reshape(batch, height, 2, width, 2 * n_in).transpose(2, 3)
        x = x.reshape(batch, height, width, 4 * n_in).permute(0, 3, 1, 2)
        shifts = [(right, 1 - right, down, 1 - down) for down in (0, 1) for right in (0, 1)]
        kernel = torch.stack([F.pad(self.weight, shift) for shift in shifts], 1)
        kernel = kernel.view(4 * n_out, n_in, 5, 2, 5, 2).permute(0, 3, 5, 1, 2, 4)
        kernel = kernel.reshape(4 * n_out, 4 * n_in, 5, 5)
        return F.pixel_shuffle(conv2d(x, kernel, self.bias.repeat_interleave(4, 0)), 2)


class InstanceNorm(nn.Module):
    """Instance normalization with a scale and a shift for each style and channel.

    If `known`, [2, C], is not empty, it replaces the image's own mean and variance.
    """

    def __init__(self, channels, n_styles, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(n_styles, channels))
        self.bias = nn.Parameter(torch.zeros(n_styles, channels))
        self.register_buffer("known", torch.empty(0), persistent=False)

    def forward(self, x, styling):  # see TransformerNet.steps
        if isinstance(styling, dict):
            return self._normalized(x, *styling[self])
        styling = F.adaptive_avg_pool2d(styling, x.shape[-2:])
        weight, bias = (torch.einsum("bnhw,nc->bchw", styling, p) for p in (self.weight, self.bias))
        ones = torch.ones(x.shape[:2], device=x.device)
        return self._normalized(x, ones, torch.zeros_like(ones)) * weight + bias

    def _normalized(self, x, weight, bias):
        if not len(self.known):
            return instance_norm(x, weight, bias, self.eps)
        parts = zip(x.split(1), weight.float(), bias.float())
        return torch.cat([F.batch_norm(y, *self.known, *row, eps=self.eps) for y, *row in parts])


class ResidualBlock(nn.Module):
    "Two normalized convolutions added to the input; no activation after the sum."

    def __init__(self, channels, n_styles, eps=1e-5):
        super().__init__()
        self.conv1, self.conv2 = (ConvLayer(channels, channels, 3) for _ in range(2))
        self.in1, self.in2 = (InstanceNorm(channels, n_styles, eps) for _ in range(2))

    def steps(self, x, styling):
        "See TransformerNet.steps."
        y = (yield self.in1, self.conv1(x), styling).relu_()
        return x + (yield self.in2, self.conv2(y), styling)


def through(steps, normalized=lambda norm, *inputs: norm(*inputs)):
    "Run `steps` to the end, applying each normalization on the way, and return the output."
    waiting = [next(steps)]  # popped, so that features are freed as soon as they are not needed
    try:
        while True:
            waiting.append(steps.send(normalized(*waiting.pop())))
    except StopIteration as end:
        return end.value


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
        return found if x.device.type == "mps" else found.double()
    ones = x.new_ones(x.shape[1], dtype=torch.float32)
    # Scale, shift, no running statistics, training, momentum and eps of native_batch_norm.
    row = ones, 0 * ones, None, None, True, 0.0, 1e-5
    lines = x.contiguous(memory_format=torch.channels_last).split(max(1, IN_A_ROW // x.shape[3]), 2)
    found = torch.stack([torch.stack(torch.native_batch_norm(y, *row)[1:]) for y in lines]).double()
    found[:, 1] = found[:, 1] ** -2 - row[-1]  # it returns 1 / standard deviation
    return pooled([y.shape[2] for y in lines], found)


def pooled(
    sizes: list[int],  # number of values in each part, in proportion
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
            normalize_one(*found, eps)
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


def normalize_one(x, weight, bias, y, mean, rstd, eps):
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
