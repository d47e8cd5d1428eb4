"Distillation: a small network learns the pictures of a large one."

import torch
from fastai.callback.core import Callback

from ..models.transformer import TransformerNet
from .callbacks import SampleStyles

__all__ = ["Distillation"]


class Distillation(Callback):
    """The target of each photo is what `teacher` makes of it (Hinton et al. 2015).

    The content loss then compares with the teacher's picture, strokes included. The style loss
    stays, or the small network would blur whatever it cannot place exactly. Both networks need the
    same styles in the same order.
    """

    order = SampleStyles.order + 1  # it draws the styles

    def __init__(
        self,
        teacher: TransformerNet,  # as of `load_style`
    ):
        self.teacher = teacher.eval().requires_grad_(False)

    def before_fit(self):
        self.teacher.to(self.dls.device)

    def before_batch(self):
        if len(self.yb):  # inference has no target
            with torch.no_grad():
                picture = self.teacher(*self.xb).clamp(0, 1)
            self.learn.yb = (picture, *self.yb[1:])
