"Callbacks of precision: float16 with a scaled loss, or bfloat16."

from typing import Any

import torch
from fastai.callback.fp16 import MixedPrecision
from fastcore.foundation import L
from torch.amp import GradScaler

from ..core.devices import autocast_dtype

__all__ = ["BFloat16", "Float16"]


class Float16(MixedPrecision):
    """fastai's MixedPrecision on any device, not only on CUDA's.

    It stays on after a batch without a target or a canceled one. fastai's own, of `to_fp16`, takes
    precedence.
    """

    dtype, inside = torch.float16, False
    precision = "float16"  # which older exports lack
    left: dict[str, Any] | None = None  # the state of the loss's scale after a fit

    def __init__(self, precision: str = "float16", **kwargs):  # see devices.autocast_dtype
        super().__init__(**kwargs)
        self.precision = precision
        autocast_dtype(torch.device("cpu"), precision)  # fail early on a wrong value

    def before_fit(self):
        wanted = autocast_dtype(self.dls.device, self.precision)  # an exported one may have moved
        self.run = wanted == self.dtype and not hasattr(self.learn, "mixed_precision")
        if not self.run:
            return
        device, scaled = torch.device(self.dls.device).type, self.dtype == torch.float16
        self.autocast = torch.autocast(device, self.dtype)
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


class BFloat16(Float16):
    "Autocast to bfloat16 if the device supports it."

    dtype = torch.bfloat16

    def __init__(self, precision: str = "auto"):  # see devices.autocast_dtype
        super().__init__(precision)
