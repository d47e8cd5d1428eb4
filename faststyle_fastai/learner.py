"Learners that train an autoencoder or a style, and the files their networks are kept in."

import hashlib
import json
from functools import lru_cache, partial
from pathlib import Path

import fastai.callback.fp16  # noqa: F401  and its to_fp16
import fastai.callback.hook  # noqa: F401  gives Learner its summary
from fastai.callback.core import Callback
from fastai.callback.schedule import ParamScheduler, SchedNo, combine_scheds, combined_cos
from fastai.learner import Learner
from fastai.optimizer import Adam
from fastcore.basics import patch
from fastcore.foundation import L
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .backbones import ASSETS, perceptual_backbone
from .callbacks import (
    BFloat16,
    DropletPenalty,
    LossParts,
    ProgressiveResize,
    StopOnNonFinite,
    TimeBudget,
)
from .data import StyleDataLoaders
from .errors import FaststyleError
from .images import read_picture, to_tensor, whole_file
from .losses import VggLoss
from .recipes import Training, recipe_plan
from .transformer import TransformerNet

__all__ = ["ARCHS", "autoencoder_learner", "load_style", "save_style", "style_learner"]

ARCHS = {"full": 1.0, "light": 0.5}  # name -> TransformerNet's width
FORMAT = "faststyle/1"
BASE = "base."  # prefix of the carried autoencoder's weights in a style's file


def autoencoder_learner(
    dls: StyleDataLoaders,
    recipe: str = "fast",  # a row of recipes.RECIPES
    arch: str = "full",  # a key of `ARCHS`
    weights: str | Path | None = None,  # the backbone's, see perceptual_backbone
    pretrained: Learner | str | Path | None = None,  # as in style_learner
    cbs=None,
    **overrides,  # fields of recipes.Training; size, bs and images are the DataLoaders'
) -> Learner:
    "A Learner whose network learns to redraw photos under the recipe's content loss."
    plan = _plan(recipe, "autoencoder", overrides)
    return _learner(dls, None, [], plan, recipe, arch, weights, pretrained, cbs)


def style_learner(
    dls: StyleDataLoaders,
    style,  # the painting: a path, a picture or an array
    recipe: str = "fast",  # a row of recipes.RECIPES
    pretrained: Learner | str | Path | None = "autoencoder",  # a file, the one that ships, or None
    arch: str = "full",  # a key of `ARCHS`
    weights: str | Path | None = None,  # the backbone's, see perceptual_backbone
    name: str | None = None,  # the style's; None: the painting's file name
    cbs=None,
    **overrides,  # fields of recipes.Training; size, bs and images are the DataLoaders'
) -> Learner:
    "A Learner whose network, from a pretrained start, learns to repaint photos like `style`."
    plan = _plan(recipe, "style", overrides)
    painting = to_tensor(read_picture(style))
    if name is None:
        name = Path(style).stem if isinstance(style, (str, Path)) else "style"
    return _learner(dls, painting, [name], plan, recipe, arch, weights, pretrained, cbs)


def _plan(recipe, phase, overrides):
    if misplaced := {"size", "bs", "images"} & set(overrides):
        raise ValueError(f"{', '.join(sorted(misplaced))}: to be given to StyleDataLoaders.")
    return recipe_plan(recipe, phase, **overrides)


def _learner(dls, painting, names, plan, recipe, arch, weights, pretrained, cbs):
    if arch not in ARCHS:
        raise ValueError(f"no arch '{arch}': choose one of {', '.join(ARCHS)}.")
    backbone = perceptual_backbone(
        plan.backbone, weights, [*plan.content_layers, *plan.style_layers]
    )
    loss = VggLoss(
        backbone,
        painting,
        plan.content_layers,
        plan.style_layers,
        tv=plan.tv,
        balance=plan.balance,
        scales=plan.scales,
        style_size=plan.style_size,
    )
    net = TransformerNet(width=ARCHS[arch])
    info = {"arch": arch, "styles": names, "size": dls.size, "recipe": recipe, "base": ""}
    card = StyleCard(info, plan)
    if pretrained is not None:
        state, base = _start(pretrained, arch)
        net.load_state_dict(state)
        info["base"] = base
        card.base = None if base.startswith("autoencoder") else state
    cbs = [card, LossParts(), BFloat16(), StopOnNonFinite(), *L(cbs)]
    if plan.droplets:
        cbs.append(DropletPenalty(plan.droplets))
    if plan.small:
        cbs.append(ProgressiveResize(plan.small, plan.small_until))
    opt_func, loss = partial(Adam, eps=plan.eps), loss.to(dls.device)
    return Learner(dls, net, loss, lr=plan.lr, opt_func=opt_func, wd=plan.wd, cbs=cbs)


class StyleCard(Callback):
    "What a style's file says of it besides its weights; the plan it is trained by."

    def __init__(self, info: dict, plan: Training):
        self.info, self.plan, self.base = info, plan, None

    def __getstate__(self):
        return {**self.__dict__, "base": None}  # an exported learner is one network, not two


def _start(pretrained, arch):
    "Weights to start from, and the name of that base."
    if isinstance(pretrained, Learner):
        if pretrained.model.width != ARCHS[arch]:
            raise ValueError(
                f"pretrained= is a network of width {pretrained.model.width}, not '{arch}'."
            )
        state = pretrained.model.state_dict()
        return {k: v.detach().cpu().clone() for k, v in state.items()}, "carried"
    path = autoencoder_path(arch) if pretrained == "autoencoder" else Path(pretrained)
    net, info, _ = load_style(path)
    if info["arch"] != arch:
        raise ValueError(f"{path} is a network of arch '{info['arch']}', not '{arch}'.")
    return net.state_dict(), bundled_base(arch) if pretrained == "autoencoder" else "carried"


def autoencoder_path(arch):
    "The pretrained autoencoder that ships for `arch`."
    name = "autoencoder" if arch == "full" else f"autoencoder-{arch}"
    path = ASSETS / f"{name}.safetensors"
    if not path.is_file():
        raise FaststyleError(
            f"no autoencoder ships for arch '{arch}': start from a file of your own or from "
            f"scratch, pretrained=None (--pretrained none)."
        )
    return path


@lru_cache
def bundled_base(arch):
    "How a style says that it started from the autoencoder that ships: name and hash."
    digest = hashlib.sha256(autoencoder_path(arch).read_bytes()).hexdigest()
    return f"autoencoder:{digest[:16]}"


@patch
def fit_recipe(
    self: Learner,
    n_epoch: int | None = None,  # None: the recipe's
    lr: float | None = None,  # None: the recipe's
    minutes: float | None = None,  # train this long instead, the schedule stretched to fit
    cbs=None,
):
    "Train by the recipe's schedule: `fit` and `fit_one_cycle` phases of equal length."
    plan = self.style_card.plan
    lr = lr or plan.lr
    lrs, moms = zip(*(PHASES[phase](lr) for phase in plan.schedule))
    shares = [1 / len(lrs)] * len(lrs)
    cbs = L(cbs) + ParamScheduler(
        {"lr": combine_scheds(shares, lrs), "mom": combine_scheds(shares, moms)}
    )
    n_epoch = n_epoch or plan.epochs * len(plan.schedule)
    if minutes:
        cbs, n_epoch = cbs + TimeBudget(minutes), 1_000_000
    self.fit(n_epoch, lr, cbs=cbs)
    return self


# Schedules of learning rate and momentum, as fastai's verbs of the same names have them.
PHASES = {
    "fit": lambda lr: (SchedNo(lr, lr), SchedNo(0.9, 0.9)),
    "fit_one_cycle": lambda lr: (
        combined_cos(0.25, lr / 25, lr, lr / 1e5),
        combined_cos(0.25, 0.95, 0.85, 0.95),
    ),
}


def save_style(
    learn: Learner,  # from style_learner or autoencoder_learner
    path: str | Path,  # .safetensors
) -> Path:
    """Write the network with its names, size, recipe and base: no code, whole or not at all.

    The base is what `strength` goes back to: the autoencoder that ships by its hash, any other
    start carried along in half precision.
    """
    path, card = Path(path), learn.style_card
    if path.suffix != ".safetensors":
        raise ValueError(f"{path}: a style's file ends in .safetensors.")
    state = {k: v.detach().cpu().contiguous() for k, v in learn.model.state_dict().items()}
    if bad := [k for k, v in state.items() if not v.isfinite().all()]:
        raise FaststyleError(f"{', '.join(bad[:3])} hold NaN or infinity: {path} is not written.")
    if card.base:
        state.update({BASE + k: v.half().contiguous() for k, v in card.base.items()})
    write_style(state, card.info, path)
    return path


def write_style(state: dict[str, Tensor], info: dict, path: Path):
    "A network's weights and what is said of it, as a .safetensors."
    metadata = {k: v if isinstance(v, str) else json.dumps(v) for k, v in info.items()}
    try:
        with whole_file(path) as temporary:
            save_file(state, temporary, {"format": FORMAT, **metadata})
    except SafetensorError as error:
        raise FaststyleError(f"{path} cannot be written: {error}.") from None


def load_style(
    path: str | Path,  # a .safetensors of save_style's
) -> tuple[TransformerNet, dict, dict | None]:  # in eval; arch, styles, …; the base's weights
    "A trained network, what its file says of it, and the base it can go back to."
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no style file {path}.")
    try:
        with safe_open(path, "pt") as file:
            info = file.metadata() or {}
            state = {k: file.get_tensor(k).float() for k in file.keys()}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is no .safetensors file, or a damaged one: {error}.") from None
    if info.get("format") != FORMAT:
        raise ValueError(f"{path} is not a faststyle network (its format is not '{FORMAT}').")
    info["styles"], info["size"] = json.loads(info["styles"]), int(info["size"])
    base = {k.removeprefix(BASE): v for k, v in state.items() if k.startswith(BASE)}
    state = {k: v for k, v in state.items() if not k.startswith(BASE)}
    net = TransformerNet(state["in1.weight"].shape[0], ARCHS[info["arch"]])
    net.load_state_dict(state)
    return net.eval(), info, base or bundled_weights(info)


def bundled_weights(info):
    "The base's weights when it is the autoencoder that ships, and still the same one."
    if not info["base"].startswith("autoencoder") or info["base"] != bundled_base(info["arch"]):
        return None
    return load_style(autoencoder_path(info["arch"]))[0].state_dict()
