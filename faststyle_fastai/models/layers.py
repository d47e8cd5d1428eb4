"""The layers of TransformerNet: convolutions that are fast on a CPU, and what follows them.

Features are stored channels-last. Module names and weights are those of plain convolutions; only
the computation differs. When the network is compiled or exported
(`torch.compiler.is_compiling()`), equivalent plain operations are used.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .convolution import Conv2d, conv2d
from .normalization import InstanceNorm

__all__ = ["ConvLayer", "ResidualBlock", "Stage", "UpConvLayer", "WideConv2d"]


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

    bias: Tensor  # always

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

    bias: Tensor  # always

    def forward(self, x):
        n_out, n_in = self.weight.shape[:2]
        x = x.permute(0, 2, 3, 1)
        batch, height, width = x.shape[0], x.shape[1] // 2, x.shape[2] // 2
        x = x.reshape(batch, height, 2, width, 2 * n_in).transpose(2, 3)
        x = x.reshape(batch, height, width, 4 * n_in).permute(0, 3, 1, 2)
        shifts = [(right, 1 - right, down, 1 - down) for down in (0, 1) for right in (0, 1)]
        kernel = torch.stack([F.pad(self.weight, shift) for shift in shifts], 1)
        kernel = kernel.reshape(4 * n_out, n_in, 5, 2, 5, 2).permute(0, 3, 5, 1, 2, 4)
        kernel = kernel.reshape(4 * n_out, 4 * n_in, 5, 5)
        return F.pixel_shuffle(conv2d(x, kernel, self.bias.repeat_interleave(4, 0)), 2)


class ResidualBlock(nn.Module):
    "Two normalized convolutions added to the input; no activation after the sum."

    def __init__(self, channels, n_styles, eps=1e-5):
        super().__init__()
        self.conv1, self.conv2 = (ConvLayer(channels, channels, 3) for _ in range(2))
        self.in1, self.in2 = (InstanceNorm(channels, n_styles, eps) for _ in range(2))

    def stages(self):
        return Stage(self.conv1, self.in1, begins=True), Stage(self.conv2, self.in2, ends=True)


class Stage(NamedTuple):
    """A convolution, a normalization and ReLU; where a residual block ends, its sum instead.

    `skip` is the input of the block that the features are in, if any.
    """

    conv: nn.Module
    norm: InstanceNorm
    begins: bool = False  # a residual block
    ends: bool = False
    relu: bool = True

    def convolve(self, y: Tensor, skip: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return self.conv(y), y if self.begins else skip

    def normalize(self, y: Tensor, skip: Tensor | None, styling) -> tuple[Tensor, Tensor | None]:
        y = self.norm(y, styling)
        if self.ends:
            assert skip is not None
            return y + skip, None
        return y.relu_() if self.relu else y, skip
