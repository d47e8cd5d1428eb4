"What a page shows of work under way, and how it stops it."

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict

import torch
from fastai.callback.core import Callback, CancelFitException
from matplotlib.figure import Figure

from .errors import clock, extra
from .images import to_picture
from .optimize import loss_figure

__all__ = ["EVERY", "WatchedOptimization", "WatchedTraining", "under_way", "unseen"]

EVERY = 1.0  # s between looks


def under_way(work: Callable) -> Iterator[None]:
    "Runs `work` in a thread and comes by now and then; what goes wrong there is raised here."
    pool = ThreadPoolExecutor(1)
    job = pool.submit(work)
    pool.shutdown(wait=False)  # if nobody looks on, it goes on
    while not job.done():
        wait([job], EVERY)
        yield
    job.result()


def unseen(watch, nothing):
    """The picture of a watch if it is a new one, else `nothing`.

    The same one would be written to the same file again, while a browser reads it.
    """
    new, watch.seen = watch.picture is not watch.seen, watch.picture
    return watch.picture if new else nothing


class WatchedTraining(Callback):
    "A training's loss, its preview, the time left; `stop` ends it with what it has."

    order = 100  # when all others are done with the step

    def __init__(self):
        self.stop, self.losses = threading.Event(), []
        self.picture = self.seen = None
        self.began, self.looked, self.done = time.monotonic(), -EVERY, 0.0

    def after_batch(self):
        if not self.training:
            return
        self.losses.append(float(self.smooth_loss))
        self.done, now = float(self.pct_train), time.monotonic()
        if now - self.looked > 3 * EVERY:  # a preview takes some of the training's time
            self.picture, self.looked = self.learn.preview.picture(), now
        if self.stop.is_set():
            raise CancelFitException

    def said(self) -> str:
        if not self.losses:
            return "### Beginning …"
        left = (time.monotonic() - self.began) * (1 - self.done) / max(self.done, 1e-6)
        doing = "Stopping …" if self.stop.is_set() else f"{clock(left)} left"
        return f"### {self.done:.0%}, {doing}\nstep {len(self.losses)}, loss {self.losses[-1]:.3f}"

    def curve(self) -> Figure:
        return loss_figure([{"loss": loss, "parts": {}} for loss in self.losses])


class WatchedOptimization:
    "What `optimize_style` calls back: the loss, the picture; `stop` ends it with what it has."

    def __init__(self):
        self.stop, self.iterates = threading.Event(), []
        self.picture = self.seen = None
        self.ended, self.looked = False, -EVERY

    def __call__(self, iterate, work):
        self.iterates.append(asdict(iterate))
        if time.monotonic() - self.looked > EVERY:  # here, as `work` belongs to this thread
            self.picture, self.looked = to_picture(work.picture()), time.monotonic()
        return self.stop.is_set()

    def said(self) -> str:
        if not self.iterates:
            return "### Beginning …"
        now, stop = self.iterates[-1], self.stop.is_set()
        doing = ("Stopped. " if stop else "Ended. ") if self.ended else "Stopping … " * stop
        return (
            f"### {doing}{now['width']} x {now['height']} px, iteration {now['i']} of "
            f"{now['i_max']}\nloss {now['loss']:.4g}, {1 / now['seconds']:.1f} iterations a "
            f"second, {_memory() / 2**20:,.0f} MB of memory"
        )

    def curve(self) -> Figure:
        return loss_figure(self.iterates)


def _memory():
    "Bytes in use: of the GPU's memory if one is in use, else of the process."
    if torch.cuda.is_initialized():
        return torch.cuda.memory_allocated()
    return extra("psutil", "web").Process().memory_info().rss
