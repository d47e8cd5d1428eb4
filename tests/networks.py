"Networks and weights of others, written down plainly, to compare with."

import torch
from torch.nn import functional as F

from faststyle_fastai.perceptual.backbones import BACKBONES


def examples_network(state, x):
    "pytorch/examples' forward pass, written down plainly: [1, 3, H, W] in 0–255."

    def conv(name, x, stride=1):
        weight, bias = state[f"{name}.conv2d.weight"], state[f"{name}.conv2d.bias"]
        pad = weight.shape[-1] // 2
        return F.conv2d(F.pad(x, (pad,) * 4, mode="reflect"), weight, bias, stride)

    def norm(name, x):
        return F.instance_norm(x, weight=state[f"{name}.weight"], bias=state[f"{name}.bias"])

    y = norm("in1", conv("conv1", x)).relu()
    y = norm("in2", conv("conv2", y, 2)).relu()
    y = norm("in3", conv("conv3", y, 2)).relu()
    for i in range(1, 6):
        r = norm(f"res{i}.in1", conv(f"res{i}.conv1", y)).relu()
        y = y + norm(f"res{i}.in2", conv(f"res{i}.conv2", r))
    y = norm("in4", conv("deconv1", F.interpolate(y, scale_factor=2))).relu()
    y = norm("in5", conv("deconv2", F.interpolate(y, scale_factor=2))).relu()
    return conv("deconv3", y)


def vgg_state(name, n_convs, scale=0.05):
    "The first convolutions of a network under torchvision's names."
    state, index, before = {}, 0, 3
    for widths in BACKBONES[name]:
        for width in widths:
            if len(state) < 2 * n_convs:
                state[f"features.{index}.weight"] = scale * torch.randn(width, before, 3, 3)
                state[f"features.{index}.bias"] = torch.zeros(width)
            before, index = width, index + 2
        index += 1
    return state
