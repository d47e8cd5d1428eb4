"Training progress: the parts of the loss, previews, and a line with the time left."

import math
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from fastai.callback.core import Callback
from fastai.callback.progress import ShowGraphCallback
from fastai.callback.tracker import TrackerCallback
from fastai.learner import Recorder, ValueMetric
from fastai.torch_core import rank_distrib, to_device
from fastcore.basics import patch, risinstance
from PIL import Image, ImageOps
from torch import Tensor

from ..core.atomic import atomic_write, best_effort_write
from ..core.terminal import CLEAR, clock, end_progress, progress, tell
from ..images.files import read_picture, to_picture
from ..images.saving import save_picture
from ..images.sheets import side_by_side
from ..images.tensors import to_tensor
from ..inference.painter import Painter
from ..models.stylefile import card_of, plain_net
from .callbacks import TimeBudget

__all__ = ["History", "LossParts", "Preview", "TimeLeft"]


class LossPart(ValueMetric):
    "A column of the progress table: a part of the loss, over all images or those of one style."


class LossParts(Callback):
    """Show the parts of the loss, in total and per style, as columns of the progress table.

    Other losses may replace VggLoss; a loss without `part_names` has no parts to show.
    """

    order, remove_on_fetch = Recorder.order - 1, True  # as fastai's Recorder
    _stateattrs = ("sums",)  # not exported
    sums = None  # [1 + parts, styles]: the number of images, then the sum of each part

    def before_fit(self):
        others = [m for m in self.learn.metrics if not isinstance(m, LossPart)]
        self.learn.metrics = others
        self.run = hasattr(self.learn.loss_func, "part_names")
        if not self.run:
            return
        styles = card_of(self.learn)[0]["styles"]
        self.n, parts = max(1, len(styles)), self.learn.loss_func.part_names
        columns = [LossPart(partial(self.mean, part, slice(None)), part) for part in parts]
        if len(styles) > 1:
            columns += [
                LossPart(partial(self.mean, part, slice(row, row + 1)), f"{part}:{style}")
                for row, style in enumerate(styles)
                for part in ("content", "style")
            ]
        self.learn.metrics = [*others, *columns]
        self.recorder.train_metrics = True
        self._lead_trackers({column.name for column in columns}, {m.name for m in others})

    def _lead_trackers(self, parts, metrics):
        "Let fastai's trackers find a metric by its name, and know that less of a part is better."
        for cb in self.learn.cbs.filter(risinstance(TrackerCallback)):
            if cb.monitor in metrics | parts:
                cb.monitor = f"valid_{cb.monitor}"
            lower = cb.monitor.removeprefix("valid_").removeprefix("train_") in parts
            if lower and cb.comp is np.greater:
                cb.comp, cb.min_delta = np.less, -cb.min_delta

    def before_batch(self):
        if self.iter == 0:  # a checkpoint restores those of an epoch that was cut
            self.sums = None

    def before_validate(self):
        self.sums = None

    def after_batch(self):
        if not len(self.yb):  # no target: inference, or skipped by a resume
            return
        loss = self.learn.loss_func
        parts = [loss.parts[name].float() for name in loss.part_names]
        values = torch.stack([torch.ones_like(parts[0]), *parts])
        if self.sums is None:
            self.sums = values.new_zeros(len(values), self.n)
        self.sums = self.sums.index_add(1, loss.style_ids, values)

    def mean(self, part, styles):
        "The mean of a part of the loss over an epoch's images of some styles; NaN without images."
        if self.sums is None or self.learn is None:  # removed, which leaves its columns
            return math.nan
        sums = self.sums[:, styles].sum(1).tolist()
        parts = self.learn.loss_func.part_names
        return sums[1 + parts.index(part)] / sums[0] if sums[0] else math.nan

    def state_dict(self) -> dict:
        return {"sums": self.sums}

    def load_state_dict(self, state: dict):
        self.sums = to_device(state["sums"], self.dls.device)


@patch
def after_epoch(self: ShowGraphCallback):
    "As fastai's, which takes the second column for the validation loss: here parts come before it."
    if not self.nb_batches:
        return
    rec, n = self.learn.recorder, len(self.nb_batches)
    column = list(rec.metric_names).index("valid_loss") - 1
    losses, valid = rec.losses, [row[column] for row in rec.values]
    across = 0, (self.n_epoch - n) * self.nb_batches[0] + len(losses)
    graphs = [(range(len(losses)), losses), (self.nb_batches, valid)]
    self.progress.mbar.update_graph(graphs, across, (0, float(max(*losses, *valid))))


class History(Callback):
    "Write the progress table to the CSV file `path`, atomically after each epoch."

    order = Recorder.order + 1

    def __init__(
        self,
        path: str | Path,  # .csv
    ):
        self.path = Path(path)

    def after_epoch(self):
        names = list(self.recorder.metric_names[1:-1])  # without epoch and time
        # Of epochs that were skipped, or ended without validating, rows are shorter.
        rows = {i: r for i, r in enumerate(map(list, self.recorder.values)) if len(r) == len(names)}
        if rows:
            table = pd.DataFrame(rows.values(), index=[*rows], columns=names)
            best_effort_write(self._write, table)

    def _write(self, table):
        with atomic_write(self.path) as temporary:
            table.to_csv(temporary, index_label="epoch")


FRAMES = 200  # about the most in a progress video
MOST = 8  # styles with previews; each takes time from the training


class Preview(Callback):
    "Save previews as PNG files every `every` steps, and all of them as progress.gif at the end."

    order = Recorder.order + 2
    _stateattrs = ("photos",)  # not exported
    photos: Sequence[Tensor] = ()

    def __init__(
        self,
        pictures: list,  # anything that read_picture accepts
        every: int | None = None,  # steps; None: 100, at least 10 seconds apart
        folder: str | Path = "previews",  # with several styles: one subfolder for each of 8
        size: int = 256,  # px of the center squares
    ):
        self.every, self.apart = (every, 0) if every else (100, 10)  # steps, seconds
        self.folder, self.painted, self.clock = Path(folder), False, 0.0
        self.films: dict[Path, Path] = {}  # path of a GIF -> folder of its previews
        squares = [ImageOps.fit(read_picture(p), (size, size)) for p in pictures]
        self.photos = [to_tensor(square) for square in squares]

    def before_fit(self):
        beside = self.folder.parent
        self.films = {beside / f"progress{name}.gif": folder for name, folder in self._folders()}

    def before_train(self):
        resumes = getattr(getattr(self.learn, "checkpoint", None), "found", None)
        self.painted = self.painted or bool(resumes and not rank_distrib())
        if self.train_iter == 0 and not hasattr(self.learn, "lr_finder") and not resumes:
            if not rank_distrib():
                best_effort_write(self._forget)
            self._paint(0)

    def _forget(self):
        "Remove the previews of another fit, which would end this one's GIF."
        for folder in self.films.values():
            for file in folder.glob("step-[0-9]*.png"):
                file.unlink(missing_ok=True)

    def after_step(self):
        if (self.train_iter + 1) % self.every or time.monotonic() < self.clock + self.apart:
            return
        if not hasattr(self.learn, "lr_finder"):
            self.clock = time.monotonic()
            self._paint(self.train_iter + 1)

    def after_fit(self):
        if self.painted:
            self._paint(self.train_iter)
            self.painted = False
            for film, folder in self.films.items():
                best_effort_write(write_film, folder, film)

    def files(self) -> list[Path]:
        "The previews and their GIFs."
        return [*self.folder.rglob("step-*.png"), *self.films]

    def _folders(self):
        "For each style, the suffix of its GIF's name and the folder of its previews."
        styles = card_of(self.learn)[0]["styles"]
        if len(styles) < 2:
            return [("", self.folder)]
        return [(f"-{style}", self.folder / style) for style in styles[:MOST]]

    def path(self, step: int, row: int = 0) -> Path:
        "The path of a style's preview at a step."
        return self._folders()[row][1] / f"step-{step:06d}.png"

    def _paint(self, step):
        if rank_distrib():
            return
        self.painted = True
        for row in range(len(self._folders())):
            best_effort_write(save_picture, self.picture(row), self.path(step, row))

    def picture(self, row: int = 0) -> Image.Image:
        "The photos, each beside its current painted version in a style."
        net: Any = plain_net(self.learn.model)
        info = card_of(self.learn)[0]
        device = next(net.parameters()).device
        palette = [*info.get("palettes", {}).values()][row : row + 1]
        colors = torch.tensor(palette, device=device) if palette else None
        paint = Painter(net, torch.eye(net.n_styles)[row : row + 1], 0.0, device, None, colors)
        pairs = [to_picture(x) for photo in self.photos for x in (photo, paint(photo))]
        return side_by_side(pairs, gap=2)


def write_film(folder: Path, path: Path) -> None:
    "Write the readable previews, or every few of many, as a GIF at half size."
    frames, files = [], sorted(folder.glob("step-*.png"))
    step = 1 + max(0, len(files) - 1) // FRAMES
    for file in files[::-step][::-1]:  # with the last one
        with suppress(ValueError):
            frames.append(read_picture(file).reduce(2))
    if not frames:
        return
    first, *rest = frames
    timing = [200] * len(rest) + [2000]  # ms; the last frame stays longer
    with atomic_write(path) as temporary:
        first.save(temporary, save_all=True, append_images=rest, duration=timing, loop=0)


class TimeLeft(Callback):
    "Print one line on stderr: progress, loss, photos per second, time left."

    order = TimeBudget.order + 1  # it sets pct_train

    def before_fit(self):
        self.start = self.shown = time.monotonic()
        self.seen, self.from_pct, self.told = 0, None, hasattr(self.learn, "time_budget")
        if hasattr(self.learn, "preview"):
            preview = self.learn.preview
            tell(f"previews every {preview.every} steps: {preview.path(0)} …")

    def after_batch(self):
        if not self.training or not len(self.yb):
            return
        now, self.seen = time.monotonic(), self.seen + len(self.xb[0])
        pct = self.pct_train
        if hasattr(self.learn, "progressive_resize"):
            pct = self.progressive_resize.time(pct)
        if self.from_pct is None:  # after what a resume skips
            self.from_pct, self.start, self.seen = pct, now, 0
        tty = sys.stderr.isatty()
        if now - self.shown < (0.5 if tty else 10):
            return
        self.shown, done = now, pct - self.from_pct
        if not done:  # after the first step, which takes longer
            return
        left = (now - self.start) * (1 - pct) / done
        if not self.told:
            self.told = True
            tell(f"This takes about {clock(left)}. --minutes sets another time.")
        progress(
            f"{pct:4.0%}  step {self.train_iter}  loss {self.smooth_loss:.3f}  "
            f"{self.seen / (now - self.start):.1f} photos/s  {clock(left)} left"
        )

    def after_fit(self):
        end_progress(CLEAR)
