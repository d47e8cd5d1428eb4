"Learners that train an autoencoder, one style, or many styles."

from functools import partial
from inspect import signature
from itertools import combinations
from pathlib import Path
from typing import Any

import fastai.callback.fp16  # noqa: F401  gives Learner its to_fp16
import fastai.callback.hook  # noqa: F401  gives Learner its summary
import torch
from fastai.callback.core import Callback
from fastai.callback.schedule import ParamScheduler, SchedNo, combine_scheds, combined_cos
from fastai.learner import Learner
from fastcore.basics import listify, patch
from fastcore.foundation import L
from fastcore.meta import delegates
from fastcore.xtras import ContextManagers
from torch import Tensor

from ..core.errors import FaststyleError
from ..core.values import check_numbers, count, known
from ..images.files import read_picture, to_picture, warn_if_small
from ..images.sizes import resize_short
from ..images.tensors import to_tensor
from ..inference.first_sight import PREDICTED, palette_of
from ..models.metadata import check_names
from ..models.stylefile import select_styles
from ..models.transformer import make_network
from ..perceptual.backbones import perceptual_backbone
from ..perceptual.losses import VggLoss
from ..perceptual.terms import make_terms
from ..strokes.thick_paint import in_strokes
from .callbacks import ProgressiveResize, SampleStyles, TimeBudget
from .data import StyleDataLoaders, checked_loaders
from .guards import StopOnNonFinite
from .network_terms import NETWORK_TERMS
from .optimizers import OPTIMIZERS, affine_last
from .precision import Precision
from .progress import LossParts
from .recipes import RECIPES, Training, recipe_plan
from .starts import nearest_starts, network_to_start

__all__ = ["autoencoder_learner", "style_learner"]

# Arguments of fastai's Learner that may be given; the recipe has its rate and weight decay.
LEARNER = {*signature(Learner).parameters} - {"dls", "model", "lr", "wd", "cbs"}
SMALL_PAINTING = 400  # px of the short side; smaller ones show few brush strokes


def autoencoder_learner(
    dls: StyleDataLoaders,
    recipe: str = "fast",  # a row of recipes.RECIPES
    arch: str = "full",  # a key of transformer.ARCHS
    weights: str | Path | None = None,  # the backbone's, see perceptual_backbone
    pretrained: Learner | str | Path | None = None,  # as in style_learner
    precision: str = "auto",  # see devices.autocast_dtype
    cbs: Callback | list | None = None,
    **overrides,  # as in `style_learner`
) -> Learner:  # fastai's
    "A Learner for an autoencoder that redraws photos, under the recipe's content loss."
    dls, (plan, given) = checked_loaders(dls), _plan(recipe, "autoencoder", overrides)
    return _learner(
        dls, [], [], plan, given, recipe=recipe, arch=arch, weights=weights, pretrained=pretrained,
        precision=precision, cbs=cbs,
    )  # fmt: skip


def style_learner(
    dls: StyleDataLoaders,
    style: Any,  # a painting (a path, an image or an array), a list of them, or {name: painting}; a
    # list in place of a painting holds several works of one style
    recipe: str = "fast",  # a row of recipes.RECIPES
    pretrained: Learner | str | Path | None = "predicted",  # the start, as described
    arch: str = "full",  # a key of transformer.ARCHS
    weights: str | Path | None = None,  # the backbone's, see perceptual_backbone
    name: str | list[str] | None = None,  # of the styles; None: the paintings' file names
    precision: str = "auto",  # see devices.autocast_dtype
    cbs: Callback | list | None = None,
    **overrides,  # fields of recipes.Training, settings of the loss such as style_weight=2, see
    # plans.SHORTHAND, or loss={"tone": {"weight": 1}}, see terms.TERMS; arguments of Learner
) -> Learner:  # fastai's
    """A Learner for a network that repaints photos like `style`, from a pretrained start.

    Several paintings become styles of one network (Dumoulin et al. 2017), drawn equally often.
    `pretrained` is "predicted" (from the paintings alone; `slim` and `tiny` start from the
    gallery), "gallery", "autoencoder", a file, a Learner, or None. If a file has several
    styles, as the gallery has, each new style begins with the scales and shifts of the nearest one,
    or with those that its painting tells, if the file began so and they are nearer. After
    `learn.freeze()` only these scales and shifts are trained.

    Train it by any of fastai's methods, or by `learn.fit_recipe()`, which has the recipe's `lr`,
    `epochs` and `schedule`.

    `overrides` are fields of `recipes.Training` such as `lr`, `epochs` and `backbone`, settings of
    the loss such as `style_weight`, or arguments of fastai's `Learner` such as `metrics`,
    `opt_func`, `loss_func` and `path`. `size`, `bs` and `images` are the DataLoaders'.

    Raises `ValueError` for an unknown recipe, architecture or setting, for the same painting twice,
    and for one that cannot be read.
    """
    dls, (plan, given) = checked_loaders(dls), _plan(recipe, "style", overrides)
    if isinstance(style, dict):
        name, style = list(style), list(style.values())
    styles = list(style) if isinstance(style, (list, tuple, L)) else [style]
    names = list(L(name)) or style_names(styles)
    shown = max(dls.size, plan.style_size or 0)  # px; limits the memory of many large paintings
    paintings = [_painting(s, shown) for s in styles]
    _distinct(names, paintings)
    return _learner(
        dls, paintings, names, plan, given, recipe=recipe, arch=arch, weights=weights,
        pretrained=pretrained, precision=precision, cbs=cbs,
    )  # fmt: skip


def style_names(
    styles: list,  # paintings: paths, images or arrays
) -> list[str]:
    "Default names of styles: the paintings' file names, or numbers."
    numbers = range(len(styles)) if len(styles) > 1 else [""]
    firsts = [listify(s)[0] for s in styles]
    return [
        Path(s).stem if isinstance(s, (str, Path)) else f"style{i}" for i, s in zip(numbers, firsts)
    ]


def _painting(picture, size):
    if isinstance(picture, (list, tuple, L)):
        return [_painting(work, size) for work in picture]
    warn_if_small(picture, min(size, SMALL_PAINTING))
    x = to_tensor(read_picture(picture))
    return resize_short(x, min(size, *x.shape[-2:]))


def _distinct(names, paintings):
    if len(names) != len(paintings) or not names:
        raise ValueError(
            f"{count(len(paintings), 'painting')} and {count(len(names), 'name')}: "
            f"give one name per painting."
        )
    for (i, a), (j, b) in combinations(enumerate(paintings), 2):
        a, b = listify(a), listify(b)
        if len(a) == len(b) and all(map(torch.equal, a, b)):
            raise ValueError(f"{names[i]} and {names[j]} are the same painting: remove one.")
        if names[i] == names[j]:
            raise ValueError(f"Two paintings are named {names[i]}: rename one.")
    check_names(names)


def _plan(recipe, phase, overrides):
    if misplaced := {"size", "bs", "images"} & set(overrides):
        raise ValueError(f"Pass {', '.join(sorted(misplaced))} to StyleDataLoaders instead.")
    given = {name: overrides.pop(name) for name in LEARNER & set(overrides)}
    return recipe_plan(recipe, phase, **overrides), given


def _learner(
    dls, paintings, names, plan, given, *, recipe, arch, weights, pretrained, precision, cbs
):
    net = make_network(arch, max(1, len(names)))
    on_network = {name: plan.loss[name] for name in NETWORK_TERMS if name in plan.loss}
    on_images = {name: plan.loss[name] for name in plan.loss if name not in on_network}
    layers = {k: 0 for term in make_terms(on_images).values() for k in term.layers}
    backbone = perceptual_backbone(plan.backbone, weights, layers, normalize=plan.normalize)
    shown = [_learned(painting, plan.strokes, plan.style_size or 0) for painting in paintings]
    loss = VggLoss(backbone, shown, loss=on_images).to(dls.device)
    info = {"arch": arch, "styles": names, "size": dls.size, "recipe": recipe, "base": ""}
    if RECIPES[recipe].palettes:
        info["palettes"] = dict(zip(names, map(palette_of, paintings)))
    card = StyleCard(info, plan)
    if pretrained == "predicted" and arch != "full":
        pretrained = "gallery"
    if pretrained is not None:
        start, base, weights_of_base, began = network_to_start(pretrained, arch, paintings)
        if names:  # an autoencoder has no base
            info["base"], card.base = base, weights_of_base
            info |= {"start": began} if began else {}
        each = pretrained == PREDICTED
        styles = [*range(net.n_styles)] if each else [0] * net.n_styles
        if not each and start.n_styles > 1 and loss.style_layers:
            styles = nearest_starts(start.to(dls.device), loss, dls)
        net.load_state_dict(select_styles(start.state_dict(), styles))
    given_cbs, cbs = L(cbs), [card, LossParts(), Precision(precision), StopOnNonFinite()]
    cbs += [
        NETWORK_TERMS[name](**each) for name, each in on_network.items() if each.get("weight", 1)
    ]
    if plan.small:
        cbs.append(ProgressiveResize(plan.small, plan.small_until))
    if len(names) > 1:
        cbs.append(SampleStyles(len(names)))
    cbs = [cb for cb in cbs if type(cb) not in map(type, given_cbs)] + given_cbs
    make = OPTIMIZERS[known("optimizer", plan.opt, OPTIMIZERS)]
    opt_func = partial(make, eps=plan.eps) if "eps" in signature(make).parameters else make
    usual = {"loss_func": loss, "opt_func": opt_func, "splitter": affine_last}
    return StyleLearner(dls, net, **usual | given, lr=plan.lr, wd=plan.wd, cbs=cbs)


def _learned(
    style: Tensor | list[Tensor],  # a painting, or several works
    strokes: bool | None,  # see recipes.Training
    short: int,  # px of the short side that are needed, if more than usual
) -> Tensor | list[Tensor]:
    "A style as the network learns it: in strokes of thick paint, or as it is."
    if strokes is False:
        return style
    works = style if isinstance(style, list) else [style]
    pictures = [to_picture(work) for work in works]
    anew = in_strokes(pictures, strokes, short)
    learned = [
        work if new is picture else to_tensor(new)
        for work, picture, new in zip(works, pictures, anew)
    ]
    return learned if isinstance(style, list) else learned[0]


class StyleLearner(Learner):
    "A Learner that an error or interrupt leaves ready for export, prediction and more training."

    fits = False  # others, such as `tta`, call its events, too

    @delegates(Learner.fit)
    def fit(self, n_epoch, *args, **kwargs):
        logger: Any = self.logger  # type: ignore[has-type]
        self.fits = True
        try:
            super().fit(n_epoch, *args, **kwargs)
        except BaseException:  # fastai skips the callbacks that leave autocast and remove hooks
            self("after_cancel_batch")
            self._end_cleanup()
            self.logger, self.loss_grad = logger, None
            if self.opt:
                self.opt.zero_grad()
            for cb in self.cbs:
                cb.run = True  # as fastai does at the end of a fit
            raise
        finally:
            self.fits = False

    def validation_context(self, cbs=None, inner=False):
        return Unwound(super().validation_context(cbs, inner).default)


class Unwound(ContextManagers):
    "Contexts that are left again if one of them cannot be entered."

    def __enter__(self):
        try:
            super().__enter__()
        except BaseException:
            self.stack.close()
            raise


class StyleCard(Callback):
    "A style file's metadata, and the plan of its training."

    _stateattrs = ("base",)  # an exported learner is one network, not two
    base: dict[str, Tensor] | None = None

    def __init__(self, info: dict, plan: Training):
        self.info, self.plan = info, plan


@patch
def fit_recipe(
    self: Learner,
    n_epoch: int | None = None,  # None: the recipe's epochs, not its minutes
    lr: float | None = None,  # None: the recipe's
    minutes: float | None = None,  # train this long instead, with the schedule scaled to fit
    since: float | None = None,  # time.monotonic() when the minutes began; None: now
    cbs: Callback | list | None = None,
):
    "Train by the recipe's schedule: `fit` and `fit_one_cycle` phases of equal length."
    if not hasattr(self, "style_card"):
        raise FaststyleError("fit_recipe() needs a learner of this package.")
    plan = self.style_card.plan
    check_numbers(lr=lr, minutes=minutes)
    lr = lr or plan.lr
    lrs, moms = zip(*(PHASES[phase](lr) for phase in plan.schedule))
    shares = [1 / len(lrs)] * (len(lrs) - 1)
    shares.append(1 - sum(shares))  # exactly, as fastai asks
    schedules = {"lr": combine_scheds(shares, lrs), "mom": combine_scheds(shares, moms)}
    cbs = L(cbs) + ParamScheduler(schedules)
    n_epoch = plan.epochs * len(plan.schedule) if n_epoch is None else n_epoch
    if minutes is not None:
        cbs, n_epoch = cbs + TimeBudget(minutes, since), 1_000_000
    self.fit(n_epoch, lr, cbs=cbs)
    return self


# Schedules of learning rate and momentum, as in fastai's methods of the same names.
PHASES = {
    "fit": lambda lr: (SchedNo(lr, lr), SchedNo(0.9, 0.9)),
    "fit_one_cycle": lambda lr: (
        combined_cos(0.25, lr / 25, lr, lr / 1e5),
        combined_cos(0.25, 0.95, 0.85, 0.95),
    ),
}
