"What happens while a Learner trains: loss parts, precision, sizes, time, previews, guards."

import time
from pathlib import Path

import pandas as pd
import torch
from fastai.callback.core import Callback, CancelFitException, CancelTrainException
from fastai.callback.fp16 import MixedPrecision
from fastai.learner import Metric, Recorder
from fastai.torch_core import find_bs
from torch import Tensor

from .errors import FaststyleError
from .images import read_picture, save_picture, side_by_side, to_picture, to_tensor, whole_file
from .losses import resize_short

__all__ = [
    "CpuBFloat16",
    "History",
    "LossParts",
    "Preview",
    "ProgressiveResize",
    "StopOnNonFinite",
    "TimeBudget",
]


class LossPart(Metric):
    "Mean over an epoch of one entry of `loss_func.parts`."

    def __init__(self, part):
        self.part = part

    def reset(self):
        self.total, self.n = 0.0, 0

    def accumulate(self, learn):
        bs = find_bs(learn.yb)
        self.total += learn.to_detach(learn.loss_func.parts[self.part]).float() * bs
        self.n += bs

    @property
    def value(self):
        return self.total / self.n if self.n else None

    @property
    def name(self):
        return self.part


class LossParts(Callback):
    "The parts of the loss as training and validation columns of the progress table."

    order = Recorder.order - 1

    def before_fit(self):
        others = [m for m in self.learn.metrics if not isinstance(m, LossPart)]
        self.learn.metrics = [*others, *(LossPart(p) for p in self.learn.loss_func.part_names)]
        self.recorder.train_metrics = True


class History(Callback):
    "Keep `path` as a CSV of the progress table, rewritten whole after each epoch."

    order = Recorder.order + 1

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def after_epoch(self):
        names = list(self.recorder.metric_names[1:-1])  # without epoch and time
        rows = [list(row) for row in self.recorder.values]
        if any(len(row) != len(names) for row in rows):  # lr_find ends without validating
            return
        table = pd.DataFrame(rows, columns=names)
        with whole_file(self.path) as temporary:
            table.to_csv(temporary, index_label="epoch")


class CpuBFloat16(Callback):
    "Autocast to bfloat16 on a CPU that computes in it; fastai's MixedPrecision knows CUDA only."

    order = MixedPrecision.order

    def __init__(self):
        self.context = None

    @staticmethod
    def supported(device: torch.device) -> bool:
        "Whether `device` is a CPU with bfloat16 instructions."
        return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()

    def before_batch(self):
        self._leave()  # an interrupted batch may have left it open
        self.context = torch.autocast("cpu", torch.bfloat16)
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


class ProgressiveResize(Callback):
    "Train on photos reduced to `small` px for the first `until` of the training."

    def __init__(self, small: int, until: float):
        self.small, self.until = small, until

    def before_batch(self):
        if self.training and self.pct_train < self.until and min(self.x.shape[-2:]) > self.small:
            photo = resize_short(self.x, self.small)
            self.learn.xb = self.learn.yb = (photo,)


class TimeBudget(Callback):
    "End the fit after `minutes`, its schedule stretched to fit; give `fit` epochs enough."

    order = Recorder.order + 5  # before ParamScheduler (60), which reads pct_train

    def __init__(self, minutes: float):
        self.seconds, self.spent = 60 * minutes, 0.0

    def before_fit(self):
        self.tick = time.monotonic()

    def before_batch(self):
        if self.training:
            now = time.monotonic()
            self.spent, self.tick = self.spent + now - self.tick, now
            self.learn.pct_train = min(1.0, self.spent / self.seconds)

    def after_batch(self):
        if self.training and self.spent >= self.seconds:
            raise CancelTrainException  # the epoch still validates

    def after_cancel_train(self):
        self.recorder.cancel_train = False  # a shortened epoch's losses count

    def before_epoch(self):
        if self.spent >= self.seconds:
            raise CancelFitException

    def state_dict(self):
        return {"spent": self.spent}

    def load_state_dict(self, state):
        self.spent, self.tick = state["spent"], time.monotonic()


class StopOnNonFinite(Callback):
    "End the fit with the part of the loss that is NaN or infinite, on the last good weights."

    order = Recorder.order - 2

    def __init__(self, every: int = 20):  # steps between copies of the weights
        self.every = every

    def before_fit(self):
        self._keep()

    def after_loss(self):
        if not self.training or torch.isfinite(self.loss_grad):
            return
        if hasattr(self.learn, "lr_finder"):  # that is how its search ends
            raise CancelFitException
        bad = [name for name, part in self.learn.loss_func.parts.items() if not part.isfinite()]
        self.learn.model.load_state_dict(self.good)
        raise FaststyleError(
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


class Preview(Callback):
    "Every so many steps a PNG of pictures beside what they have become; at the end a GIF."

    order = Recorder.order + 2

    def __init__(
        self,
        pictures: list,  # anything read_picture takes
        every: int = 100,  # steps
        folder: str | Path = "previews",
        size: int = 256,  # px of the short side
    ):
        self.every, self.folder = every, Path(folder)
        photos = [resize_short(to_tensor(read_picture(p)), size) for p in pictures]
        self.photos = photos

    def before_fit(self):
        self._paint()

    def after_step(self):
        if (self.train_iter + 1) % self.every == 0:
            self._paint(self.train_iter + 1)

    def after_fit(self):
        if hasattr(self.learn, "lr_finder") or hasattr(self.learn, "gather_preds"):
            return
        self._paint(self.train_iter)
        self.write_gif(self.folder.parent / "progress.gif")

    def _paint(self, step=0):
        device = next(self.learn.model.parameters()).device
        pairs = []
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            for photo in self.photos:
                painted = self.learn.model(photo.to(device))
                pairs += [to_picture(photo), to_picture(painted)]
        save_picture(side_by_side(pairs), self.folder / f"step-{step:06d}.png")

    def write_gif(self, path):
        "All previews so far as one film, at half their size."
        frames = [read_picture(f).reduce(2) for f in sorted(self.folder.glob("step-*.png"))]
        timing = [200] * (len(frames) - 1) + [2000]  # ms; rests on the last
        with whole_file(path) as temporary:
            frames[0].save(
                temporary, save_all=True, append_images=frames[1:], duration=timing, loop=0
            )
