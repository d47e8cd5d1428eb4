"Films, optimizations and trainings of a page: what it shows of them, and how it stops them."

import math
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import torch
from PIL import Image

from ..core.errors import FaststyleError
from ..core.extras import extra
from ..images.files import to_picture
from ..optimization.optimize import loss_figure
from .guard import plain_reason

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EVERY", "OptimizationJob", "Queue", "TrainingJob", "VideoJob"]

EVERY = 1.0  # s between pictures of a job
DONE, SAVED, STOPPED, FAILED = "done", "saved", "stopped", "failed"  # how a job ends
SURE = 0.02  # share of the work after which the time left is known
KEPT, ALL_KEPT = 50, 500  # ended jobs remembered per visitor, and in all
OPEN = "running", "waiting"


class Job:
    "Work in the background: what a page shows of it; `stop` ends it and keeps the result."

    kind = ""
    waits = True  # for the work before it
    called = ""  # its name
    asked = ""  # of what it is made, and how, as the page names both
    styles: tuple[str, ...] = ()  # the names of those it paints in
    visitor: str | None = None  # whose it is
    state = "waiting"  # or "running", or how it ended
    why = ""  # it failed
    steps = 0  # of a training
    out: Path | None = None  # the file that it makes
    uploads: Path | None = None  # a folder that it alone needs

    def __init__(self, owner: Any = None):  # a Visit: the job ends once the visitor has left
        self.id, self.owner, self.stop = uuid4().hex, owner, threading.Event()
        self.picture: Image.Image | None = None  # so far
        self.sees = 0  # how many pictures there were
        self.looked = -EVERY  # when the last one was
        self.done = 0.0  # share of the work
        self.began = self.at = time.monotonic()

    def show(self, picture: Image.Image):
        self.picture, self.looked = picture, time.monotonic()
        self.sees += 1

    def reached(self, share: float) -> bool:
        "Note the share of the work that is done; tell whether to stop."
        self.done, self.at = share, time.monotonic()
        if self.owner and self.owner.has_left:
            self.stop.set()
        return self.stop.is_set()

    @property
    def left(self) -> float | None:
        "Seconds, as the latest step saw it; None while they are not known."
        return (self.at - self.began) * (1 - self.done) / self.done if self.done > SURE else None

    def tidy(self):
        "Remove what it alone needs."
        if self.uploads:
            shutil.rmtree(self.uploads, ignore_errors=True)

    def curve(self) -> "Figure":
        raise FaststyleError("This job has no losses.")


class Queue:
    """The trainings and films of a page: one runs at a time, in order.

    Refinings, which are short, have a line of their own. All belong to the page: they go on when a
    visitor reloads it. `most` of a visitor's may be open.
    """

    def __init__(self, most: float = math.inf) -> None:
        self.most = most
        self.pools = {waits: ThreadPoolExecutor(1) for waits in (True, False)}
        self.jobs: list[Job] = []
        self.changing = threading.Lock()

    def add(
        self, called: str, watch: Job, work: Callable, visitor: str | None, out: Path | None = None
    ) -> str:  # the job's id
        "Run `work` when its turn comes. `watch` shows and stops it."
        watch.called, watch.visitor, watch.out = called, visitor, out
        with self.changing:
            try:
                self.check_room(visitor)
            except FaststyleError:
                watch.tidy()
                raise
            ended = [job for job in self.jobs if job.state not in OPEN]
            for job in ended[:-KEPT]:
                job.picture = None  # which takes memory
            own = [job for job in ended if job.visitor == visitor]
            gone = {*own[:-KEPT], *ended[:-ALL_KEPT]}
            self.jobs = [job for job in self.jobs if job not in gone] + [watch]
        self.pools[watch.waits].submit(self._run, watch, work)
        return watch.id

    def check_room(self, visitor: str | None):
        "Check that a visitor may begin one more."
        if sum(job.visitor == visitor for job in self.open()) >= self.most:
            raise FaststyleError(f"{self.most} of your jobs run or wait. Let one end first.")

    def _run(self, watch, work):
        try:
            if watch.stop.is_set():  # while it waited
                watch.state = STOPPED
                return
            watch.state, watch.began = "running", time.monotonic()
            work()
            watch.state = SAVED if watch.stop.is_set() else DONE
        except Exception as error:
            why = plain_reason(error)
            watch.state, watch.why = STOPPED if watch.stop.is_set() else FAILED, why
        finally:
            watch.owner = None  # the visitor's photos and networks take memory
            watch.tidy()

    def end(self, job: Job):
        "Stop a job that runs, or take it out of the queue."
        job.stop.set()
        job.at = time.monotonic()
        if job.state == "waiting":
            job.state = STOPPED

    def find(self, job_id: Any) -> Job:
        for job in self.jobs:
            if job.id == job_id:
                return job
        raise FaststyleError("This work is no longer on the page. Begin it again.")

    def rename(self, name: str, now: str):
        "Follow the new name of a style."
        for job in self.jobs:
            if isinstance(job, TrainingJob) and job.called == name:
                job.called = now

    def open(self) -> list[Job]:
        "Jobs that run or wait."
        return [job for job in self.jobs if job.state in OPEN]

    def running(self, waits: bool = True) -> str:
        "What kind of job others wait for; nothing if none runs. Refinings wait for each other."
        jobs = [job for job in self.open() if job.state == "running" and job.waits == waits]
        return jobs[0].kind if jobs else ""

    def before(self, job: Job) -> int:
        "How many jobs wait that come first."
        waiting = [one for one in self.jobs if one.state == "waiting" and one.waits == job.waits]
        return waiting.index(job) if job in waiting else 0

    def busy(self) -> list[str]:
        "The names of styles whose training runs or waits."
        return [job.called for job in self.open() if isinstance(job, TrainingJob)]

    def uses(self, name: str) -> bool:
        "Whether a film or refining in a style runs or waits."
        return any(name in job.styles for job in self.open())

    def shown(self, visitor: str) -> list[dict]:
        "What a visitor sees: the trainings of all, and other work of one's own."
        return [
            {
                "id": job.id, "kind": job.kind, "style": job.called,
                "state": job.state, "stopping": job.state == "running" and job.stop.is_set(),
                "done": job.done, "left": job.left, "why": job.why, "sees": job.sees,
                "before": self.before(job), "running": self.running(job.waits),
                "mine": job.visitor == visitor, "file": job.out.name if job.out else "",
                "made": bool(job.out and job.out.exists()), "steps": job.steps, "asked": job.asked,
            }
            for job in self.jobs
            if job.visitor == visitor or isinstance(job, TrainingJob)
        ]  # fmt: skip

    def close(self):
        "Stop all jobs; they keep their results."
        for job in self.jobs:
            self.end(job)
        for pool in self.pools.values():
            pool.shutdown(cancel_futures=True)


class TrainingJob(Job):
    "The loss, preview and time left of a training."

    kind = "training"

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []

    def stepped(
        self,
        share: float,  # of the work
        loss: float,
        picture: Callable[[], Image.Image],  # which takes time from the training
    ) -> bool:
        "Note a step; tell whether to stop."
        self.losses.append(loss)
        self.steps = len(self.losses)
        stopped = self.reached(min(1.0, share))
        if self.at - self.looked > 3 * EVERY:
            self.show(picture())
        return stopped

    def curve(self) -> "Figure":
        return loss_figure([{"loss": loss, "parts": {}} for loss in self.losses])


class VideoJob(Job):
    "A `watch` for `paint_video` with the time left."

    kind = "film"

    def __init__(self, owner: Any = None, seconds: float = 0) -> None:
        super().__init__(owner)
        self.seconds = seconds  # for a film that does not state its length

    def __call__(self, painted, total):
        total = total or self.seconds
        if self.reached(min(1.0, painted / total) if total else 0.0):
            raise KeyboardInterrupt  # as Ctrl-C in the terminal


class OptimizationJob(Job):
    """A callback for `optimize_style` with the loss and image, which is shown from a share on.

    In a queue, it does not wait for trainings and films.
    """

    kind, waits = "refining", False

    def __init__(self, owner: Any = None, since: float = 0) -> None:
        super().__init__(owner)
        self.since = since
        self.iterates: list[dict] = []

    def __call__(self, iterate, work):
        if not self.iterates:  # before it, strokes of the painting may have been found
            self.began = time.monotonic()
        self.iterates.append(asdict(iterate))
        stopped = self.reached(work.done())
        late = self.at - self.looked > EVERY
        if late and self.done >= self.since:  # in this thread, which owns `work`
            self.show(to_picture(work.picture()))
        return stopped

    def details(self) -> str:
        "The size, loss, speed and memory."
        if not self.iterates:
            return ""
        now = self.iterates[-1]
        speed = f"{1 / now['seconds']:.1f} iterations per second"
        at = f"{now['width']} x {now['height']} px, iteration {now['i']} of {now['i_max']}"
        return f"{at}, loss {now['loss']:.4g}, {speed}, {_memory() / 2**20:,.0f} MB of memory"

    def curve(self) -> "Figure":
        return loss_figure(self.iterates)


def _memory():
    "Bytes of memory in use, on the GPU if it is used, else by the process."
    if torch.cuda.is_initialized():
        return torch.cuda.memory_allocated()
    return extra("psutil", "web").Process().memory_info().rss
