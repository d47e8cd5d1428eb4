"""Refining: a network is trained for seconds on the one photo that it will paint.

All weights take steps down `FAST_LOSS`, with less style, more content and more tone.
The network at the start is a good one, so the rate rises slowly before it falls to 0.
"""

import math
import time
from collections.abc import Callable, Sequence
from copy import copy, deepcopy
from itertools import pairwise
from typing import Any

import torch
from fastcore.basics import listify
from torch import Tensor

from ..core.devices import computing
from ..core.errors import FaststyleError
from ..core.muon import by_step
from ..images.files import image_size, opened, read_picture
from ..images.sizes import short_tensor
from ..models.normalization import grained, is_affine
from ..models.transformer import TransformerNet
from ..perceptual.backbones import perceptual_backbone
from ..perceptual.losses import VggLoss
from ..perceptual.plans import FAST_LOSS, merged
from .options import PaintOptions, painting_shape

__all__ = ["refine", "refined_copy", "refining_size"]

# One photo allows for much more style than a training does, and people soon miss the subject.
LOSS = merged(
    FAST_LOSS,
    {
        "content": {"layers": {"relu2_2": 0.6, "relu3_4": 1.0, "relu4_2": 2.0}},
        "style": {"weight": 0.7},
        "tone": {"weight": 0.8},
    },
)
SEEN = LOSS["style"]["size"]  # px of a painting's short side, at most
RATE = 1e-2  # peak of the learning rate, for MANY steps or more; for fewer it is less
MANY, FEWEST = 32, 4  # steps
MOST = 128  # with 512, the picture hardly changes and gets a faint grid
HYPER = {"mom": 0.9, "sqr_mom": 0.99, "eps": 1e-8}  # of Muon and Adam
WARM = 0.3  # share of the steps in which the rate rises
LARGEST, AREA = 512, 2**19  # px of a photo's short side, and of the whole photo
TRIED = 3  # steps that are timed; the fastest counts, because a machine has other work
PER_OCTAVE = 2  # the number of steps is a power of 2 ** (1 / PER_OCTAVE), rounded


def refining_size(
    size: tuple[int, int],  # width and height that a photo is painted at
) -> int:  # px of the short side to refine at
    "The size that a photo is refined at: larger is slow, and hardly better."
    return max(1, min(LARGEST, *size, int(min(size) * math.sqrt(AREA / math.prod(size)))))


@torch.inference_mode(False)
@torch.enable_grad()
def refined_copy(
    paint: Any,  # a Stylizer
    name: str,  # of its style
    painting: Any,  # or several works; None: the Stylizer's own
    pictures: Any,  # as Stylizer takes them, one or a list
    how: PaintOptions,
    seconds: float,
    watch: Callable[[float, Tensor], None] | None,
) -> Any:  # a Stylizer of this style alone
    "What `Stylizer.refined` returns."
    if paint.onnx:
        raise FaststyleError("An .onnx network cannot be refined. Use the one it was made from.")
    if how.black is not None:
        raise FaststyleError("Refining takes one style. Do not use black=.")
    if not name:
        raise FaststyleError("An autoencoder has no style to refine.")
    painting = paint.paintings.get(name) if painting is None else painting
    if painting is None:
        raise FaststyleError(f"Refining {name} needs its painting (painting=).")
    photos = [photo_to_refine(each, how, paint.device) for each in listify(pictures)]
    works = [short_tensor(x, min(SEEN, *x.size)) for x in map(read_picture, listify(painting))]
    net = refine(paint.network([name]), works, photos, seconds, paint.dtype, watch)
    other = copy(paint)  # the network is loaded by now
    other.net, other.weights = net, {k: v.detach() for k, v in net.state_dict().items()}
    other.info = {**paint.info, "styles": [name], "palettes": {}}  # it has the colors
    other.styles, other.named, other.paintings = [name], name, {name: painting}
    other.at_sight = other.decodes = False
    return other


def photo_to_refine(
    picture: Any,  # as Stylizer takes it
    how: PaintOptions,
    device: torch.device,
) -> Tensor:  # [1, 3, H, W] in [0, 1]
    "A photo at the size to refine at."
    with opened(picture) as image:
        size = painting_shape(image_size(image)[::-1], how.stroke, how.size)
        short = refining_size(size[::-1])
        return short_tensor(read_picture(picture, shortest=short), short, device)


def refine(
    net: TransformerNet,  # of one style
    painting: Tensor | list[Tensor],  # [1, 3, H, W] in [0, 1], or several works
    photos: Sequence[Tensor],  # [1, 3, H, W] in [0, 1] each, on the network's device; in turns
    seconds: float,  # at most; it ends after 128 steps
    dtype: torch.dtype | None = None,  # to compute in, see devices.autocast_dtype
    watch: Callable[[float, Tensor], None] | None = None,  # gets the finished share, and a painting
) -> TransformerNet:  # a copy, in eval mode
    """Fit a network to photos and a painting.

    The first steps tell how many more fit into `seconds`. Their number is rounded to half octaves,
    so that the same machine gives the same image again. Ctrl-C ends the steps early.
    """
    net = deepcopy(net)
    for name, values in net.named_parameters():
        values.requires_grad_(net.affine or not is_affine(name))
    kinds = by_step([values for values in net.parameters() if values.requires_grad])
    states: dict = {step: [{} for _ in params] for step, params in kinds.items()}
    loss, device = refining_loss(painting).to(photos[0].device), photos[0].device
    dtype = dtype if dtype == torch.bfloat16 else None  # float16 would need a scaled loss

    def descend(x):
        net.zero_grad()
        with computing(device, dtype):
            painted = net(x).float()
            loss(painted, x).backward()
        return painted.detach()

    photos = [grained(photo) for photo in photos]
    began = time.perf_counter()
    try:
        descend(photos[0])  # allocates and caches
        n = steps_within(seconds, lambda: descend(photos[0]), began)
        peak = RATE * min(1, n / MANY)
        for i in range(n):
            painted = descend(photos[i % len(photos)])
            lr = peak * min(1, (i + 1) / (WARM * n)) * (1 + math.cos(math.pi * i / n)) / 2
            with torch.no_grad():
                for step, params in kinds.items():
                    step(params, states[step], lr=lr, **HYPER)
            if watch:
                watch((i + 1) / n, painted)
    except KeyboardInterrupt:  # the steps so far count
        pass
    net.zero_grad()
    return net.requires_grad_(False).eval()


def steps_within(seconds: float, step: Callable, began: float) -> int:
    "The number of steps that fit into `seconds`, by the time that some take."
    times = [time.perf_counter()]
    while len(times) <= TRIED and times[-1] - began < seconds / 4:  # on a slow machine only one
        step()
        times.append(time.perf_counter())
    fastest = min(after - before for before, after in pairwise([began, *times]))
    return rounded_steps((seconds - (times[-1] - began)) / fastest)


def rounded_steps(room: float) -> int:
    "Steps that fit, from 4 to 128, so that the same machine gives the same image again."
    room = min(MOST, max(FEWEST, room))
    return round(2 ** (math.floor(PER_OCTAVE * math.log2(room)) / PER_OCTAVE))


def refining_loss(painting: Tensor | list[Tensor]) -> VggLoss:
    "The loss to step down."
    layers = [*LOSS["content"]["layers"], *LOSS["style"]["layers"]]
    return VggLoss(perceptual_backbone("lite", layers=layers), [listify(painting)], loss=LOSS)
