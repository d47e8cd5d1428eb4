"What happens while a Learner trains: loss parts, precision, sizes, time, previews, guards."

import signal
import threading
import time
import warnings
from pathlib import Path

import pandas as pd
import torch
from fastai.callback.core import Callback, CancelFitException, CancelTrainException
from fastai.callback.fp16 import MixedPrecision
from fastai.learner import Metric, Recorder
from fastai.torch_core import find_bs
from PIL import ImageOps
from torch import Tensor

from .errors import NonFiniteLoss
from .images import read_picture, save_picture, side_by_side, to_picture, to_tensor, whole_file
from .losses import resize_short

__all__ = [
    "BFloat16",
    "DropletPenalty",
    "History",
    "LossParts",
    "Preview",
    "ProgressiveResize",
    "StopOnInterrupt",
    "StopOnNonFinite",
    "TimeBudget",
]


def keep_going(write, *args):
    "Write something on the way; a full disk costs a warning, not the training."
    try:
        write(*args)
    except (OSError, RuntimeError) as error:
        why = str(error).splitlines()[0]
        warnings.warn(f"not written: {why}; training goes on.", stacklevel=2)


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
        keep_going(self._write, pd.DataFrame(rows, columns=names))

    def _write(self, table):
        with whole_file(self.path) as temporary:
            table.to_csv(temporary, index_label="epoch")


class BFloat16(Callback):
    "Autocast to bfloat16 where the processor computes in it; `learn.to_fp16()` replaces it."

    order = MixedPrecision.order

    def __init__(self):
        self.context = None

    def before_fit(self):
        replaced = hasattr(self.learn, "mixed_precision")
        self.run = computes_bfloat16(self.dls.device) and not replaced

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


def computes_bfloat16(device: torch.device) -> bool:
    "Whether `device` has bfloat16 arithmetic of its own, not an emulation."
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()


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
        self.spent, self.tick = self.spent + now - self.tick, now
        if self.spent >= self.seconds:
            raise CancelTrainException  # the epoch still validates

    def after_cancel_train(self):
        self.recorder.cancel_train = False  # a shortened epoch's losses count

    def state_dict(self):
        return {"spent": self.spent}

    def load_state_dict(self, state):
        self.spent, self.tick = state["spent"], time.monotonic()


class ProgressiveResize(Callback):
    "Train on photos reduced to `small` px for the first `until` of the training."

    order = TimeBudget.order + 1  # which says how much of it is done

    def __init__(self, small: int, until: float):
        self.small, self.until = small, until

    def before_batch(self):
        if not self.training or hasattr(self.learn, "lr_finder"):
            return
        if self.pct_train < self.until and min(self.x.shape[-2:]) > self.small:
            self.learn.xb = self.learn.yb = (resize_short(self.x, self.small),)


class DropletPenalty(Callback):
    """Penalise activations far outside their channel's spread.

    A network that normalises each picture can steer its statistics by one huge spike, which shows
    as a flat patch, the droplet of Karras et al. 2020 (StyleGAN2). Looked at before the last two
    normalisations, where all that the residual blocks have done shows.
    """

    order = MixedPrecision.order - 1  # before the loss is scaled

    def __init__(self, weight: float = 1.0, beyond: float = 4.0):
        self.weight, self.beyond = weight, beyond  # beyond: standard deviations that are free
        self.hooks, self.excess = [], []

    def before_batch(self):
        if self.training and len(self.yb):
            norms = self.learn.model.in4, self.learn.model.in5
            self.hooks = [norm.register_forward_pre_hook(self._look) for norm in norms]

    def _look(self, norm, inputs):
        var, mean = torch.var_mean(inputs[0].float(), (2, 3), keepdim=True)
        z = (inputs[0].float() - mean) * (var + norm.eps).rsqrt()
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


class StopOnInterrupt(Callback):
    "Ctrl-C ends the fit after the step under way, so that it can be saved; a second one at once."

    order = 100  # when all others are done with the step

    def __init__(self):
        self.asked, self.before = False, None

    def before_fit(self):
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self._ask)

    def _ask(self, *_):
        self.asked = True
        signal.signal(signal.SIGINT, self.before)

    def after_batch(self):
        if self.asked:
            raise CancelFitException

    def after_fit(self):
        if self.before:
            signal.signal(signal.SIGINT, self.before)


class StopOnNonFinite(Callback):
    "End the fit with the part of the loss that is NaN or infinite, on the last good weights."

    order = Recorder.order - 2

    def __init__(self, every: int = 20):  # steps between copies of the weights
        self.every = every

    def before_train(self):
        self._keep()

    def after_loss(self):
        if not self.training or torch.isfinite(self.loss_grad):
            return
        if hasattr(self.learn, "lr_finder"):  # that is how its search ends
            raise CancelFitException
        bad = [name for name, part in self.learn.loss_func.parts.items() if not part.isfinite()]
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


class Preview(Callback):
    "Every so many steps a PNG of pictures beside what they have become; at the end a GIF."

    order = Recorder.order + 2

    def __init__(
        self,
        pictures: list,  # anything read_picture takes
        every: int = 100,  # steps
        folder: str | Path = "previews",
        size: int = 256,  # px of their centre squares
    ):
        self.every, self.folder, self.painted = every, Path(folder), False
        squares = [ImageOps.fit(read_picture(p), (size, size)) for p in pictures]
        self.photos = [to_tensor(square) for square in squares]

    def before_train(self):
        if self.train_iter == 0 and not hasattr(self.learn, "lr_finder"):
            self._paint(0)

    def after_step(self):
        if (self.train_iter + 1) % self.every == 0 and not hasattr(self.learn, "lr_finder"):
            self._paint(self.train_iter + 1)

    def after_fit(self):
        if self.painted:
            self._paint(self.train_iter)
            self.painted = False
            keep_going(self._write_gif, self.folder.parent / "progress.gif")

    def _paint(self, step):
        self.painted = True
        device = next(self.learn.model.parameters()).device
        pairs = []
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            for photo in self.photos:
                painted = self.learn.model(photo.to(device))
                pairs += [to_picture(photo), to_picture(painted)]
        keep_going(save_picture, side_by_side(pairs), self.folder / f"step-{step:06d}.png")

    def _write_gif(self, path):
        "All previews so far as one film, at half their size."
        frames = [read_picture(f).reduce(2) for f in sorted(self.folder.glob("step-*.png"))]
        timing = [200] * (len(frames) - 1) + [2000]  # ms; rests on the last
        with whole_file(path) as temporary:
            frames[0].save(
                temporary, save_all=True, append_images=frames[1:], duration=timing, loop=0
            )

    def __getstate__(self):
        return {**self.__dict__, "photos": []}
