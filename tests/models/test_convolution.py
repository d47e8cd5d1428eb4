"Gradients of convolutions on CPUs with AVX2, on any CPU."

import pytest
import torch
from conftest import noise
from torch.nn import functional as F

from faststyle_fastai.models.convolution import Convolution


@pytest.mark.parametrize("kernel", [(3, 3), (2, 2), (2, 3)])
def test_gradients_are_those_of_conv2d(kernel):
    x = noise(2, 3, 9, 7).double().contiguous(memory_format=torch.channels_last).requires_grad_()
    weight, bias = (
        noise(4, 3, *kernel).double().requires_grad_(),
        noise(4).double().requires_grad_(),
    )
    parts = x, weight, bias
    ours, theirs = Convolution.apply(*parts), F.conv2d(*parts)
    assert torch.equal(ours, theirs)
    grad = noise(*ours.shape, seed=2).double()
    wanted = torch.autograd.grad(theirs, parts, grad)
    for found, right in zip(torch.autograd.grad(ours, parts, grad), wanted):
        torch.testing.assert_close(found, right)


def test_frozen_weights_get_no_gradient():
    x, weight, bias = noise(1, 3, 8, 8).requires_grad_(), noise(4, 3, 3, 3), noise(4)
    Convolution.apply(x, weight, bias).sum().backward()
    assert x.grad is not None and weight.grad is None and bias.grad is None
