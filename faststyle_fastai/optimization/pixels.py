"The optimization of an image's pixels, coarse to fine."

import math
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from fastcore.basics import listify
from fastcore.foundation import L
from torch import Tensor
from torch.nn import functional as F

from ..core.constants import IMAGENET
from ..core.devices import computing, named_devices
from ..core.errors import FaststyleError, NonFiniteLoss, out_of_memory
from ..core.values import known
from ..images.color import soft_proof
from ..images.files import read_picture
from ..images.shapes import fitted
from ..images.sizes import resized_tensor
from ..perceptual.lbfgs import folded, lbfgs_with_line_search
from .initializers import INITS
from .objective import Objective
from .paintings import Paintings
from .pixel_recipes import Optimization, scales_between
from .pyramid import composed, decomposed

__all__ = ["OptimizationStep", "PixelOptimizer"]


@dataclass(frozen=True)
class OptimizationStep:
    "The state of an optimization after an iteration."

    width: int  # px
    height: int  # px
    i: int  # iteration at this size, from 1 …
    i_max: int  # … to this
    loss: float  # at the start of the iteration
    parts: dict[str, float]  # the weighted error of each term; the loss is their sum
    seconds: float  # duration of the iteration


class PixelOptimizer:
    """The optimization of an image, step by step: an iterator of `OptimizationStep`.

    `sizes` are the px of the longer side, from small to large. `picture()` is the image so far.

        work = PixelOptimizer("me.jpg", "painting.jpg", None, optimization_plan("neighbors"))
        for step in work:
            if step.i % 20 == 0:
                torch.save(work.state_dict(), "half.pt")
        to_picture(work.picture()).save("me-painted.jpg")

    To resume, make it again with the same arguments:

        work = PixelOptimizer("me.jpg", "painting.jpg", None, optimization_plan("neighbors"))
        work.load_state_dict(torch.load("half.pt"))
        for step in work:
            ...

    Raises `FileNotFoundError` for a missing image, `ValueError` for one that cannot be read or is
    too small, and `FaststyleError` if the backbone has no weights or the memory does not suffice.
    """

    def __init__(
        self,
        content: Any,  # a path, an image, an array or a tensor
        styles: Any,  # one or several, likewise; a list in the list holds works of one style
        style_weights: list[float] | None,  # of the paintings; None: equal
        plan: Optimization,  # as of optimization_plan
        weights: str | Path | None = None,
        mask: Any = None,  # as in optimize_style
        seed: int = 0,
        device: torch.device | str | None = None,  # "cuda:0,cuda:1": both share the backbone
        proof: str | Path | None = None,  # a printer's profile: limits input to its colors
        precision: str = "auto",  # of the backbone, see devices.autocast_dtype
        start: Any = None,  # an image to begin with instead of plan.init
    ):
        self.plan, devices = plan, named_devices(device)
        self.device = devices[0]
        styles = styles if isinstance(styles, (list, tuple, L)) else [styles]

        def printed(picture):
            return soft_proof(picture, proof) if proof else picture

        self.content = printed(read_picture(content))
        start = None if start is None else printed(read_picture(start))
        works = [[*map(read_picture, listify(x))] for x in styles]
        self.paintings = Paintings(works, style_weights, mask, plan)
        make = INITS[known("init", plan.init, INITS)] if start is None else None
        self.make_opt, clamps = OPTIMIZERS[known("optimizer", plan.optimizer, OPTIMIZERS)]
        self.levels = plan.levels if plan.optimizer == "adam" else 0  # the others take one tensor
        self.clamps = ("inside" if self.levels else clamps) if plan.clamp else "never"
        self.sizes = scales_between(plan.min_scale, plan.end_scale, plan.scale_ratio)
        self.counts = [plan.initial_iterations] + [plan.iterations] * (len(self.sizes) - 1)
        self.objective = Objective(
            self.content, self.paintings, plan, weights, devices, precision, seed
        )
        self.objective.check_size(self.sizes[0], self.shape(0))
        if plan.strokes is not False:  # after all that may be wrong: it takes some seconds
            from ..strokes.thick_paint import in_strokes  # SciPy takes its time to be imported

            side = plan.style_size or round(plan.end_scale * plan.style_scale_fac)
            works = [in_strokes(each, plan.strokes, longer=side) for each in works]
        self.paintings.works = [printed(work) for each in works for work in each]
        free = not (plan.clamp or self.levels)
        self.unit = torch.tensor(IMAGENET[1]).view(1, 3, 1, 1) if free else torch.ones(1)
        self.at = 0, 0  # index of the size, iterations done at it
        self.opt: Any = None  # a torch.optim.Optimizer, once a size is entered
        shape = self.shape(0)[::-1]
        if make:
            weighted = list(zip(self.paintings.shares, self.paintings.works))
            first = make(shape, self.content, weighted, torch.Generator().manual_seed(seed))
        else:
            first = resized_tensor(start, shape[::-1])
        self.parts = [(first / self.unit).to(self.device)]  # of a pyramid, or the image
        self.unit = self.unit.to(self.device)
        self.mean: Any = None  # of the iterates at this size, [1, 3, H, W]
        self.decay = 1.0

    @property
    def pixels(self) -> Tensor:  # [1, 3, H, W]
        "The image, which is not limited to [0, 1]."
        return composed(self.parts)

    def shape(
        self,
        scale: int,  # its index in `sizes`
    ) -> tuple[int, int]:
        "Width and height in px at a size."
        return fitted(self.content.size, self.sizes[scale], self.plan.enlarge)

    def done(self) -> float:
        "Share of the work that is done; an iteration takes time in proportion to its pixels."
        work = [n * math.prod(self.shape(i)) for i, n in enumerate(self.counts)]
        scale, i = self.at
        part = work[scale] * i / self.counts[scale] if i else 0
        return (sum(work[:scale]) + part) / sum(work)

    def __iter__(self) -> Iterator[OptimizationStep]:
        """Run the iterations that are left, size by size. `break` and iterate again to go on.

        Raises `NonFiniteLoss` if the step size is too large.
        """
        for scale in range(self.at[0], len(self.sizes)):
            try:
                yield from self._at_scale(scale)
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                smaller = [str(size) for size in self.sizes[:scale]]
                raise FaststyleError(
                    f"Out of memory at {self.sizes[scale]} px: "
                    f"{smaller[-1] + ' px still fits' if smaller else 'try a smaller backbone'}."
                ) from error

    def _at_scale(self, scale: int) -> Iterator[OptimizationStep]:
        width, height = self.shape(scale)
        errors, rematch = self.objective.at(self.sizes[scale], (height, width))
        i_max = self.counts[scale]
        if self.at[1] == 0:
            self._enter((height, width))
        while self.at[1] < i_max:
            began = time.perf_counter()
            if self.at[1] % self.plan.rematch == 0:
                rematch(self.pixels * self.unit, self.at)
            if self.opt and self.plan.anneal and self.plan.optimizer == "adam":
                left = (1 - self.at[1] / i_max) / self.plan.anneal
                self.opt.param_groups[0]["lr"] = self.plan.step_size * min(1.0, left)
            loss, parts = self._step(errors)
            self.at, seconds = (scale, self.at[1] + 1), time.perf_counter() - began
            yield OptimizationStep(width, height, self.at[1], i_max, loss, parts, seconds)
        self.at = scale + 1, 0

    def _enter(self, shape):
        "Resize the image and Adam's moments."
        pixels = self.pixels if self.mean is None else self._average()
        pixels = F.interpolate(pixels, shape, mode="bicubic")
        if self.plan.clamp:
            pixels = pixels.clamp(0, 1)
        parts = decomposed(pixels.detach(), self.levels)
        self.parts = [part.requires_grad_() for part in parts]
        self.mean, self.decay = torch.zeros_like(pixels), 1.0
        self._remember()
        last, self.opt = self.opt, self.make_opt(self.parts, self.plan)
        if last and self.plan.optimizer == "adam" and not self.levels:
            state = last.state_dict()
            for moment in state["state"].values():
                moment["exp_avg"] = F.interpolate(moment["exp_avg"], shape, mode="bicubic")
                squares = F.interpolate(moment["exp_avg_sq"], shape, mode="bilinear")
                moment["exp_avg_sq"] = squares.relu()
            self.opt.load_state_dict(state)

    def _step(self, errors):
        evaluations = []  # several with a line search; the first is at its start

        def closure():
            self.opt.zero_grad()
            parts = errors(self._clamped() * self.unit)
            evaluations.append(parts)
            loss = sum(parts.values())
            if not loss.isfinite():
                raise NonFiniteLoss(f"The loss became {loss.item()}: try a smaller step size.")
            with computing(self.device, self.objective.dtype):  # or cuDNN would use TF32
                loss.backward()
            return loss

        loss = self.opt.step(closure)
        with torch.no_grad():
            if self.clamps == "after":
                self.parts[-1].clamp_(0, 1)
            self._remember()
        # One wait for a GPU.
        parts = torch.stack([loss.detach(), *evaluations[0].values()]).tolist()
        return parts[0], dict(zip(evaluations[0], parts[1:]))

    @torch.no_grad()
    def _remember(self):
        self.decay *= self.plan.avg_decay
        self.mean.lerp_(self._clamped(), 1 - self.plan.avg_decay)

    def _clamped(self):
        return folded(self.pixels) if self.clamps == "inside" else self.pixels

    def _average(self):
        "The mean of the images at this size so far, weighted toward the last ones."
        return self.mean / (1 - self.decay)

    @torch.no_grad()
    def picture(self) -> Tensor:  # [1, 3, H, W] in [0, 1]
        "The result so far."
        pixels = self._clamped() if self.mean is None else self._average()
        return self.paintings.recolored((pixels * self.unit).cpu()).clamp(0, 1)

    def state_dict(self) -> dict[str, Any]:
        "All that changes during the iterations. Resumed from it, a CPU repeats them bit for bit."
        return {
            "at": list(self.at),
            "parts": [part.detach().clone() for part in self.parts],
            "matches": self.objective.state_dict(),
            "mean": None if self.mean is None else self.mean.clone(),
            "decay": self.decay,
            "opt": self.opt and deepcopy(self.opt.state_dict()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        "Restore a state of the same photo, paintings and plan, which is not checked."
        self.at, self.decay = tuple(state["at"]), state["decay"]
        self.mean = None if state["mean"] is None else state["mean"].to(self.device)
        self.parts = [part.to(self.device).requires_grad_() for part in state["parts"]]
        self.objective.load_state_dict(state["matches"])
        self.opt = self.make_opt(self.parts, self.plan) if state["opt"] else None
        if self.opt:
            self.opt.load_state_dict(state["opt"])


# name -> constructor, and when pixels are limited to [0, 1]: clamped after a step, which would
# mislead L-BFGS, or folded inside the loss
OPTIMIZERS = {
    "adam": (lambda x, plan: torch.optim.Adam(x, plan.step_size, plan.betas), "after"),
    "lbfgs": (lambda x, plan: torch.optim.LBFGS(x, max_iter=1, history_size=10), "never"),
    "wolfe": (lambda x, plan: lbfgs_with_line_search(*x), "inside"),
}
