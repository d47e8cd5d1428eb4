"Trainings of styles: from a folder of photos and paintings to a run folder."

import json
import time
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from fastai.torch_core import set_seed
from fastcore.basics import listify
from fastcore.foundation import L

from ..core.assets import MODEL
from ..core.atomic import may_write_file
from ..core.errors import FaststyleError, NonFiniteLoss, Stopped
from ..core.locks import alone
from ..core.provenance import versions, write_json
from ..core.terminal import tell
from ..core.values import count, with_kinds
from ..images.discovery import find_paintings
from ..images.files import read_picture
from ..images.remote import digest
from ..models.stylefile import check_can_add, load_style, save_style
from ..perceptual.plans import merged
from ..strokes.thick_paint import count_in_strokes
from . import run_folder
from .callbacks import check_minutes
from .checkpoint import Checkpoint
from .data import StyleDataLoaders
from .guards import StopOnInterrupt
from .keyframes import Keyframes
from .learner import style_learner
from .progress import History, Preview, TimeLeft
from .recipes import RECIPES, Training, recipe_plan, recipe_row

__all__ = ["add_style", "begun", "fit_run", "train"]


FEW = 50  # photos
ROWS_LR = 1e-2  # scales and shifts alone tolerate larger steps than convolutions


@with_kinds
@alone(doing="trained")
def train(
    photos: str | Path,  # a folder
    style: str | Path | list | dict | None,  # paintings as in discovery.find_paintings, or
    # {name: painting}, where a list of works is one style; None: the painted keyframes
    out: str | Path,  # the run folder: model.safetensors, run.json (the settings), history.csv,
    # previews and checkpoints
    recipe: str = "fast",
    pretrained: str | Path | None = "predicted",  # see style_learner
    arch: str = "full",  # a key of transformer.ARCHS
    weights: str | Path | None = None,  # the backbone's
    size: int | None = None,  # px; None: the recipe's
    bs: int | None = None,  # photos per step; None: the recipe's
    images: int | None = None,  # photos per epoch; None: the recipe's
    minutes: float | None = None,  # in all, instead of epochs; None: see recipes.Recipe.minutes
    patience: int | None = None,  # epochs without improvement before it ends on the best
    keyframes: list | None = None,  # pairs of a frame and its painted version, see Keyframes
    valid_pct: float = 0.02,  # see StyleDataLoaders.from_folder
    resume: bool = False,  # resume the run in `out`, or extend a finished one
    force: bool = False,  # replace the run in `out`
    workers: int | None = None,  # processes that load photos; None: up to 16 on CUDA, else 0
    checkpoint_every: int | None = None,  # steps; None: 200, at least a minute apart
    preview_every: int | None = None,  # steps; None: 100, at least 10 seconds apart
    preview_photos: list | None = None,  # None: two held-out photos
    seed: int = 0,
    device: torch.device | str | None = None,
    precision: str = "auto",  # see devices.autocast_dtype
    quiet: bool = False,
    cbs: Any = None,  # additional callbacks
    **overrides,  # fields of recipes.Training, settings of the loss such as style_weight=2, see
    # plans.SHORTHAND, or loss={"tone": {"weight": 1}}, see terms.TERMS
) -> Path:  # `out`
    """Train one or more styles on a folder of photos and write a complete run folder.

    Raises `ValueError` for settings that are unknown or do not go together and for paintings that
    cannot be read, `FileNotFoundError` for a folder without photos, and `FaststyleError` for an
    existing run without `force` or `resume`, or one that cannot be resumed.
    """
    started, out = time.monotonic(), Path(out)
    check_minutes(minutes, overrides.get("epochs"))
    if keyframes and overrides.get("strokes") is None:
        overrides["strokes"] = False  # they are painted as they should be
    plan = recipe_plan(recipe, "style", size=size, bs=bs, images=images, **overrides)
    paintings = _paintings(style, keyframes)
    names, styles = list(paintings), list(paintings.values())
    usual = not (minutes or images or overrides.get("epochs"))
    if usual and resume and (old := run_folder.record_of(out)):
        minutes = old["settings"]["minutes"]
    elif usual and (each := recipe_row(recipe).minutes):
        minutes = len(names) * each  # else the recipe's epochs
    if patience and not minutes and patience + 1 >= plan.epochs * len(plan.schedule):
        raise ValueError(
            f"patience={patience} needs more epochs than recipe {recipe} has: give minutes= too, "
            f"and images= for shorter epochs."
        )
    style_hash = [digest(painting) for painting in styles]
    for photo in preview_photos or []:
        read_picture(photo)  # fail early on a bad file
    run_folder.may_write(out, resume, force)
    places = [place for place in (out.resolve(), *out.resolve().parents) if place.exists()]
    if Path(photos).exists() and any(place.samefile(photos) for place in places):
        # Its own images would be learned.
        raise FaststyleError(f"{out} is inside the folder of photos {photos}: choose another -o.")
    start: dict[str, Any] = {"recipe": recipe, "pretrained": pretrained, "arch": arch}
    start |= {"weights": weights, "precision": precision}
    kept = {"valid_pct": valid_pct, "minutes": minutes, "seed": seed}
    dls, settings = begun(photos, plan, start, kept, workers, device)
    works = [",".join(map(str, listify(painting))) for painting in styles]
    settings |= {"style": works, "names": names, "style_hash": style_hash}
    if keyframes:
        settings["keyframes"] = [[digest(file) for file in pair] for pair in keyframes]
        cbs = [Keyframes(keyframes), *L(cbs)]
    before = (resume and run_folder.record_of(out)) or {}
    spent = before.get("minutes", 0.0)
    if resume:
        run_folder.same_run(out, settings, trained=spent > 0)
    if not quiet:
        few = 0 if images or keyframes else len(dls.photos)
        _announce(out, resume, before, minutes if usual else None, photos, few)
    if not quiet and (n := count_in_strokes(styles, plan.strokes)):
        tell(f"Painting {count(n, 'painting')} in strokes of thick paint first.")
    learn = style_learner(dls, paintings, **start, **overrides)
    record = {"settings": settings, "added": {}, "versions": versions(), "minutes": spent}
    record["complete"] = False
    run_folder.prepare(out, resume, record)
    checkpoint = Checkpoint(out / "checkpoints", checkpoint_every, resume=resume, patience=patience)
    preview = Preview(preview_photos or dls.valid.items[:2], preview_every, out / "previews")
    writers, give_way = [History(out / "history.csv"), preview], {"previews": preview.files}
    where = f"The network so far is in {out}. Repeat the command with --resume to continue."
    failed = fit_run(learn, minutes, quiet, where, checkpoint, *writers, *L(cbs), since=started)
    record["pictures"] = learn.train_iter * dls.bs
    record["complete"] = not failed
    run_folder.finish(learn, out, record, started, give_way)
    if failed:
        raise failed
    return out


def _announce(out, resume, before, minutes, photos, n):
    "Say what begins or goes on, and whether `n` photos are few."
    if spent := before.get("minutes"):
        tell(f"Resuming {out} after {spent:.1f} minutes of training.")
    elif resume and not before:
        tell(f"{out} holds no run to resume. A new one begins.")
    if minutes and not before:
        tell(f"Training for {minutes:g} minutes. --minutes sets another time.")
    if 0 < n < FEW:
        warnings.warn(
            f"{photos} has {count(n, 'photo')}. With about 1,000 a network learns to paint photos "
            f"that it has not seen.",
            stacklevel=3,
        )


def _paintings(style, keyframes):
    "The paintings of each style by its name; without a style, the painted keyframes."
    if keyframes:
        painted = [painted for _, painted in keyframes]
        style = style or {Path(painted[0]).stem: painted[0] if len(painted) == 1 else painted}
    paintings = style if isinstance(style, dict) else find_paintings(L(style))
    if keyframes and len(paintings) > 1:
        raise ValueError("Keyframes teach one style: give one painting, or none.")
    return paintings


def begun(
    photos: str | Path,  # a folder
    plan: Training,
    start: dict,  # arguments of a learner
    kept: dict,  # other settings, such as the seed
    workers: int | None,
    device: torch.device | str | None,
) -> tuple[StyleDataLoaders, dict]:
    "The DataLoaders of a training, and the settings that must be the same when it is resumed."
    set_seed(kept["seed"])
    dls = StyleDataLoaders.from_folder(
        photos, plan.size, plan.bs, plan.images, valid_pct=kept["valid_pct"], seed=kept["seed"],
        num_workers=workers, device=device,
    )  # fmt: skip
    weights = start["weights"] and Path(start["weights"]).name
    return dls, {
        "photos": str(photos),
        "photos_hash": run_folder.photos_hash(dls),
        **kept,
        **start | {"pretrained": str(start["pretrained"]), "weights": weights or None},
        "plan": json.loads(json.dumps(asdict(plan))),
    }


@with_kinds
@alone(lambda run, out=None, **_: run_folder.to_write(run, out), "trained", folder=False)
def add_style(
    run: str | Path,  # a run folder, a .safetensors or, with `out`, a network of built-in styles
    style: str | Path,  # the new painting, NAME=PAINTING or NAME=WORK,WORK,…
    photos: str | Path | None = None,  # a folder; None: the run's
    out: str | Path | None = None,  # .safetensors; None: replace the old one
    weights: str | Path | None = None,  # the backbone's
    minutes: float = 3,  # of training
    force: bool = False,  # overwrite `out`
    workers: int | None = None,  # as in `train()`
    seed: int = 0,
    device: torch.device | str | None = None,
    precision: str = "auto",  # see devices.autocast_dtype
    quiet: bool = False,
    **overrides,  # fields of recipes.Training; default: those of the run, or of its recipe
) -> Path:  # the file with the new style
    """Train scales and shifts for a new painting; the other styles stay unchanged.

    Raises `FileNotFoundError` for a missing run, painting or folder, `ValueError` for a file that
    is no style or cannot take another one, and `FaststyleError` if the painting is already in it,
    if its photos are not known, and if `out` exists.
    """
    check_minutes(minutes)
    run, paintings = run_folder.run_or_file(run), find_paintings([style])
    if len(paintings) > 1:
        raise FaststyleError(f"{style} contains {len(paintings)} paintings: add one at a time.")
    ((name, style),) = paintings.items()
    file = run / MODEL if run.is_dir() else run
    out = file if out is None else Path(out)
    _, info, _ = load_style(file)
    may_write_file(out, force or out == file, ".safetensors")
    check_can_add(file, info, [name])
    record, style_hash = run_folder.record_of(run), digest(style)
    known = dict(zip(run_folder.paintings_of(record), info["styles"])) if record else {}
    if same := known.get(style_hash):
        raise FaststyleError(f"{style} is the painting {same}.")
    photos = photos or (record and record["settings"]["photos"])
    if not photos:
        raise FaststyleError(f"{file} is not in a run folder that lists its photos: give --photos.")
    recipe = info["recipe"] if info["recipe"] in RECIPES else "fast"  # of a Learner of one's own
    plan = record["settings"]["plan"] if record else asdict(recipe_plan(recipe, "style"))
    own = {k: v for k, v in overrides.items() if v is not None}
    own["loss"] = merged(plan["loss"], own.get("loss") or {})
    plan = {**plan, "lr": ROWS_LR} | own  # the rate is that of scales and shifts
    size, bs, images = (plan.pop(field) for field in ("size", "bs", "images"))
    # Photos that the run held out stay held out.
    split = {k: record["settings"][k] for k in ("valid_pct", "seed")} if record else {"seed": seed}
    set_seed(seed)
    split |= {"num_workers": workers, "device": device}
    dls = StyleDataLoaders.from_folder(photos, size, bs, images, **split)
    start = {"recipe": recipe, "pretrained": file, "arch": info["arch"]}
    start |= {"weights": weights, "precision": precision}
    learn = style_learner(dls, {name: style}, **start, **plan)
    learn.freeze()
    if failed := fit_run(learn, minutes, quiet, f"{file} is unchanged."):
        raise failed  # a half-trained style would block another attempt
    save_style(learn, out, add_to=file)
    if record and out == file:  # update the run folder too
        record["added"][name] = style_hash
        write_json(record, run / "run.json")
        learn.model, learn.style_card.info, _ = load_style(out)
        learn.loss_func.source = None  # it has only the new painting
        run_folder.export_learner(learn, run / "model.pkl")
    return out


def fit_run(learn, minutes, quiet, where, *cbs, since=None):
    "Fit by the recipe with one line of progress; return the error to raise after saving, or None."
    stop = StopOnInterrupt()
    callbacks = [*cbs, stop]
    if not quiet:
        callbacks.append(TimeLeft())
    try:
        with learn.no_bar(), learn.no_logging():
            learn.fit_recipe(minutes=minutes, since=since, cbs=callbacks)
    except NonFiniteLoss as error:
        return error
    finally:
        stop.after_fit()  # skipped after an error
    return Stopped(f"Stopped. {where}") if stop.stopped else None
