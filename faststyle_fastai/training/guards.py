"Callbacks that end a training: on Ctrl-C, and when the loss is not finite."

import math
from contextlib import ExitStack

import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.learner import AvgSmoothLoss, Recorder
from torch import Tensor

from ..core.devices import on_cpu
from ..core.errors import NonFiniteLoss
from ..core.interrupts import interrupts
from ..core.weights import all_finite

__all__ = ["StopOnInterrupt", "StopOnNonFinite"]


class StopOnInterrupt(Callback):
    "On Ctrl-C, finish the step and end the fit, so that it can be saved; a second one interrupts."

    order = 100  # after all other callbacks

    def __init__(self):
        self.listening, self.asked, self.stopped = ExitStack(), [], False

    def before_fit(self):
        self.asked, self.stopped = self.listening.enter_context(interrupts()), False

    def before_epoch(self):
        if self.asked:
            self.stopped = True
            raise CancelFitException

    def after_batch(self):
        if self.training:  # a validation is whole, or it would be repeated
            self.before_epoch()

    def after_fit(self):
        self.listening.close()


class SmoothLoss(AvgSmoothLoss):
    "The Recorder's mean, kept on the device: reading it every step would force a GPU sync."

    def accumulate(self, learn):
        loss = learn.loss.detach().mean()
        self.count += 1
        self.val: Tensor = torch.lerp(loss, self.val.to(loss.device), self.beta)


class StopOnNonFinite(Callback):
    "End the fit when the loss is NaN or infinite, with an error and the last good weights."

    order = Recorder.order + 1
    _stateattrs = ("good",)  # not exported

    def __init__(self, every: int = 20):  # steps between two looks at the loss and the weights
        self.every = every

    def before_fit(self):
        # a callback warns when it is set as usual
        self.recorder.__dict__["smooth_loss"] = SmoothLoss()

    def after_batch(self):
        if self.training and len(self.yb) and self.train_iter % self.every == 0:
            self._look()

    def _read(self):
        "Copy the losses of the last steps from the device, together."
        losses = self.recorder.losses
        read = len(losses)
        while read and isinstance(losses[read - 1], Tensor) and not on_cpu(losses[read - 1]):
            read -= 1
        if losses[read:]:
            losses[read:] = torch.stack(losses[read:]).cpu().unbind()

    def _look(self):
        self._read()
        value = float(self.recorder.smooth_loss.value) if self.recorder.smooth_loss.count else 0.0
        if math.isfinite(value) and self._keep():
            return
        if hasattr(self.learn, "lr_finder"):  # its search ends this way
            raise CancelFitException
        parts = getattr(self.learn.loss_func, "parts", {})
        bad = [name for name, part in parts.items() if not part.isfinite().all()]
        self.learn.model.load_state_dict(self.good)
        self.learn.opt.clear_state()
        what = " and ".join(bad) or ("weights" if math.isfinite(value) else "loss")
        now = "infinite or NaN" if math.isfinite(value) else value
        raise NonFiniteLoss(
            f"The {what} became {now} before step {self.train_iter}. "
            f"The weights of step {self.good_iter} were restored. Lower the learning rate."
        )

    def _keep(self):
        "Keep the weights if they are finite; returns whether they are."
        state = self.learn.model.state_dict()
        if finite := all_finite(state.values()):
            self.good = {name: value.clone() for name, value in state.items()}
            self.good_iter = getattr(self.learn, "train_iter", 0)
        return finite

    before_train, after_train, after_fit = _keep, _look, _read
