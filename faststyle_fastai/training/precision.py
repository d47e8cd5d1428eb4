"The precision of training: bfloat16, or float16 with a scaled loss."

from typing import Any

import torch
from fastai.callback.fp16 import MixedPrecision
from fastcore.foundation import L
from torch.amp import GradScaler

from ..core.devices import autocast_dtype

__all__ = ["Precision"]


class Precision(MixedPrecision):
    """fastai's MixedPrecision on any device, not only on CUDA's, and only if it is faster there.

    It stays on after a batch without a target or a canceled one. fastai's own, of `to_fp16`, takes
    precedence.
    """

    inside, precision = False, "auto"
    left: dict[str, Any] | None = None  # the state of the loss's scale after a fit

    def __init__(self, precision: str = "auto", **kwargs):  # see devices.autocast_dtype
        super().__init__(**kwargs)
        self.precision = precision
        autocast_dtype(torch.device("cpu"), precision)  # fail early on a wrong value

    def before_fit(self):
        dtype = autocast_dtype(self.dls.device, self.precision)  # an exported one may have moved
        self.run = dtype is not None and not hasattr(self.learn, "mixed_precision")
        if not self.run:
            return
        device, scaled = torch.device(self.dls.device).type, dtype == torch.float16
        self.autocast = torch.autocast(device, dtype)
        self.learn.scaler, self.scales = GradScaler(device, enabled=scaled, **self.kwargs), L()

    def before_batch(self):
        self.after_loss()  # an interrupted batch may have left it open
        if len(self.yb):  # inference, without a target, stays in float32
            self.inside = True
            super().before_batch()

    def after_loss(self):
        if self.inside:
            self.inside = False
            super().after_loss()

    after_cancel_batch = after_loss

    def after_fit(self):
        self.after_loss()
        self.left = self.state_dict()
        super().after_fit()

    def state_dict(self):
        scaler = getattr(self.learn, "scaler", None)
        return scaler.state_dict() if scaler else self.left

    def load_state_dict(self, state):
        if state and self.run:
            self.learn.scaler.load_state_dict(state)


Float16 = BFloat16 = Precision  # their names in learners that earlier versions exported
