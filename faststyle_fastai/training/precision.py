"Callbacks of precision: float16 with a scaled loss, or bfloat16."

import torch
from fastai.callback.fp16 import MixedPrecision
from fastcore.foundation import L
from torch.amp import GradScaler

from ..core.devices import autocast_dtype

__all__ = ["BFloat16", "Float16"]


class Float16(MixedPrecision):
    """fastai's MixedPrecision on any device, not only on CUDA's.

    It stays on after a batch without a target or a canceled one.
    """

    dtype, inside = torch.float16, False

    def before_fit(self):
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
        super().after_fit()


class BFloat16(Float16):
    "Autocast to bfloat16 if the device supports it; fastai's MixedPrecision takes precedence."

    dtype = torch.bfloat16

    def __init__(self, precision: str = "auto"):  # see devices.autocast_dtype
        super().__init__()
        self.precision = precision
        autocast_dtype(torch.device("cpu"), precision)  # fail early on a wrong value

    def before_fit(self):
        dtype = autocast_dtype(self.dls.device, self.precision)
        self.run = dtype == self.dtype and not hasattr(self.learn, "mixed_precision")
        if self.run:
            super().before_fit()
