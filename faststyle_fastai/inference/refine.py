"""Refining: a style's scales and shifts are optimized for one photo, in seconds.

The network paints the photo and takes steps down the loss of recipe `fast`, as in a training whose
only photo this is. All convolutions stay as they are, and with them the network's clean strokes.
"""

import math
import time
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor

from ..core.devices import computing
from ..images.sizes import resize_short
from ..models.normalization import is_affine
from ..models.transformer import TransformerNet
from ..perceptual.backbones import perceptual_backbone
from ..perceptual.losses import VggLoss
from ..perceptual.plans import FAST_LOSS

__all__ = ["LARGEST", "refine"]

BETAS = 0.9, 0.99  # of Adam
PATH = 0.32  # how far all steps together move a scale whose gradient keeps its sign
FASTEST = 0.05  # highest rate, for few steps; it falls to 0 along a half cosine
LARGEST = 512  # px of the photo's short side; more is slow, and the scales hardly change
SHORTEST = 32  # px of the short side at half the size; relu5_1 needs 16
SMALL = 0.5  # share of the steps taken at half the size, which cost a quarter
FEWEST = 4  # steps
TRIED = 3  # small steps that are timed; the fastest counts, because a machine has other work
PER_OCTAVE = 2  # the number of steps is a power of 2 ** (1 / PER_OCTAVE), rounded


def refine(
    net: TransformerNet,  # of one style
    painting: Tensor,  # [1, 3, H, W] in [0, 1]
    photo: Tensor,  # [1, 3, H, W] in [0, 1], on the network's device; see LARGEST
    seconds: float,
    dtype: torch.dtype | None = None,  # to compute in, see devices.autocast_dtype
    watch: Callable[[float], None] | None = None,  # gets the finished share
) -> TransformerNet:  # a copy, in eval mode
    """Fit the scales and shifts of a network to one photo and its painting.

    The first steps tell how many more fit into `seconds`. Their number is rounded to half octaves,
    so that the same machine gives the same image again. Ctrl-C ends the steps early.
    """
    net, device = deepcopy(net), photo.device
    for name, values in net.named_parameters():
        values.requires_grad_(is_affine(name))
    params = [values for values in net.parameters() if values.requires_grad]
    short = min(photo.shape[-2:])
    small = resize_short(photo, min(short, max(SHORTEST, short // 2)))
    loss = refining_loss(painting).to(device)
    opt = torch.optim.Adam(params, betas=BETAS)
    dtype = dtype if dtype == torch.bfloat16 else None  # float16 would need a scaled loss

    def step(x, rate):
        opt.param_groups[0]["lr"] = rate
        opt.zero_grad()
        with computing(device, dtype):
            painted = net(x).float()
            loss(painted, x).backward()
        opt.step()

    began = time.monotonic()
    try:
        step(small, 0.0)  # allocates and caches, and moves nothing
        n = steps_within(seconds, lambda: step(small, 0.0), began)
        rate = min(FASTEST, 2 * PATH / n)
        for i in range(n):
            step(small if i < SMALL * n else photo, rate * (1 + math.cos(math.pi * i / n)) / 2)
            if watch:
                watch((i + 1) / n)
    except KeyboardInterrupt:  # the steps so far count
        pass
    return net.requires_grad_(False).eval()


def steps_within(seconds: float, step: Callable, began: float) -> int:
    "The number of steps that fit, by the time of a small one."
    times = [time.monotonic()]
    for _ in range(TRIED):
        step()
        times.append(time.monotonic())
    fastest = min(after - before for before, after in pairwise(times))
    mean = fastest * (SMALL + 4 * (1 - SMALL))  # a full step takes four small ones
    room = max(FEWEST, (seconds - (times[-1] - began)) / mean)
    return round(2 ** (math.floor(PER_OCTAVE * math.log2(room)) / PER_OCTAVE))


# New modules draw random weights. That must not change the results of a seed.
@torch.random.fork_rng([])
def refining_loss(painting: Tensor) -> VggLoss:
    layers = [*FAST_LOSS["content"]["layers"], *FAST_LOSS["style"]["layers"]]
    painting = resize_short(painting, min(FAST_LOSS["style"]["size"], *painting.shape[-2:]))
    return VggLoss(perceptual_backbone("lite", layers=layers), painting, loss=FAST_LOSS)
