"What happens while a Learner trains: styles, precision, sizes, time, guards."

import signal
import threading
import time
from contextlib import ExitStack, contextmanager

import torch
from fastai.callback.core import Callback, CancelFitException, CancelTrainException
from fastai.callback.fp16 import MixedPrecision
from fastai.learner import Recorder
from fastai.torch_core import get_model
from torch import Tensor

from .devices import uses_bfloat16
from .errors import NonFiniteLoss
from .layers import instance_norm
from .losses import resize_short
from .parallel import agreed

__all__ = [
    "BFloat16",
    "DropletPenalty",
    "DrawStyles",
    "ProgressiveResize",
    "StopOnInterrupt",
    "StopOnNonFinite",
    "TimeBudget",
]


class BFloat16(Callback):
    "Autocast to bfloat16 where the device computes in it; `learn.to_fp16()` replaces it."

    order = MixedPrecision.order

    def __init__(self, precision: str = "auto"):  # see devices.uses_bfloat16
        self.precision, self.context = precision, None
        uses_bfloat16(torch.device("cpu"), precision)  # a wrong word fails before anything begins

    def before_fit(self):
        replaced = hasattr(self.learn, "mixed_precision")
        self.run = uses_bfloat16(self.dls.device, self.precision) and not replaced

    def before_batch(self):
        self._leave()  # an interrupted batch may have left it open
        if len(self.yb):  # repainting without a target stays in float32
            self.context = torch.autocast(self.dls.device.type, torch.bfloat16)
            self.context.__enter__()

    def after_pred(self):
        if isinstance(self.pred, Tensor):
            self.learn.pred = self.pred.float()

    def after_loss(self):
        self._leave()

    def after_cancel_batch(self):
        self._leave()

    def after_fit(self):
        self._leave()

    def _leave(self):
        if self.context:
            self.context.__exit__(None, None, None)
            self.context = None

    def __getstate__(self):
        return {**self.__dict__, "context": None}


class TimeBudget(Callback):
    "End the fit after `minutes`, its schedule stretched to fit; give `fit` epochs enough."

    order = Recorder.order + 5  # before ParamScheduler (60), which reads pct_train

    def __init__(self, minutes: float):
        self.seconds, self.spent = 60 * minutes, 0.0

    def before_fit(self):
        self.tick = time.monotonic()

    def before_epoch(self):
        if self.spent >= self.seconds:
            raise CancelFitException

    def before_batch(self):
        if self.training:
            self.learn.pct_train = min(1.0, self.spent / self.seconds)

    def after_batch(self):
        if not self.training or not len(self.yb):  # without a target: a resume passes it over
            return
        now = time.monotonic()
        self.spent, self.tick = agreed(self.spent + now - self.tick), now
        if self.spent >= self.seconds:
            raise CancelTrainException  # the epoch still validates

    def after_cancel_train(self):
        self.recorder.cancel_train = False  # a shortened epoch's losses count

    def state_dict(self):
        return {"spent": self.spent}

    def load_state_dict(self, state):
        self.spent, self.tick = state["spent"], time.monotonic()


class ProgressiveResize(Callback):
    """Train on photos reduced to `small` px for the first `until` of the training's time.

    Without a TimeBudget the time is estimated: a photo costs in proportion to its pixels.
    """

    order = TimeBudget.order + 1  # which says how much of it is done

    def __init__(self, small: int, until: float):
        self.small, self.until = small, until

    def before_fit(self):
        self.cost = 1.0  # of a small photo, of that of a large one
        if not hasattr(self.learn, "time_budget") and hasattr(self.dls, "size"):
            self.cost = min(1.0, self.small / self.dls.size) ** 2
        self.switch = self.until / (self.until + self.cost * (1 - self.until))  # share of pct_train

    def time(
        self,
        pct: float,  # share of the training's steps, or of a TimeBudget
    ) -> float:
        "The share of the training's time that is over."
        spent = min(pct, self.switch) * self.cost + max(0.0, pct - self.switch)
        return spent / (self.switch * self.cost + 1 - self.switch)

    def before_batch(self):
        if not self.training or hasattr(self.learn, "lr_finder"):
            return
        if self.pct_train < self.switch and min(self.x.shape[-2:]) > self.small:
            self.learn.xb = self.learn.yb = (resize_short(self.x, self.small),)  # before DrawStyles


class DrawStyles(Callback):
    "Draw for each photo of a batch the style it is repainted in, all equally often."

    order = ProgressiveResize.order + 1

    def __init__(self, n: int):
        self.n, self.deck, self.seen = n, [], 0

    def before_batch(self):
        if not len(self.yb):  # repainting: the caller's choice
            return
        photos = len(self.x)
        if self.training:
            while len(self.deck) < photos:  # one shuffled round of all styles after the other
                self.deck += torch.randperm(self.n).tolist()
            rows, self.deck = torch.tensor(self.deck[:photos]), self.deck[photos:]
        else:  # the same ones each time
            rows = (self.seen + torch.arange(photos)) % self.n
            self.seen += photos
        rows = rows.to(self.x.device)
        self.learn.xb = (*self.xb, rows)
        if hasattr(self.learn.loss_func, "rows"):  # which painting each photo is compared with
            self.learn.yb = (*self.yb, rows)

    def before_validate(self):
        self.seen = 0

    def state_dict(self):
        return {"deck": self.deck}

    def load_state_dict(self, state):
        self.deck = list(state["deck"])  # not the state itself, which a replay goes back to


class DropletPenalty(Callback):
    """Penalise activations far outside their channel's spread.

    A network that normalises each picture can steer its statistics by one huge spike, which shows
    as a flat patch, the droplet of Karras et al. 2020 (StyleGAN2). Looked at before the last two
    normalisations, where all that the residual blocks have done shows, and on the first photo of
    each batch: it takes a tenth of a step to look at four.
    """

    order = MixedPrecision.order - 1  # before the loss is scaled

    def __init__(self, weight: float = 1.0, beyond: float = 4.0):
        self.weight, self.beyond = weight, beyond  # beyond: standard deviations that are free
        self.hooks, self.excess = [], []

    def before_batch(self):
        self.after_pred()  # an interrupt in a notebook passes that over
        self.excess = []
        if self.training and len(self.yb):
            net = get_model(self.learn.model)
            norms = net.in4, net.in5
            self.hooks = [norm.register_forward_pre_hook(self._look) for norm in norms]

    def _look(self, norm, inputs):
        x = inputs[0][:1].float()
        ones = torch.ones(x.shape[:2], device=x.device)
        z = instance_norm(x, ones, torch.zeros_like(ones), norm.eps)
        self.excess.append((z.abs() - self.beyond).relu().square().mean())

    def after_pred(self):
        for hook in self.hooks:
            hook.remove()
        self.hooks = []

    def after_cancel_batch(self):
        self.after_pred()

    def after_loss(self):
        if self.excess:
            self.learn.loss_grad = self.loss_grad + self.weight * sum(self.excess)
            self.excess = []


@contextmanager
def interrupts():
    "A list that Ctrl-C is noted in, to be looked at between steps; a second one interrupts."
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    asked, before = [], signal.getsignal(signal.SIGINT)

    def note(*_):
        asked.append(True)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


class StopOnInterrupt(Callback):
    "Ctrl-C ends the fit after the step under way, so that it can be saved; a second one at once."

    order = 100  # when all others are done with the step

    def __init__(self):
        self.listening, self.asked = ExitStack(), []

    def before_fit(self):
        self.asked = self.listening.enter_context(interrupts())

    def after_batch(self):
        if agreed(bool(self.asked)):
            raise CancelFitException

    def after_fit(self):
        self.listening.close()


class StopOnNonFinite(Callback):
    "End the fit with the part of the loss that is NaN or infinite, on the last good weights."

    order = Recorder.order - 2

    def __init__(self, every: int = 20):  # steps between copies of the weights
        self.every = every

    def before_train(self):
        self._keep()

    def after_loss(self):
        if not self.training or not agreed(not torch.isfinite(self.loss_grad)):
            return
        if hasattr(self.learn, "lr_finder"):  # that is how its search ends
            raise CancelFitException
        parts = getattr(self.learn.loss_func, "parts", {})
        bad = [name for name, part in parts.items() if not part.isfinite().all()]
        self.learn.model.load_state_dict(self.good)
        raise NonFiniteLoss(
            f"the {' and '.join(bad) or 'loss'} became {self.loss_grad.item()} at step "
            f"{self.train_iter}; the weights are those of step {self.good_iter}. "
            f"Lower the learning rate."
        )

    def after_step(self):
        if self.train_iter % self.every == 0:
            self._keep()

    def _keep(self):
        state = self.learn.model.state_dict()
        if all(value.isfinite().all() for value in state.values()):
            self.good = {name: value.clone() for name, value in state.items()}
            self.good_iter = getattr(self.learn, "train_iter", 0)

    def __getstate__(self):
        return {**self.__dict__, "good": None}
