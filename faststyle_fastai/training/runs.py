"Complete trainings: from a folder of photos and paintings to a run folder."

import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path

from fastai.torch_core import num_distrib, rank_distrib, set_seed
from fastcore.foundation import L

from ..core.errors import FaststyleError, NonFiniteLoss
from ..core.provenance import versions, write_json
from ..images.discovery import find_paintings
from ..images.files import read_picture
from ..images.remote import digest
from ..models.stylefile import check_can_add, load_style, save_style
from .callbacks import StopOnInterrupt
from .checkpoint import Checkpoint
from .data import StyleDataLoaders
from .distributed import AverageGradients, distributed_entry, main_process_first, processes
from .learner import autoencoder_learner, style_learner
from .progress import History, Preview, TimeLeft
from .recipes import recipe_plan
from .run_folder import (
    clear,
    export_learner,
    may_write,
    may_write_file,
    not_among,
    paintings_of,
    photos_hash,
    plot_loss,
    record_of,
    same_run,
    sweep,
)

__all__ = ["add_style", "pretrain", "train"]


ROWS_LR = 1e-2  # scales and shifts alone tolerate larger steps than convolutions


@distributed_entry
def train(
    photos: str | Path,  # a folder
    style: str | Path | list | dict,  # paintings as find_paintings takes them, or {name: painting}
    out: str | Path,  # the run folder: model, settings, history, previews, checkpoints
    recipe: str = "fast",
    pretrained: str | Path | None = "predicted",  # see style_learner
    arch: str = "full",
    weights: str | Path | None = None,  # the backbone's
    size: int | None = None,  # px; for this and the next two, None is the recipe's
    bs: int | None = None,
    images: int | None = None,  # photos per epoch
    minutes: float | None = None,  # training time instead of the recipe's epochs
    patience: int | None = None,  # epochs without improvement before it ends on the best
    valid_pct: float = 0.02,  # see StyleDataLoaders.from_folder
    resume: bool = False,  # resume the run in `out`, or extend a finished one
    force: bool = False,  # replace the run in `out`
    workers: int | None = None,  # processes that load photos; None: up to 8 on CUDA, else 0
    checkpoint_every: int | None = None,  # steps; None: 200, at least a minute apart
    preview_every: int | None = None,  # steps; None: 100, at least 10 seconds apart
    preview_photos: list | None = None,  # None: two held-out photos
    seed: int = 0,
    device: str | None = None,
    precision: str = "auto",  # see devices.autocast_dtype
    quiet: bool = False,
    cbs=None,  # additional callbacks
    **overrides,  # fields of recipes.Training
) -> Path:  # `out`
    "Train one or more styles on a folder of photos and write a complete run folder."
    started, out = time.time(), Path(out)
    plan = recipe_plan(recipe, "style", size=size, bs=bs, images=images, **overrides)
    if minutes and overrides.get("epochs"):
        raise ValueError(f"minutes={minutes} and epochs={overrides['epochs']}: give one of them.")
    if patience and not minutes and patience + 1 >= plan.epochs * len(plan.schedule):
        raise ValueError(
            f"patience={patience} needs more epochs than recipe {recipe} has: give minutes too, "
            f"and images for shorter epochs."
        )
    paintings = style if isinstance(style, dict) else find_paintings(L(style))
    names, styles = list(paintings), list(paintings.values())
    style_hash = [digest(painting) for painting in styles]
    for photo in preview_photos or []:
        read_picture(photo)  # fail early on a bad file
    main_process_first(may_write, out, resume, force)
    not_among(photos, out)
    set_seed(seed)
    dls = StyleDataLoaders.from_folder(
        photos,
        plan.size,
        plan.bs,
        plan.images,
        valid_pct,
        seed=seed,
        num_workers=workers,
        device=device,
    )
    settings = {
        "style": [str(painting) for painting in styles],
        "names": names,
        "style_hash": style_hash,
        "valid_pct": valid_pct,
        **_settings(photos, dls, recipe, pretrained, arch, weights, minutes, seed, precision, plan),
    }
    spent = 0.0  # minutes
    if resume:
        same_run(out, settings)
        spent = (record_of(out) or {}).get("minutes", 0.0)
    how = recipe, pretrained, arch, weights, names, precision
    learn = style_learner(dls, styles, *how, **overrides)
    record = {"settings": settings, "added": {}, "versions": versions(), "minutes": spent}
    record["complete"] = False
    main_process_first(_prepare, out, resume, record)
    checkpoint = Checkpoint(out / "checkpoints", checkpoint_every, resume=resume, patience=patience)
    writers = []
    if not rank_distrib():
        writers += [History(out / "history.csv")]
        shown = preview_photos or dls.valid.items[:2]
        writers += [Preview(shown, preview_every, out / "previews")]
    where = f"The network so far is in {out}. Use --resume to continue."
    failed = _fit(learn, minutes, quiet, where, checkpoint, *writers, *L(cbs))
    record["pictures"] = learn.train_iter * dls.bs * processes()
    record["complete"] = not failed
    main_process_first(_finish, learn, out, record, started)
    if failed:
        raise failed
    return out


def _prepare(out, resume, record):
    "Prepare the folder of a new or resumed run."
    sweep(out)
    if not resume:
        clear(out)
    write_json(record, out / "run.json")


def _finish(learn, out, record, started):
    "Write the results of a run; its minutes include those before a resume."
    save_style(learn, out / "model.safetensors")
    export_learner(learn, out / "model.pkl")
    plot_loss(learn, out / "loss.png")
    record["minutes"] = round(record["minutes"] + (time.time() - started) / 60, 2)
    write_json(record, out / "run.json")


@distributed_entry
def pretrain(
    photos: str | Path,  # a folder
    out: str | Path,  # .safetensors
    recipe: str = "fast",
    arch: str = "full",
    pretrained: str | Path | None = None,  # start: "autoencoder" or a file; None: from scratch
    weights: str | Path | None = None,  # the backbone's
    size: int | None = None,  # px; for this and the next two, None is the recipe's
    bs: int | None = None,
    images: int | None = None,  # photos per epoch
    minutes: float | None = None,  # training time instead of the recipe's epochs
    valid_pct: float = 0.02,  # see StyleDataLoaders.from_folder
    resume: bool = False,  # resume an interrupted training from `out`.part
    force: bool = False,  # overwrite `out`
    workers: int | None = None,  # as in `train`
    checkpoint_every: int | None = None,  # steps; None: 200, at least a minute apart
    seed: int = 0,
    device: str | None = None,
    precision: str = "auto",  # see devices.autocast_dtype
    quiet: bool = False,
    **overrides,  # fields of recipes.Training
) -> Path:  # `out`
    "Train an autoencoder, the starting point of all styles, on a folder of photos."
    out = Path(out)
    part = out.with_name(f"{out.name}.part")
    main_process_first(_may_pretrain, out, part, resume, force)
    plan = recipe_plan(recipe, "autoencoder", size=size, bs=bs, images=images, **overrides)
    set_seed(seed)
    split = {"valid_pct": valid_pct, "seed": seed}
    dls = StyleDataLoaders.from_folder(
        photos, plan.size, plan.bs, plan.images, num_workers=workers, device=device, **split
    )
    how = recipe, pretrained, arch, weights, minutes, seed, precision, plan
    settings = {"style": [], "names": [], "valid_pct": valid_pct} | _settings(photos, dls, *how)
    if resume:
        same_run(part, settings)
    learn = autoencoder_learner(dls, recipe, arch, weights, pretrained, precision, **overrides)
    main_process_first(_prepare, part, resume, {"settings": settings, "added": {}})
    checkpoint = Checkpoint(part / "checkpoints", checkpoint_every, resume=resume)
    where = f"The network so far is in {out}. Use --resume to continue."
    failed = _fit(learn, minutes, quiet, where, checkpoint)
    main_process_first(save_style, learn, out)
    if failed:
        raise failed
    main_process_first(shutil.rmtree, part)
    return out


def _may_pretrain(out, part, resume, force):
    may_write_file(out, force or (resume and part.is_dir()))
    if part.is_dir() and not (resume or force):
        raise FaststyleError(f"{part} is an interrupted training: use --resume or --overwrite.")


def _settings(photos, dls, recipe, pretrained, arch, weights, minutes, seed, precision, plan):
    "The settings that must be the same when a training is resumed."
    return {
        "photos": str(photos),
        "photos_hash": photos_hash(dls),
        "recipe": recipe,
        "pretrained": str(pretrained),
        "arch": arch,
        "weights": Path(weights).name if weights else None,
        "minutes": minutes,
        "seed": seed,
        "precision": precision,
        "plan": json.loads(json.dumps(asdict(plan))),
    }


def add_style(
    run: str | Path,  # a run folder or a .safetensors
    style: str | Path,  # the new painting, or NAME=PAINTING
    photos: str | Path | None = None,  # a folder; None: the run's
    out: str | Path | None = None,  # .safetensors; None: replace the old one
    weights: str | Path | None = None,  # the backbone's
    minutes: float = 3,
    force: bool = False,  # overwrite `out`
    workers: int | None = None,  # as in `train`
    seed: int = 0,
    device: str | None = None,
    precision: str = "auto",  # see devices.autocast_dtype
    quiet: bool = False,
    **overrides,  # fields of recipes.Training; default: those of the run, or of its recipe
) -> Path:  # the file with the new style
    "Train scales and shifts for a new painting; the other styles stay unchanged."
    if num_distrib() > 1:
        raise FaststyleError(
            "A style is added in a single process: run without accelerate or torchrun."
        )
    run, paintings = Path(run), find_paintings([style])
    if len(paintings) > 1:
        raise FaststyleError(f"{style} contains {len(paintings)} paintings: add one at a time.")
    ((name, style),) = paintings.items()
    if run.name == "model.safetensors" and record_of(run.parent):
        run = run.parent
    file = run / "model.safetensors" if run.is_dir() else run
    out = file if out is None else Path(out)
    _, info, _ = load_style(file)
    may_write_file(out, force or out == file)
    check_can_add(file, info, [name])
    record, style_hash = record_of(run), digest(style)
    if record and style_hash in (known := paintings_of(record)):
        raise FaststyleError(f"{style} is the painting {info['styles'][known.index(style_hash)]}.")
    photos = photos or (record and record["settings"]["photos"])
    if not photos:
        raise FaststyleError(f"{file} is not in a run folder that lists its photos: give --photos.")
    plan = record["settings"]["plan"] if record else asdict(recipe_plan(info["recipe"], "style"))
    plan = {**plan, "lr": ROWS_LR} | {k: v for k, v in overrides.items() if v is not None}
    size, bs, images = (plan.pop(field) for field in ("size", "bs", "images"))
    # Photos that the run held out stay held out.
    split = {k: record["settings"][k] for k in ("valid_pct", "seed")} if record else {"seed": seed}
    set_seed(seed)
    split |= {"num_workers": workers, "device": device}
    dls = StyleDataLoaders.from_folder(photos, size, bs, images, **split)
    how = info["recipe"], file, info["arch"], weights, name, precision
    learn = style_learner(dls, style, *how, **plan)
    learn.freeze()
    if failed := _fit(learn, minutes, quiet, f"{file} is unchanged."):
        raise failed  # a half-trained style would block another attempt
    save_style(learn, out, add_to=file)
    if record and out == file:  # update the run folder too
        learn.model, learn.style_card.info, _ = load_style(out)
        learn.loss_func.source = None  # it has only the new painting
        export_learner(learn, run / "model.pkl")
        record["added"][name] = style_hash
        write_json(record, run / "run.json")
    return out


def _fit(learn, minutes, quiet, where, *cbs):
    "Fit by the recipe with one line of progress; return the error to raise after saving, or None."
    stop = StopOnInterrupt()
    cbs = [*cbs, stop]
    if processes() > 1:
        cbs.append(AverageGradients())
    if not (quiet or rank_distrib()):
        cbs.append(TimeLeft())
    try:
        with learn.no_bar(), learn.no_logging():
            learn.fit_recipe(minutes=minutes, cbs=cbs)
    except NonFiniteLoss as error:
        return error
    finally:
        stop.after_fit()  # skipped after an error
    return FaststyleError(f"Stopped. {where}") if stop.asked else None
