"Saving a training as it goes, and going on from there."

import os
import random
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from fastai.callback.core import Callback, CancelBatchException, CancelEpochException
from fastai.learner import Recorder

from .errors import FaststyleError
from .learner import save_style

__all__ = ["Checkpoint"]


class Checkpoint(Callback):
    """Every `every` steps, and at the end, all that a fit needs to go on; the best epoch too.

    With `resume=True` the same `fit` call goes on from the newest checkpoint: the photos that
    the interrupted epoch has seen are drawn again and passed over. Callbacks that have a
    `state_dict` and a `load_state_dict` are saved along.
    """

    order = Recorder.order + 15  # what it saves is what all others have done
    run_valid = False

    def __init__(
        self,
        folder: str
        | Path,  # gets step-N/state.pt and best.safetensors, the best epoch by validation
        every: int = 500,  # steps
        keep: int = 2,  # newest checkpoints that stay
        resume: bool = False,
    ):
        self.folder, self.every, self.keep, self.resume = Path(folder), every, keep, resume
        self.best, self.found, self.replay = float("inf"), None, 0

    def before_fit(self):
        self.found = self._newest() if self.resume else None
        if self.found:
            self.learn.model.load_state_dict(self.found["model"])
            self.learn.opt.load_state_dict(self.found["opt"])
            self.best = self.found["best"]

    def before_epoch(self):
        if self.found and self.epoch < self.found["epoch"]:
            raise CancelEpochException

    def before_train(self):
        if self.found:
            set_random_state(self.found["epoch_random"])
            self.dl.rng.setstate(self.found["epoch_order"])
            self.replay = self.found["iter"]
            if not self.replay:
                self._go_on()
        self.epoch_random, self.epoch_order = random_state(), self.dl.rng.getstate()

    def before_batch(self):
        if self.iter < self.replay:
            self.learn.yb = ()  # without a target the Recorder passes it over too
            raise CancelBatchException

    def after_batch(self):
        if self.replay:
            if self.iter + 1 == self.replay:
                self._go_on()
        elif self.train_iter % self.every == 0:
            self._save()

    def after_epoch(self):
        if self.found:
            return
        values = self.recorder.values[-1] if self.recorder.values else []
        names = list(self.recorder.metric_names[1:-1])
        loss = values[names.index("valid_loss")] if len(values) == len(names) else None
        if loss is not None and loss < self.best:
            self.best = loss
            self._try(save_style, self.learn, self.folder / "best.safetensors")

    def after_fit(self):
        if not (self.found or hasattr(self.learn, "lr_finder") or self.learn.train_iter == 0):
            self._save()

    def _save(self):
        smooth = self.recorder.smooth_loss
        state = {
            "model": self.learn.model.state_dict(),
            "opt": plain(self.learn.opt.state_dict()),
            "epoch": self.epoch,
            "iter": self.iter + 1,
            "train_iter": self.train_iter,
            "pct_train": self.pct_train,
            "epoch_random": self.epoch_random,
            "epoch_order": self.epoch_order,
            "random": random_state(),
            "best": float(self.best),
            "smooth": [smooth.val, smooth.count],
            "recorder": {k: plain(getattr(self.recorder, k)) for k in RECORDED},
            "callbacks": {
                cb.name: cb.state_dict() for cb in self.learn.cbs if hasattr(cb, "load_state_dict")
            },
        }
        self._try(self._write, state, f"step-{self.train_iter:06d}")

    def _try(self, write, *args):
        "A full disk must not cost the training."
        try:
            write(*args)
        except (OSError, RuntimeError) as error:
            why = str(error).splitlines()[0]
            warnings.warn(f"no checkpoint in {self.folder}: {why}; training goes on.", stacklevel=2)

    def _write(self, state, name):
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=self.folder, prefix=".step-"))
        try:
            torch.save(state, temporary / "state.pt")
            shutil.rmtree(self.folder / name, ignore_errors=True)
            os.replace(temporary, self.folder / name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        for old in self._folders()[: -self.keep]:
            shutil.rmtree(old)

    def _go_on(self):
        "The interrupted epoch is where it was: take back all that replaying it has moved."
        found, self.found, self.replay = self.found, None, 0
        set_random_state(found["random"])
        self.learn.pct_train, self.learn.train_iter = found["pct_train"], found["train_iter"]
        self.recorder.smooth_loss.val, self.recorder.smooth_loss.count = found["smooth"]
        for name, value in found["recorder"].items():
            setattr(self.recorder, name, value)
        for cb in self.learn.cbs:
            if cb.name in found["callbacks"]:
                cb.load_state_dict(found["callbacks"][cb.name])

    def _folders(self):
        return sorted(self.folder.glob("step-*"), key=lambda p: int(p.name.split("-")[1]))

    def _newest(self):
        if not (folders := self._folders()):
            return None
        path = folders[-1] / "state.pt"
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # whatever torch.load makes of a damaged file
            raise FaststyleError(
                f"{path} cannot be read ({type(error).__name__}): remove {path.parent} to go on "
                f"from the checkpoint before it."
            ) from None

    def __getstate__(self):
        return {**self.__dict__, "found": None, "epoch_random": None, "epoch_order": None}


RECORDED = "values", "losses", "lrs", "iters"


def plain(value):
    "`value` with NumPy's and fastai's numbers and lists as Python's, for a safe torch.load."
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, torch.Tensor):
        return value.detach().as_subclass(torch.Tensor)
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "__iter__") and not isinstance(value, str):
        return [plain(v) for v in value]
    return value


def random_state():
    "Where Python's, NumPy's and torch's random numbers stand."
    kind, keys, *rest = np.random.get_state()
    state = {
        "python": random.getstate(),
        "numpy": [kind, keys.tolist(), *rest],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_random_state(state):
    random.setstate(state["python"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if "cuda" in state:
        torch.cuda.set_rng_state_all(state["cuda"])
