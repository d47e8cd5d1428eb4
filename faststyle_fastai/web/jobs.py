"Running trainings and optimizations: what a page shows of them, and how it stops them."

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import torch
from fastai.callback.core import Callback, CancelFitException
from matplotlib.figure import Figure

from ..core.extras import extra
from ..core.terminal import clock
from ..images.files import to_picture
from ..optimization.optimize import loss_figure
from .guard import reason
from .library import spoken

__all__ = [
    "EVERY",
    "LISTED",
    "OptimizationJob",
    "Queue",
    "RefiningJob",
    "TrainingJob",
    "VideoJob",
]

EVERY = 1.0  # s between updates
LISTED = 6  # most jobs in the list
LATELY = 10  # s for which all visitors see that a job has ended; whoever began it sees it longer
DONE, SAVED = "done", "saved"  # how a job ends well
BAR = '<progress value="{:.3f}" aria-label="Progress"></progress>'
SURE = 0.02  # share of the work after which the time left is known


class Job:
    "Work in the background: what a page shows of it; `stop` ends it and keeps the result."

    kind = "a job"
    called = ""  # its name
    visitor: str | None = None  # whose it is
    state = "waiting"  # or "running", or how it ended
    why = ""  # it failed

    def __init__(self):
        self.stop, self.picture = threading.Event(), None
        self.done = 0.0  # share of the work
        self.began = self.at = time.monotonic()

    @property
    def title(self) -> str:
        "Its name as it is shown."
        return spoken(self.called)

    def said(self) -> str:
        "The status line while it runs."
        if self.stop.is_set():
            return "stopping …"
        if self.done < SURE:
            return f"starting … {BAR.format(self.done)}"
        left = (self.at - self.began) * (1 - self.done) / self.done  # as the latest step saw it
        left = clock(max(0, left - (time.monotonic() - self.at)))
        return f"{self.done:.0%}, {left} left {BAR.format(self.done)}"


class Queue:
    """The trainings, optimizations and videos of a page: one runs at a time, in order.

    They belong to the page: they go on when a visitor reloads it or leaves.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1)
        self.jobs: list[Job] = []

    def add(self, called: str, watch: Job, work: Callable, visitor: str | None):
        "Run `work` when its turn comes. `watch` shows and stops it."
        watch.called, watch.visitor = called, visitor
        self.jobs.append(watch)
        self.pool.submit(self._run, watch, work)

    def _run(self, watch, work):
        if watch.stop.is_set():  # while it waited
            watch.state = "stopped"
            return
        watch.state, watch.began = "running", time.monotonic()
        try:
            work()
            watch.state = SAVED if watch.stop.is_set() else DONE
        except Exception as error:
            watch.state, watch.why = "stopped" if watch.stop.is_set() else "failed", reason(error)

    def end(self, job: Job):
        "Stop a job that runs, or take it out of the queue."
        job.stop.set()
        job.at = time.monotonic()
        if job.state == "waiting":
            job.state = "stopped"

    def of(self, kind: type) -> list:
        "Jobs of one kind, the newest last."
        return [job for job in self.jobs if isinstance(job, kind)]

    def known(self, kind: type, visitor: str | None) -> list:
        "Jobs of one kind that are a visitor's, run or wait, or ended lately."
        now, there = time.monotonic(), self.open()
        return [
            job
            for job in self.of(kind)
            if job.visitor == visitor or job in there or now - job.at < LATELY
        ]

    def open(self, kind: type = object, visitor: str | None = None) -> list:
        "Jobs that run or wait, of one kind and of one visitor if given."
        jobs = [job for job in self.of(kind) if job.state in ("running", "waiting")]
        return [job for job in jobs if visitor in (None, job.visitor)]

    def running(self) -> str:
        "What kind of job runs; nothing if none does."
        return next((job.kind for job in self.jobs if job.state == "running"), "")

    def busy(self) -> list[str]:
        "The names of jobs that run or wait."
        return [job.called for job in self.open()]

    def told(self, job) -> str:
        "The status line of a job."
        if job.state == "running":
            return job.said()
        if job.state == "waiting":
            waiting = [other for other in self.jobs if other.state == "waiting"]
            place = waiting.index(job)
            turn = "You are next." if place == 0 else f"{place} before you."
            return f"Waiting for {self.running() or 'a moment'}. {turn}"
        if job.state == SAVED:
            return f"stopped at {job.done:.0%}; the style so far is saved"
        return f"failed: {job.why}" if job.state == "failed" else job.state

    def said(self, kind: type, visitor: str | None) -> str:
        "The jobs of one kind that are open, and the latest two that ended, as a list."
        ended = [job for job in self.known(kind, visitor) if job not in self.open()][-2:]
        lines = [f"- **{job.title}**: {self.told(job)}" for job in ended + self.open(kind)]
        return "\n".join(lines[-LISTED:])

    def close(self):
        "Stop all jobs; they keep their results."
        for job in self.jobs:
            self.end(job)
        self.pool.shutdown(cancel_futures=True)


class TrainingJob(Job, Callback):
    "The loss, preview and time left of a training."

    order = 100  # after all other callbacks
    kind = "a training"

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []
        self.looked = -EVERY

    def after_batch(self):
        if not self.training:
            return
        self.losses.append(float(self.smooth_loss))
        self.done, self.at = float(self.pct_train), time.monotonic()
        if self.at - self.looked > 3 * EVERY:  # a preview takes time from the training
            self.picture, self.looked = self.learn.preview.picture(), self.at
        if self.stop.is_set():
            raise CancelFitException

    def curve(self) -> Figure:
        return loss_figure([{"loss": loss, "parts": {}} for loss in self.losses])


class VideoJob(Job):
    "A `watch` for `paint_video` with the time left."

    kind = "a video"

    def __call__(self, painted, total):
        self.done, self.at = painted / total if total else 0.0, time.monotonic()
        if self.stop.is_set():
            raise KeyboardInterrupt  # as Ctrl-C in the terminal


class RefiningJob(Job):
    "A `watch` for `Stylizer.refined` with the latest painting and the time left."

    def __call__(self, share, painted):
        self.done, self.at, self.picture = share, time.monotonic(), painted
        if self.stop.is_set():
            raise KeyboardInterrupt  # the steps so far count


class OptimizationJob(Job):
    "A callback for `optimize_style` with the loss and image."

    kind = "a finest painting"

    def __init__(self) -> None:
        super().__init__()
        self.iterates: list[dict] = []
        self.ended, self.looked = False, -EVERY

    def __call__(self, iterate, work):
        self.iterates.append(asdict(iterate))
        self.done, self.at = work.done(), time.monotonic()
        if time.monotonic() - self.looked > EVERY:  # in this thread, which owns `work`
            self.picture, self.looked = to_picture(work.picture()), time.monotonic()
        return self.stop.is_set()

    def said(self) -> str:
        if not self.iterates:
            return super().said()
        size = f"{self.iterates[-1]['width']} x {self.iterates[-1]['height']} px"
        if not self.ended:
            return f"{super().said()}\n\nFirst a small sketch, then larger and finer: {size} now."
        if self.stop.is_set():
            return f"Stopped.\n\nYou can download the painting so far: {size}."
        return f"Done.\n\nThe painting has {size}."

    def details(self) -> str:
        "The loss, speed and memory."
        if not self.iterates:
            return ""
        now = self.iterates[-1]
        speed = f"{1 / now['seconds']:.1f} iterations per second"
        at = f"iteration {now['i']} of {now['i_max']} at this size"
        return f"{at}, loss {now['loss']:.4g}, {speed}, {_memory() / 2**20:,.0f} MB of memory"

    def curve(self) -> Figure:
        return loss_figure(self.iterates)


def _memory():
    "Bytes of memory in use, on the GPU if it is used, else by the process."
    if torch.cuda.is_initialized():
        return torch.cuda.memory_allocated()
    return extra("psutil", "web").Process().memory_info().rss
