"""A network for any painting: it turns places of the painting into an image.

Each place of a photo, 8x8 px, takes the features of a place of the painting (Chen & Schmidt 2016).
`perceptual.coherence` says which. The network also sees the photo's light, so that faces and
outlines hold. Scales and shifts of a network's features cannot bring brushwork; this can.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.assets import builtin_path
from ..core.weights import unpacked
from ..images.tensors import luminance
from .stylefile import read_state

__all__ = [
    "PLACE", "REACH", "SEEN", "Decoder", "cells", "features_of_places", "keys", "light",
    "load_decoder",
]  # fmt: skip

SEEN = "relu1_2", "relu2_2", "relu3_4", "relu4_2"  # layers of backbone `lite`, pooling `l2`
CELL, PLACE = 4, 8  # px: a place is 2x2 cells
CHANNELS, LIGHT = 24 + 4 * 48 + 112 + 128, CELL**2  # of a cell, and of the photo's light in it
SHAPES = {"full": (160, 6), "slim": (96, 4)}  # arch -> channels, residual blocks
REACH = 80  # px around a pixel, at least as far as it depends on the image (66)
DIM = 0.05  # deviation of the luminance below which a photo counts as flat


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first, self.second = conv(channels, channels), conv(channels, channels)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x):
        return x + self.second(F.relu(self.first(F.relu(x))))


class Decoder(nn.Module):
    "Turns cells of a painting into an image in its manner."

    def __init__(self, arch: str = "full"):
        super().__init__()
        width, blocks = SHAPES[arch]
        self.scale = nn.Parameter(torch.ones(CHANNELS))
        self.enter = conv(CHANNELS + LIGHT, width)
        self.blocks = nn.Sequential(*[Residual(width) for _ in range(blocks)])
        self.to_half, self.at_half = conv(width, 64 * 4), Residual(64)
        self.to_full, self.at_full = conv(64, 24 * 4), Residual(24)
        self.leave = conv(24, 3, 5)

    def forward(
        self,
        taken: Tensor,  # [B, 472, H/4, W/4], of a painting: `cells` and `light`
        light: Tensor,  # [B, 16, H/4, W/4], of the photo
        likeness: float | Tensor = 1.0,  # its share, from 0; the rest is the painting's light
    ) -> Tensor:  # [B, 3, H, W], about 0 to 1
        taken, other = taken.split([CHANNELS, LIGHT], 1)
        light = light + (1 - likeness) * (other - light)
        x = torch.cat([taken * self.scale.view(1, -1, 1, 1), light], 1)
        x = self.blocks(self.enter(x))
        x = self.at_half(F.pixel_shuffle(self.to_half(F.relu(x)), 2))
        x = self.at_full(F.pixel_shuffle(self.to_full(F.relu(x)), 2))
        return self.leave(F.relu(x)) + 0.5


def conv(channels, out, kernel=3):
    return nn.Conv2d(channels, out, kernel, padding=kernel // 2, padding_mode="reflect")


def cells(
    features: dict[str, Tensor],  # layers `SEEN` of an image whose sides are multiples of 8
) -> Tensor:  # [B, 456, H/4, W/4]
    "All that the network gets of a painting."
    fine, half, quarter, deep = (features[name].float() for name in SEEN)
    parts = [F.avg_pool2d(fine, CELL), F.pixel_unshuffle(half, 2), quarter]
    return torch.cat([*parts, F.interpolate(deep, scale_factor=2, mode="nearest")], 1)


def features_of_places(
    features: dict[str, Tensor],  # layers `SEEN`
) -> list[Tensor]:  # [B, C, H/8, W/8] each
    "What places are compared by: their weights are those of `keys`."
    _, half, quarter, deep = (features[name].float() for name in SEEN)
    return [F.avg_pool2d(half, 4), F.avg_pool2d(quarter, 2), deep]


def keys(
    parts: list[Tensor],  # of `features_of_places`, of a whole image
) -> Tensor:  # [B, 288, H/8, W/8], each place of length 1
    "Places without the mean of their image, each layer with its weight."
    found = []
    for x, weight in zip(parts, (0.5, 1.0, 1.0)):
        x = x - x.mean((2, 3), keepdim=True)
        size = x.square().sum(1, keepdim=True).mean((2, 3), keepdim=True)
        found.append(weight * x * (size + 1e-12).rsqrt())
    return F.normalize(torch.cat(found, 1), dim=1)


def light(
    x: Tensor,  # [B, 3, H, W] in [0, 1]
) -> Tensor:  # [B, 16, H/4, W/4]
    "Luminance with mean 0 and deviation 1."
    y = luminance(x)
    y = (y - y.mean((2, 3), keepdim=True)) / (y.std((2, 3), keepdim=True) + DIM)
    return F.pixel_unshuffle(y, CELL)


@torch.random.fork_rng([])  # a new network draws random weights
def load_decoder(
    arch: str = "full",  # or slim
) -> Decoder:  # in eval mode
    "The built-in decoder."
    net = Decoder(arch)
    net.load_state_dict(unpacked(read_state(builtin_path("decoder", arch))[0]))
    return net.requires_grad_(False).eval().to(memory_format=torch.channels_last)
