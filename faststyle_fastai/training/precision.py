"Callbacks of precision: bfloat16, or float16 with a scaled loss."

import torch
from fastai.callback.core import Callback
from fastai.callback.fp16 import MixedPrecision
from torch import Tensor

from ..core.devices import autocast_dtype

__all__ = ["BFloat16", "Float16"]


class BFloat16(Callback):
    "Autocast to bfloat16 if the device supports it; fastai's MixedPrecision takes precedence."

    order = MixedPrecision.order

    def __init__(self, precision: str = "auto"):  # see devices.autocast_dtype
        self.precision = precision
        self.context: torch.autocast | None = None  # of the current batch
        autocast_dtype(torch.device("cpu"), precision)  # fail early on a wrong value

    def before_fit(self):
        replaced = hasattr(self.learn, "mixed_precision")
        dtype = autocast_dtype(self.dls.device, self.precision)
        self.run = dtype == torch.bfloat16 and not replaced

    def before_batch(self):
        self._leave()  # an interrupted batch may have left it open
        if len(self.yb):  # inference, without a target, stays in float32
            self.context = torch.autocast(torch.device(self.dls.device).type, torch.bfloat16)
            self.context.__enter__()

    def after_pred(self):
        if isinstance(self.pred, Tensor):
            self.learn.pred = self.pred.float()

    def _leave(self):
        if self.context:
            self.context.__exit__(None, None, None)
            self.context = None

    after_loss = after_cancel_batch = after_fit = _leave

    def __getstate__(self):
        return {**self.__dict__, "context": None}


class Float16(MixedPrecision):
    "fastai's MixedPrecision, which stays on after a batch without a target or a canceled one."

    inside = False

    def before_batch(self):
        self.after_loss()
        if len(self.yb):
            self.inside = True
            super().before_batch()

    def after_loss(self):
        if self.inside:
            self.inside = False
            super().after_loss()

    after_cancel_batch = after_loss
