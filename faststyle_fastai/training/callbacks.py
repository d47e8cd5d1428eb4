"Callbacks for training: time, image sizes, styles."

import time

import torch
from fastai.callback.core import (
    Callback,
    CancelFitException,
    CancelTrainException,
    CancelValidException,
)  # fmt: skip
from fastai.callback.tracker import EarlyStoppingCallback, TrackerCallback
from fastai.callback.training import GradientAccumulation
from fastai.learner import Recorder
from fastai.torch_core import to_device
from fastcore.basics import patch

from ..core.errors import UsageError
from ..core.values import check_numbers, check_range
from ..images.sizes import resize_short
from .guards import SmoothLoss, StopOnNonFinite  # noqa: F401  earlier exports look here

__all__ = ["SampleStyles", "ProgressiveResize", "TimeBudget"]

SHORTEST = 0.01  # minutes
KEPT_MOST, KEPT_SHARE, KEPT_LONG = 10, 0.2, 0.03  # s, or share of a short time; share of any


def check_minutes(minutes: float | None, epochs: int | None = None) -> None:
    "Raise `ValueError` for a time that is no number, too short, or beside epochs; None passes."
    if minutes and epochs:
        raise UsageError(f"minutes={minutes} and epochs={epochs}: give one of them.")
    check_numbers(minutes=minutes)
    check_range("minutes", minutes, SHORTEST)


class TimeBudget(Callback):
    """End the fit in time and scale its schedule to fit; `fit` needs enough epochs.

    Some of the time is kept for what follows: the last validation, which may use half of that and
    is then shortened, previews and files.
    """

    order = Recorder.order + 5  # before ParamScheduler (60), which reads pct_train

    def __init__(
        self,
        minutes: float,  # in all
        since: float | None = None,  # time.monotonic() when it began; None: when the fit begins
    ):
        check_minutes(minutes)
        self.since = since
        self.kept = min(KEPT_MOST, KEPT_SHARE * 60 * minutes) + KEPT_LONG * 60 * minutes
        self.seconds = 60 * minutes - self.kept  # of training

    def before_fit(self):
        self.tick, self.spent = time.monotonic(), 0.0  # a checkpoint may know better
        if self.since is not None:  # preparation counts, but a little is left for training
            self.tick = max(self.since, self.tick - self.seconds / 2)

    def before_epoch(self):
        if self.spent >= self.seconds:
            raise CancelFitException

    def before_batch(self):
        if self.training:
            self.learn.pct_train = min(1.0, self.spent / self.seconds)

    def after_batch(self):
        if not len(self.yb):  # no target: inference, or skipped by a resume
            return
        now = time.monotonic()
        passed = of_first_process(self.spent + now - self.tick)
        if not self.training:
            if self.spent and passed > self.seconds + self.kept / 2:  # 0: not of a fit
                raise CancelValidException
            return
        self.spent, self.tick = passed, now
        if self.spent >= self.seconds:
            raise CancelTrainException  # the epoch still validates

    def after_cancel_train(self):
        self.recorder.cancel_train = False  # keep a shortened epoch's losses

    def after_cancel_validate(self):
        self.recorder.cancel_valid = False

    def state_dict(self):
        return {"spent": self.spent}

    def load_state_dict(self, state):
        self.spent, self.tick = state["spent"], time.monotonic()


def of_first_process(seconds: float) -> float:
    "In fastai's distrib_ctx, the time of the first process: all must end at the same step."
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return seconds
    said = [seconds]
    torch.distributed.broadcast_object_list(said)
    return said[0]


class ProgressiveResize(Callback):
    """Train on photos reduced to `small` px for the first share `until` of the training time.

    Without a TimeBudget the time is estimated: a photo's cost is proportional to its pixels.
    """

    order = TimeBudget.order + 1  # it sets pct_train

    def __init__(
        self,
        small: int,  # px
        until: float,  # share of the training time
    ):
        self.small, self.until = small, until

    def before_fit(self):
        self.cost = 1.0  # of a small photo, relative to a large one
        if not hasattr(self.learn, "time_budget") and hasattr(self.dls, "size"):
            self.cost = min(1.0, self.small / self.dls.size) ** 2
        self.switch = self.until / (self.until + self.cost * (1 - self.until))  # share of pct_train

    def time(
        self,
        pct: float,  # share of the training steps, or of a TimeBudget
    ) -> float:
        "The share of the training time that has passed."
        spent = min(pct, self.switch) * self.cost + max(0.0, pct - self.switch)
        return spent / (self.switch * self.cost + 1 - self.switch)

    def before_batch(self):
        if not self.training or hasattr(self.learn, "lr_finder"):
            return
        if self.pct_train < self.switch and min(self.x.shape[-2:]) > self.small:
            same = not len(self.yb) or self.x.data_ptr() == self.y.data_ptr()
            self.learn.xb = (resize_short(self.x, self.small),)
            self.learn.yb = self.xb if same else (resize_short(self.y, self.small),)


class SampleStyles(Callback):
    "Draw a style for each photo of a batch, all styles equally often."

    order = ProgressiveResize.order + 1

    def __init__(
        self,
        n: int,  # number of styles
    ):
        self.n, self.seen = n, 0
        self.deck: list[int] = []

    def before_batch(self):
        if not len(self.yb):  # inference: the caller chooses
            return
        photos = len(self.x)
        if self.training:
            while len(self.deck) < photos:  # add shuffled rounds of all styles
                self.deck += torch.randperm(self.n).tolist()
            style_ids = torch.tensor(self.deck[:photos])
            self.deck = self.deck[photos:]
        else:  # the same styles in each validation
            style_ids = (self.seen + torch.arange(photos)) % self.n
            self.seen += photos
        style_ids = style_ids.to(self.x.device)
        self.learn.xb = (*self.xb, style_ids)
        if hasattr(self.learn.loss_func, "style_ids"):  # the painting to compare each photo with
            self.learn.yb = (*self.yb, style_ids)

    def after_loss(self):
        self.learn.yb = self.yb[:1]  # metrics take one target

    def before_validate(self):
        self.seen = 0

    def state_dict(self):
        return {"deck": self.deck}

    def load_state_dict(self, state):
        self.deck = list(state["deck"])  # a copy: a replay restores the same state again


@patch
def state_dict(self: GradientAccumulation):
    "For `Checkpoint`: the gradients since the last step, if they are numbers."
    gradients = [p.grad for p in self.learn.model.parameters()] if self.count else []
    known = all(each is None or each.isfinite().all() for each in gradients)
    return {"count": self.count, "gradients": gradients} if known else {"count": 0, "gradients": []}


@patch
def load_state_dict(self: GradientAccumulation, state):
    self.count = state["count"]
    for p, gradient in zip(self.learn.model.parameters(), state["gradients"]):
        p.grad = to_device(gradient, p.device)


def tracked(tracker: TrackerCallback) -> dict:
    "For `Checkpoint`: the best value so far, and epochs without a better one."
    return {"best": float(tracker.best), "wait": getattr(tracker, "wait", 0)}


TrackerCallback.state_dict = tracked
TrackerCallback.load_state_dict = lambda tracker, state: tracker.__dict__.update(state)


def let_track(cbs, on: bool) -> None:
    "Let fastai's trackers look at epochs; those that are skipped have no values."
    for cb in cbs:
        if isinstance(cb, TrackerCallback):
            cb.run = on


def has_stopped(cbs, states: dict[str, dict]) -> bool:
    "Whether fastai ended the training early that these states are of."
    early = [cb for cb in cbs if isinstance(cb, EarlyStoppingCallback)]
    return any(states.get(cb.name, {}).get("wait", 0) >= cb.patience for cb in early)


def has_state(cb: Callback) -> bool:
    "Whether a callback has a state of its own; any has its model's."
    return hasattr(type(cb), "load_state_dict")
