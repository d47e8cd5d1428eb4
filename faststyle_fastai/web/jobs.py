"Running trainings and optimizations: what a page shows of them, and how it stops them."

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict

import torch
from fastai.callback.core import Callback, CancelFitException
from matplotlib.figure import Figure

from ..core.errors import clock, extra
from ..images.files import to_picture
from ..optimization.optimize import loss_figure

__all__ = ["EVERY", "OptimizationJob", "TrainingJob", "run_in_thread", "latest_frame"]

EVERY = 1.0  # s between updates


def run_in_thread(work: Callable) -> Iterator[None]:
    "Run `work` in a thread and yield regularly; errors of `work` are raised here."
    pool = ThreadPoolExecutor(1)
    job = pool.submit(work)
    pool.shutdown(wait=False)  # the work continues without a viewer
    while not job.done():
        wait([job], EVERY)
        yield
    job.result()


def latest_frame(watch, nothing):
    """The image of a job if it is new, else `nothing`.

    The same image would be written to the same file again, while a browser reads it.
    """
    new, watch.seen = watch.picture is not watch.seen, watch.picture
    return watch.picture if new else nothing


class TrainingJob(Callback):
    "The loss, preview and time left of a training; `stop` ends it and keeps the result."

    order = 100  # after all other callbacks

    def __init__(self):
        self.stop, self.losses = threading.Event(), []
        self.picture = self.seen = None
        self.began, self.looked, self.done = time.monotonic(), -EVERY, 0.0

    def after_batch(self):
        if not self.training:
            return
        self.losses.append(float(self.smooth_loss))
        self.done, now = float(self.pct_train), time.monotonic()
        if now - self.looked > 3 * EVERY:  # a preview takes time from the training
            self.picture, self.looked = self.learn.preview.picture(), now
        if self.stop.is_set():
            raise CancelFitException

    def said(self) -> str:
        if not self.losses:
            return "### Starting …"
        left = (time.monotonic() - self.began) * (1 - self.done) / max(self.done, 1e-6)
        doing = "Stopping …" if self.stop.is_set() else f"{clock(left)} left"
        return f"### {self.done:.0%}, {doing}\nstep {len(self.losses)}, loss {self.losses[-1]:.3f}"

    def curve(self) -> Figure:
        return loss_figure([{"loss": loss, "parts": {}} for loss in self.losses])


class OptimizationJob:
    "A callback for `optimize_style` with the loss and image; `stop` ends it and keeps the result."

    def __init__(self):
        self.stop, self.iterates = threading.Event(), []
        self.picture = self.seen = None
        self.ended, self.looked = False, -EVERY

    def __call__(self, iterate, work):
        self.iterates.append(asdict(iterate))
        if time.monotonic() - self.looked > EVERY:  # in this thread, which owns `work`
            self.picture, self.looked = to_picture(work.picture()), time.monotonic()
        return self.stop.is_set()

    def said(self) -> str:
        if not self.iterates:
            return "### Starting …"
        now, stop = self.iterates[-1], self.stop.is_set()
        doing = ("Stopped. " if stop else "Ended. ") if self.ended else "Stopping … " * stop
        return (
            f"### {doing}{now['width']} x {now['height']} px, iteration {now['i']} of "
            f"{now['i_max']}\nloss {now['loss']:.4g}, {1 / now['seconds']:.1f} iterations per "
            f"second, {_memory() / 2**20:,.0f} MB of memory"
        )

    def curve(self) -> Figure:
        return loss_figure(self.iterates)


def _memory():
    "Bytes of memory in use, on the GPU if it is used, else by the process."
    if torch.cuda.is_initialized():
        return torch.cuda.memory_allocated()
    return extra("psutil", "web").Process().memory_info().rss
