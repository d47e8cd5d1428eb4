"Saving and resuming a training."

import io
import random
import shutil
import time
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from fastai.callback.core import (
    Callback,
    CancelBatchException,
    CancelEpochException,
    CancelFitException,
)
from fastai.learner import Recorder
from fastai.torch_core import rank_distrib, to_device

from ..core.atomic import best_effort_write, fsync_path, replace, warn_once, write_first
from ..core.devices import GPUS
from ..core.errors import FaststyleError
from ..core.weights import all_finite, read_plain
from ..models.stylefile import card_of, load_style, plain_net, save_style
from .callbacks import has_state, has_stopped, let_track

__all__ = ["Checkpoint"]

EVERY, APART = 200, 60  # steps, and least seconds, between two checkpoints
BEST, STATE = "best.safetensors", "state.pt"


class Checkpoint(Callback):
    """Save what a fit needs to resume, every `every` steps and at the end, and the best epoch.

    With `resume=True` the same `fit` call resumes from the newest checkpoint. The photos that the
    interrupted epoch has seen are drawn again and skipped. Callbacks with a `state_dict` and a
    `load_state_dict` are saved too. On a CPU the result is bit-for-bit that of an uninterrupted
    training; on a GPU some sums have no fixed order.

    Without a checkpoint in `folder`, `resume=True` begins. Raises `FaststyleError` if those there
    are damaged or of other styles.
    """

    order = Recorder.order + 9  # after callbacks whose state it saves, before fastai's trackers
    run_valid, _only_train_loop = False, True  # which `summary` leaves out
    _stateattrs = "found", "epoch_random", "epoch_order"  # not exported

    def __init__(
        self,
        folder: str | Path,  # gets step-N/state.pt and best.safetensors
        every: int | None = None,  # steps; None: 200, at least a minute apart
        keep: int = 2,  # number of newest checkpoints to keep
        resume: bool = False,  # from the newest checkpoint in `folder`
        patience: int | None = None,  # epochs without improvement before it ends on the best
    ):
        self.folder, self.keep, self.resume, self.patience = Path(folder), keep, resume, patience
        self.every, self.apart = (every, 0) if every else (EVERY, APART)
        self.found, self.replay, self.clock = None, 0, 0.0

    def before_fit(self):
        warn_once.cache_clear()  # warn once per fit
        self.at = self.saved = None
        # The steps of lr_find are undone; validations, which hold the lock, and tta take none.
        fits = getattr(self.learn, "fits", True)
        if hasattr(self.learn, "lr_finder") or self.learn.lock.locked() or not fits:
            self.run = False  # fastai sets it back
            return
        styles = card_of(self.learn)[0]["styles"]  # fail early on a network that cannot be saved
        self.fresh = not self.resume
        self.found = self._newest() if self.resume else None
        self.best, self.since = float("inf"), 0  # epochs since the best
        own = self.opt.frozen_idx
        self.ends = self.later = bool(self.found and self.found.get("frozen", own) < own)
        if self.later:
            warnings.warn(f"{self.folder} is of a later fit: this one is skipped.", stacklevel=2)
            self.found = None  # this is the first fit of `fine_tune`, and it is of the second
        if self.found:
            if self.found["styles"] != styles:
                before, now = ", ".join(self.found["styles"]), ", ".join(styles)
                raise FaststyleError(
                    f"{self.folder} was trained on the styles {before}, not {now}: resume with the "
                    f"same ones."
                )
            plain_net(self.learn.model).load_state_dict(self.found["model"])
            self.learn.opt.load_state_dict(to_device(self.found["opt"], self.dls.device))
            self._restore(self.found)  # a finished fit keeps its result
            stopped = has_stopped(self.learn.cbs, self.found["callbacks"])
            self.ends = stopped or self.found["epoch"] >= self.n_epoch

    def before_epoch(self):
        if self.ends or self._is_over():  # once all callbacks have begun
            raise CancelFitException
        skips = bool(self.found and self.epoch < self.found["epoch"])
        let_track(self.learn.cbs, not skips)
        if skips:
            raise CancelEpochException

    def before_train(self):
        if self.found:
            set_random_state(self.found["epoch_random"])
            shuffler(self.dl).setstate(self.found["epoch_order"])
            steps = self.found["photos"] // self.dls.bs
            self.replay = min(steps, len(self.dl))  # there may be fewer photos now
            if not self.replay:
                self._go_on()
        self.epoch_random, self.epoch_order = random_state(), shuffler(self.dl).getstate()

    def before_batch(self):
        if self.iter < self.replay:
            self.learn.yb = ()  # without a target the Recorder skips it too
            raise CancelBatchException

    def after_batch(self):
        if self.replay:
            if self.iter + 1 == self.replay:
                self._go_on()
            return
        self.at = self.epoch, self.iter + 1
        if self.train_iter % self.every == 0 and time.monotonic() >= self.clock + self.apart:
            self.clock = time.monotonic()
            self._save()

    def after_cancel_train(self):
        if not self.found:  # a TimeBudget ends the epoch before `after_batch` is called here
            self.at = self.epoch, getattr(self.learn, "iter", -1) + 1  # -1: before any batch

    def after_epoch(self):
        if self.found or self.at is None or self.at[0] != self.epoch:
            return
        self.at = self.epoch + 1, 0
        self.epoch_random = random_state()
        self.epoch_order = shuffler(self.dls.train).getstate()
        values = dict(zip(self.recorder.metric_names[1:-1], self.recorder.values[-1]))
        self.since, loss = self.since + 1, values.get("valid_loss", float("inf"))
        if loss < self.best:
            self.best, self.since = loss, 0
            if not rank_distrib():
                best_effort_write(save_style, self.learn, self.folder / BEST)

    def after_fit(self):
        if self.at not in (None, self.saved):
            self._save()
        if self._is_over() and (best := self.folder / BEST).is_file():
            plain_net(self.learn.model).load_state_dict(load_style(best)[0].state_dict())
        stop = getattr(self.learn, "stop_on_interrupt", None)
        self.resume = self.resume and (self.later or bool(stop and stop.stopped))  # not another fit

    def _is_over(self):
        return self.patience is not None and 0 < self.patience <= self.since

    def _save(self):
        weights = plain_net(self.learn.model).state_dict()
        # In fastai's distrib_ctx the first process writes.
        if rank_distrib() or not all_finite(weights.values()):
            return
        assert self.at is not None
        epoch, batches = self.at
        smooth = self.recorder.smooth_loss
        state = {
            "styles": card_of(self.learn)[0]["styles"],
            "model": weights,
            "opt": plain(self.learn.opt.state_dict()),
            "frozen": self.learn.opt.frozen_idx,
            "epoch": epoch,
            "photos": batches * self.dls.bs,  # of this epoch
            "train_iter": self.train_iter,
            "pct_train": self.pct_train,
            "n_epoch": self.n_epoch,
            "epoch_random": self.epoch_random,
            "epoch_order": self.epoch_order,
            "random": random_state(),
            "best": float(self.best),
            "since": self.since,
            "smooth": [smooth.val, smooth.count],
            "recorder": {k: plain(getattr(self.recorder, k)) for k in RECORDED},
            "callbacks": {c.name: plain(c.state_dict()) for c in self.learn.cbs if has_state(c)},
        }
        give_way = {"older checkpoints": lambda: self._folders()[:-1]}
        if hasattr(self.learn, "preview"):
            give_way = {"previews": self.learn.preview.files} | give_way
        name = f"step-{self.train_iter:06d}"
        best_effort_write(write_first, give_way, self._write, state, name)

    def _write(self, state, name):
        temporary, target = self.folder / f".{name}", self.folder / name
        temporary.mkdir(parents=True, exist_ok=True)
        try:
            content = io.BytesIO()
            torch.save(state, content)
            (temporary / STATE).write_bytes(content.getbuffer())
            fsync_path(temporary / STATE)
            shutil.rmtree(target, ignore_errors=True)
            replace(temporary, target)
            self.saved = self.at
            fsync_path(self.folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        folders = self._folders()
        if self.fresh:  # or an earlier training's checkpoints would pass for this one's
            folders.remove(target)
        for old in folders if self.fresh else folders[: -self.keep]:
            shutil.rmtree(old, ignore_errors=True)
        self.fresh = False

    def _go_on(self):
        "Restore the interrupted epoch's state after replaying its batches."
        self._restore(self.found)
        self.found, self.replay = None, 0

    def _restore(self, found):
        set_random_state(found["random"])
        self.best, self.since = found["best"], found["since"]
        self.learn.train_iter = found["train_iter"]
        if found["n_epoch"] == self.n_epoch:  # it is a smaller share of a longer training
            self.learn.pct_train = found["pct_train"]
        self.recorder.smooth_loss.val, self.recorder.smooth_loss.count = found["smooth"]
        self.learn.opt.zero_grad()  # an interrupted step may have left gradients
        for name, value in found["recorder"].items():
            setattr(self.recorder, name, list(value))
        for cb in self.learn.cbs:
            if cb.name in found["callbacks"] and has_state(cb):
                cb.load_state_dict(found["callbacks"][cb.name])

    def _folders(self):
        steps = [path for path in self.folder.glob("step-*") if path.name[5:].isdigit()]
        return sorted(steps, key=lambda folder: int(folder.name[5:]))

    def _newest(self):
        "Load the newest intact checkpoint."
        folders = self._folders()
        for folder in reversed(folders):
            try:
                return whole_state(folder)
            except (OSError, ValueError) as error:
                warnings.warn(f"{error}: trying the previous checkpoint.", stacklevel=2)
        if folders:
            raise FaststyleError(
                f"No checkpoint in {self.folder} is intact: start over without resuming."
            )


def shuffler(dl):
    "The random generator that orders the photos; fastai's DistributedDL wraps its loader."
    return getattr(dl, "dl", dl).rng


def whole_state(folder):
    "Load the state in `folder`; `ValueError` if it is damaged."
    name = f"The checkpoint {folder}"
    damage = zipfile.BadZipFile, RuntimeError, EOFError, ValueError
    with suppress(*damage), zipfile.ZipFile(folder / STATE) as parts:
        if not parts.testzip():  # the checksums, which torch.load ignores
            return read_plain(folder / STATE, name)
    raise ValueError(f"{name} is damaged")


RECORDED = "values", "losses", "lrs", "iters"


def plain(value):
    "Convert NumPy's and fastai's numbers and lists to Python's, for a safe torch.load."
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, torch.Tensor) and value.dim():
        return value.detach().as_subclass(torch.Tensor)
    if isinstance(value, (torch.Tensor, np.generic)):  # such as the loss of a step
        return value.item()
    if hasattr(value, "__iter__") and not isinstance(value, str):
        return [plain(v) for v in value]
    return value


def random_state():
    "The state of Python's, NumPy's and torch's random generators."
    state = {
        "python": random.getstate(),
        "numpy": plain(np.random.get_state(legacy=False)),
        "torch": torch.get_rng_state(),
    }
    for kind in GPUS:
        if getattr(torch, kind).is_available():
            state[kind] = getattr(torch, kind).get_rng_state()  # of the current device
    return state


def set_random_state(state):
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    for kind in GPUS:
        if kind in state and getattr(torch, kind).is_available():
            getattr(torch, kind).set_rng_state(state[kind])
