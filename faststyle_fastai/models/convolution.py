"Convolution with a gradient that is fast on CPUs with AVX2 only."

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ..core.devices import on_cpu

__all__ = ["Conv2d", "conv2d"]

WIDE = 32  # channels that make matrix products fast


def conv2d(
    x: Tensor,  # [B, C, H, W]
    weight: Tensor,
    bias: Tensor,
    stride: int = 1,
) -> Tensor:
    "`F.conv2d` without padding."
    if stride == 1 and min(weight.shape[:2]) >= WIDE and slow_gradient(x):
        return Convolution.apply(x, weight, bias)
    return F.conv2d(x, weight, bias, stride)


class Conv2d(nn.Conv2d):
    "A convolution without padding whose gradient is fast on any CPU."

    bias: Tensor  # always

    def forward(self, x):
        return conv2d(x, self.weight, self.bias, self.stride[0])


def slow_gradient(x):
    "Whether gradients come in float32 from a CPU with AVX2 only."
    if torch.compiler.is_compiling() or not (torch.is_grad_enabled() and on_cpu(x)):
        return False
    single = x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return single and torch.backends.cpu.get_cpu_capability() == "AVX2"


class Convolution(torch.autograd.Function):
    """A convolution of channels-last features, with matrix products for the weight's gradient.

    On CPUs with AVX2 they take half to two thirds of the time of oneDNN's gradient in this layout.
    """

    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            how = [len(weight)], [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, False, False]
            of_x = torch.ops.aten.convolution_backward(grad, x, weight, *how)[0]
        if ctx.needs_input_grad[1]:
            of_weight = weight_gradient(x, grad, *weight.shape[2:])
        if ctx.needs_input_grad[2]:
            of_bias = grad.sum((0, 2, 3))
        return of_x, of_weight, of_bias


def weight_gradient(x, grad, height, width):
    """The products of `grad` with each of the kernel's views of `x`.

    With zeros in its last rows and columns, `grad` has the size of `x`. A view is then `x` without
    its first pixels, and needs no copy.
    """
    grad = F.pad(grad.permute(0, 2, 3, 1), (0, 0, 0, width - 1, 0, height - 1)).flatten(0, 2)
    pixels = x.permute(0, 2, 3, 1).flatten(0, 2)
    starts = [down * x.shape[3] + right for down in range(height) for right in range(width)]
    parts = [grad[: len(pixels) - start].T @ pixels[start:] for start in starts]
    return torch.stack(parts, -1).unflatten(-1, (height, width))
