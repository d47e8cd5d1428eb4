"The optimization of an image's pixels, coarse to fine."

import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.constants import IMAGENET
from ..core.devices import autocast_dtype, computing, named_devices, out_of_memory
from ..core.errors import FaststyleError, NonFiniteLoss
from ..core.values import known
from ..images.color import soft_proof
from ..images.files import read_picture
from ..images.masks import read_mask
from ..images.sizes import fitted, resized_tensor, shrink
from ..perceptual.backbones import perceptual_backbone, reachable, spread
from ..perceptual.lbfgs import folded, lbfgs_with_line_search
from ..perceptual.terms import Comparison, make_terms
from .initializers import begin
from .recipes import Optimization, scales_between

__all__ = ["OptimizationStep", "PixelOptimizer"]


@dataclass(frozen=True)
class OptimizationStep:
    "The state of an optimization after an iteration."

    width: int  # px
    height: int
    i: int  # iteration at this size, from 1 …
    i_max: int  # … to this
    loss: float
    parts: dict[str, float]  # weighted content, style, tone and tv; the loss is their sum
    seconds: float  # duration of the iteration


class PixelOptimizer:
    "Optimize pixels in a loop. `state_dict` is enough to resume, bit-for-bit on a CPU."

    def __init__(
        self,
        content,  # a path, an image or an array
        styles,  # one or several, likewise
        style_weights: list[float] | None,
        plan: Optimization,
        weights: str | Path | None = None,
        mask=None,
        seed: int = 0,
        device: torch.device | str | None = None,  # "cuda:0,cuda:1": both share the backbone
        proof: str | Path | None = None,  # a printer's profile: limits input to its colors
        precision: str = "auto",  # of the backbone, see devices.autocast_dtype
    ):
        self.plan, devices = plan, named_devices(device)
        self.device = devices[0]
        if (dtype := autocast_dtype(self.device, precision)) == torch.float16:
            dtype = None  # small gradients would vanish
        self.dtype = dtype
        styles = styles if isinstance(styles, (list, tuple)) else [styles]
        pictures = [read_picture(picture) for picture in (content, *styles)]
        if proof:
            pictures = [soft_proof(picture, proof) for picture in pictures]
        self.content, *self.styles = pictures
        self.shares = _shares(style_weights, len(self.styles))
        self.mask = None if mask is None else read_mask(mask).convert("RGB")
        if mask is not None and not sum(self.shares[1:]):
            raise ValueError("A mask needs a second painting with a weight above 0.")
        self.make_opt, clamps = OPTIMIZERS[known("optimizer", plan.optimizer, OPTIMIZERS)]
        self.clamps = clamps if plan.clamp else "never"
        self.terms = nn.ModuleDict(make_terms(plan.loss)).to(self.device)
        self.sizes = scales_between(plan.min_scale, plan.end_scale)
        backbone = perceptual_backbone(
            plan.backbone, weights, pooling=plan.pooling, padding=plan.padding
        )
        self.layers = reachable(backbone, [k for term in self.terms.values() for k in term.layers])
        self.backbone = spread(backbone, devices)
        self._check_size()
        self.unit = torch.ones(1) if plan.clamp else torch.tensor(IMAGENET[1]).view(1, 3, 1, 1)
        self.at, self.opt = (0, 0), None  # index of the size, iterations done at it
        shape, painted = self.shape(0)[::-1], list(zip(self.shares, self.styles))
        start = begin(plan.init, shape, self.content, painted, seed, self.device)
        self.pixels = (start / self.unit).to(self.device)
        self.unit = self.unit.to(self.device)
        self.mean, self.decay = None, 1.0

    def shape(self, scale):
        "Width and height at one of `sizes`."
        return fitted(self.content.size, self.sizes[scale], self.plan.enlarge)

    def __iter__(self):
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

    def _at_scale(self, scale):
        width, height = self.shape(scale)
        objective = self._objective(self.sizes[scale], (height, width))
        most = self.plan.iterations if scale else self.plan.initial_iterations
        if self.at[1] == 0:
            self._enter((height, width))
        while self.at[1] < most:
            began = time.monotonic()
            loss, parts = self._step(objective)
            self.at, seconds = (scale, self.at[1] + 1), time.monotonic() - began
            yield OptimizationStep(width, height, self.at[1], most, loss, parts, seconds)
        self.at = scale + 1, 0

    def _enter(self, shape):
        "Resize the image and Adam's moments."
        before = self.pixels if self.mean is None else self._average()
        pixels = resized(before, shape, "bicubic")
        if self.plan.clamp:
            pixels = pixels.clamp(0, 1)
        self.pixels = pixels.detach().requires_grad_()
        self.mean, self.decay = torch.zeros_like(pixels), 1.0
        self._remember()
        earlier, self.opt = self.opt, self.make_opt(self.pixels, self.plan)
        if earlier and self.plan.optimizer == "adam":
            state = earlier.state_dict()
            for moment in state["state"].values():
                moment["exp_avg"] = resized(moment["exp_avg"], shape, "bicubic")
                moment["exp_avg_sq"] = resized(moment["exp_avg_sq"], shape, "bilinear").relu()
            self.opt.load_state_dict(state)

    def _step(self, objective):
        found = []  # a line search evaluates several times; the first is at its start

        def closure():
            self.opt.zero_grad()
            found.append(objective(self.pixels))
            loss = sum(found[-1].values())
            if not loss.isfinite():
                raise NonFiniteLoss(f"The loss became {loss.item()}: try a smaller step size.")
            loss.backward()
            return loss

        loss = self.opt.step(closure)
        with torch.no_grad():
            if self.clamps == "after":
                self.pixels.clamp_(0, 1)
            self._remember()
        return loss.item(), {name: part.item() for name, part in found[0].items()}

    @torch.no_grad()
    def _remember(self):
        self.decay *= self.plan.avg_decay
        self.mean.lerp_(self._shown(), 1 - self.plan.avg_decay)

    def _shown(self):
        return folded(self.pixels) if self.clamps == "inside" else self.pixels

    def _average(self):
        "The mean of the images at this size so far, weighted toward the last ones."
        return self.mean / (1 - self.decay)

    @torch.no_grad()
    def picture(self) -> Tensor:  # [1, 3, H, W] in [0, 1]
        "The result so far."
        pixels = self._shown() if self.mean is None else self._average()
        return (pixels * self.unit).clamp(0, 1).cpu()

    def state_dict(self) -> dict:
        return {
            "at": list(self.at),
            "pixels": self.pixels.detach(),
            "mean": self.mean,
            "decay": self.decay,
            "opt": self.opt and self.opt.state_dict(),
        }

    def load_state_dict(self, state: dict):
        self.at, self.decay = tuple(state["at"]), state["decay"]
        self.mean = state["mean"].to(self.device)
        self.pixels = state["pixels"].to(self.device).requires_grad_()
        self.opt = state["opt"] and self.make_opt(self.pixels, self.plan)
        if self.opt:
            self.opt.load_state_dict(state["opt"])

    def _features(self, x, asked):
        "The backbone's features of `x` at layers, some computed from a smaller copy."
        found = {}
        for scale in {self.layers[name][1] for name in asked}:
            names = {name: self.layers[name][0] for name in asked if self.layers[name][1] == scale}
            with computing(self.device, self.dtype):
                seen = self.backbone(shrink(x, scale), list(set(names.values())))
            found |= {name: seen[layer] for name, layer in names.items()}
        return found

    def _objective(self, size, shape):
        "Make the loss function of a size; the targets are computed once."
        photo = resized_tensor(self.content, shape[::-1]).to(self.device)
        content, layers = self._layers("content"), [*self.layers]
        with torch.no_grad():
            targets = self._features(photo, content)
            regions, paintings = zip(*self._regions(shape))
            scales = self.terms["style"].scales if "style" in self.terms else ()
            style = {scale: [self._blend(size, scale, on) for on in paintings] for scale in scales}

        def objective(free):
            x = (folded(free) if self.clamps == "inside" else free) * self.unit
            found = self._features(x, layers)

            def features(scale):
                small = shrink(x, scale)
                return found if scale == 1 else self._features(small, self._layers("style"))

            seen = Comparison(x, photo, features, lambda: targets, regions, style.get)
            return {name: term(seen).sum() for name, term in self.terms.items()}

        return objective

    def _blend(self, size, scale, paintings):
        "The style targets of a blend of paintings, given as pairs of an index and a share."
        style = self.terms["style"]
        blend = dict.fromkeys(style.layers, 0.0)
        for i, share in paintings:
            seen = self._features(shrink(self._painting(i, size), scale), style.layers)
            for layer, statistics in style.of_painting(seen).items():
                blend[layer] = blend[layer] + share * statistics
        return style.targets(blend)

    def _layers(self, term):
        return self.terms[term].layers if term in self.terms else {}

    def _regions(self, shape):
        "Regions, None for the whole image, and the (painting, share) pairs of each."
        pairs = list(enumerate(self.shares))
        if self.mask is None:
            return [(None, pairs)]
        white = resized_tensor(self.mask, shape[::-1])[:, :1].to(self.device)
        rest = sum(self.shares[1:])
        return [(white, [(0, 1.0)]), (1 - white, [(i, s / rest) for i, s in pairs[1:]])]

    def _painting(self, i, size):
        return resized_tensor(self.styles[i], self._painting_shape(i, size)).to(self.device)

    def _painting_shape(self, i, size):
        side = self.plan.style_size or round(size * self.plan.style_scale_fac)
        return fitted(self.styles[i].size, side)

    def _check_size(self):
        "Check that the smallest size is large enough for the deepest layers."
        needs = {k: round(self.backbone.smallest(name) / s) for k, (name, s) in self.layers.items()}
        paintings = [self._painting_shape(i, self.sizes[0]) for i in range(len(self.styles))]
        seen = [
            ("", self.shape(0), needs),
            *(("A painting of ", p, self._layers("style")) for p in paintings),
        ]
        for what, (width, height), layers in seen:
            layer = max(layers, key=needs.get, default=None)
            if layer and min(width, height) < needs[layer]:
                raise ValueError(
                    f"{what}{width}x{height} px is too small for {layer}: its shorter side needs "
                    f"{needs[layer]} px. Raise min_scale{' or use a larger one' * bool(what)}."
                )


# name -> constructor, and when pixels are limited to [0, 1]: clamped after a step, which would
# mislead L-BFGS, or folded inside the loss
OPTIMIZERS = {
    "adam": (lambda x, plan: torch.optim.Adam([x], plan.step_size, plan.betas), "after"),
    "lbfgs": (lambda x, plan: torch.optim.LBFGS([x], max_iter=1, history_size=10), "never"),
    "wolfe": (lambda x, plan: lbfgs_with_line_search(x), "inside"),
}


def resized(x, shape, mode):
    return F.interpolate(x, tuple(shape), mode=mode, align_corners=False)


def _shares(weights, n):
    weights = list(weights or [1.0] * n)
    if len(weights) != n or not 0 < sum(weights) < math.inf or min(weights) < 0:
        raise ValueError(
            f"{len(weights)} style weights for {n} paintings: give one each, from 0 and not all 0."
        )
    return [w / sum(weights) for w in weights]
