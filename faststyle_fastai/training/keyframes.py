"Keyframes: frames of a film that an artist painted, and whose hand the network carries on."

import random
from collections.abc import Sequence
from typing import Any

import torch
from fastai.callback.core import Callback
from torch import Tensor

from ..core.errors import FaststyleError
from ..images.files import read_picture
from ..images.sizes import resize_short, resized
from ..images.tensors import to_tensor
from ..inference.options import STROKES
from ..models.stylefile import card_of
from ..perceptual.backbones import perceptual_backbone
from ..perceptual.losses import VggLoss
from .network_terms import BEFORE

__all__ = ["Keyframes"]

LEAST, MOST = 0.5, 0.8  # of each side of a frame
ALIKE = 0.02  # largest relative difference of proportions
# Compares with what was painted: colors at shallow layers, strokes and objects at deeper ones.
LOSS = {
    "content": {
        "distance": "relative",
        "layers": {"relu1_1": 4.0, "relu2_2": 8.0, "relu3_4": 8.0, "relu4_2": 8.0},
    }
}


class Keyframes(Callback):
    """Learn from frames of a film that were painted by hand, beside the usual loss of other frames.

    Each step paints a large part of one of them and compares it with the painted one (after Texler
    et al. 2020, who learn from small patches). Small parts would be normalized differently from
    whole frames and get other colors. Frames are reduced as `Stylizer` reduces them, so that
    strokes have the same size there.
    """

    order = BEFORE

    def __init__(
        self,
        frames: Sequence[tuple[Any, Any]],  # frame and painted frame: files or images
        weight: float = 4.0,  # of what is painted, beside the usual loss
    ):
        self.frames = [_pair(*map(read_picture, pair)) for pair in frames]
        self.weight = weight
        # That of the loss may lack these layers.
        self.backbone = perceptual_backbone("lite", layers=[*LOSS["content"]["layers"]])

    def before_fit(self):
        self.compared = VggLoss(self.backbone.to(self.dls.device), None, loss=LOSS)
        card_of(self.learn)[0].pop("palettes", None)  # its colors are already the painted ones

    def after_loss(self):
        if self.training and len(self.yb):
            frame, painted = self.part().to(self.x.device).split(1)
            pred = self.learn.model(frame)
            off = self.compared(pred, painted) + (pred.float() - painted).abs().mean()
            self.learn.loss_grad = self.loss_grad + self.weight * off

    def part(self) -> Tensor:  # [2, 3, H, W]
        "The same part of a frame and of its painted version."
        pair = random.choice(self.frames)
        shape = [round(n * random.uniform(LEAST, MOST)) for n in pair.shape[-2:]]
        top, left = (random.randint(0, n - m) for n, m in zip(pair.shape[-2:], shape))
        part = pair[..., top : top + shape[0], left : left + shape[1]]
        return part.flip(-1) if random.random() < 0.5 else part


def _pair(frame, painted) -> Tensor:  # [2, 3, H, W]
    "A frame and its painted version at the same size."
    shape = frame.width / frame.height
    if abs(painted.width / painted.height / shape - 1) > ALIKE:
        raise FaststyleError(
            f"A keyframe has {frame.width} x {frame.height} px, and its painted version "
            f"{painted.width} x {painted.height}: paint over the frame without cropping it."
        )
    x = to_tensor(frame)
    x = resize_short(x, min(STROKES["medium"], *x.shape[-2:]))
    return torch.cat([x, resized(to_tensor(painted), x.shape[-2:])])
