"Painting on the image itself for as long as you give it: the objective `neighbors`, timed."

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from PIL import Image
from torch import Tensor

from ..images.files import read_picture, to_picture
from ..images.sizes import resized
from ..optimization.pixel_recipes import LARGEST, Optimization, optimization_plan, scales_between
from ..optimization.pixels import PixelOptimizer
from .finish import enlarged
from .refine import rounded_steps
from .sight_painter import SightPainter

__all__ = ["PixelPainter"]

SMALLEST = 32  # px of the short side; smaller images are enlarged first
START = 0.5  # of the size: what is painted at sight has the strokes of coarser ones
STROKED = 45  # s a painting from which it pays to find its strokes, which takes 6 to 16
OTHER = 1.2  # time of matching and of preparing sizes, relative to that of the steps


@dataclass(frozen=True)
class PixelPainter:
    "Repaints tensors, [1, 3, H, W] in [0, 1], like a `Painter`."

    first: SightPainter  # of the same works; paints the image to begin with
    strength: float  # the rest is the photo
    seconds: float  # it ends after 128 steps at each size
    likeness: float | None  # see pixel_recipes.optimization_plan
    precision: str  # see devices.autocast_dtype
    watch: Callable[[float], None] | None = None  # gets the finished share

    def __call__(self, x: Tensor) -> Tensor:  # [1, 3, H, W] in [0, 1]
        "Paint from coarse to fine. Ctrl-C keeps the steps so far."
        with torch.inference_mode(False), torch.enable_grad():
            painted = self.painted(to_picture(x), self.first(x))
        if painted.shape != x.shape:  # stopped early, or tiny
            painted = enlarged(painted, resized(x.cpu(), painted.shape[-2:]), x.cpu())
        return torch.lerp(x.cpu(), painted, self.strength).clamp(0, 1).to(x.device)

    def painted(self, photo: Image.Image, first: Tensor) -> Tensor:
        "Optimize the image for some seconds."
        began = time.perf_counter()
        ratio = max(photo.size) / min(photo.size)
        longest = min(LARGEST, max(*photo.size, round(SMALLEST * ratio)))
        plan = optimization_plan("neighbors", likeness=self.likeness, end_scale=longest)
        least = max(round(START * longest), round(SMALLEST * ratio))
        plan = replace(plan, min_scale=min(longest, least))
        if self.seconds < STROKED * sum(map(len, self.works)):
            plan = replace(plan, strokes=False)
        work = None
        try:
            steps = self.steps(photo, plan, began)
            plan = replace(plan, initial_iterations=steps, iterations=steps)
            work = self.optimizer(photo, plan, to_picture(first))
            for _ in work:
                if self.watch:
                    self.watch(work.done())
        except KeyboardInterrupt:
            pass
        return work.picture() if work else first.cpu()

    @property
    def device(self) -> torch.device:
        return self.first.device

    @cached_property
    def works(self) -> list[list[Image.Image]]:  # of each style
        return [[read_picture(work) for work in works] for works in self.first.works]

    def optimizer(self, photo, plan, start=None) -> PixelOptimizer:
        how = {"device": self.device, "precision": self.precision, "start": start}
        return PixelOptimizer(photo, self.works, self.first.shares, plan, **how)

    def steps(self, photo: Image.Image, plan: Optimization, began: float) -> int:
        "The steps at each size that fit into the time, by the time of one at the last size."
        sizes = scales_between(plan.min_scale, plan.end_scale, plan.scale_ratio)
        trial = replace(plan, min_scale=plan.end_scale, initial_iterations=2)
        *_, last = self.optimizer(photo, trial)
        work = OTHER * sum((size / plan.end_scale) ** 2 for size in sizes)
        left = self.seconds - (time.perf_counter() - began)
        return rounded_steps(left / (last.seconds * work))
