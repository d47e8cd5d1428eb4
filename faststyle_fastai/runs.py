"Whole trainings: a folder of photos and a painting in, a run folder with everything out."

import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path

from fastai.torch_core import num_distrib, rank_distrib, set_seed
from fastcore.foundation import L

from .callbacks import StopOnInterrupt
from .checkpoint import Checkpoint
from .data import StyleDataLoaders
from .errors import FaststyleError, NonFiniteLoss
from .folders import find_paintings
from .images import read_picture
from .learner import autoencoder_learner, style_learner
from .parallel import AverageGradients, first_alone, processes, together
from .progress import History, Preview, TimeLeft
from .recipes import recipe_plan
from .runfolder import (
    clear,
    digest,
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
    versions,
    write_json,
)
from .stylefile import load_style, may_join, save_style

__all__ = ["add_style", "pretrain", "train"]


SAVE_EVERY, SHOW_EVERY = 200, 100  # steps
ROWS_LR = 1e-2  # scales and shifts alone bear larger steps than convolutions


@together
def train(
    photos: str | Path,  # a folder
    style: str | Path | list | dict,  # paintings as find_paintings takes them, or {name: painting}
    out: str | Path,  # the run folder: model, settings, history, previews, checkpoints
    recipe: str = "fast",
    pretrained: str | Path | None = "gallery",
    arch: str = "full",
    weights: str | Path | None = None,  # the backbone's
    size: int | None = None,  # px; this and the next two: None is the recipe's
    bs: int | None = None,
    images: int | None = None,  # photos an epoch
    minutes: float | None = None,  # train this long instead of the recipe's epochs
    patience: int | None = None,  # end, on the best, after so many epochs that were no better
    valid_pct: float = 0.02,  # see StyleDataLoaders.from_folder
    resume: bool = False,  # go on with the run in `out`, also with one that has ended, for longer
    force: bool = False,  # replace the run in `out`
    workers: int | None = None,  # processes that load photos; None: on CUDA 8 at most, else 0
    checkpoint_every: int = SAVE_EVERY,  # steps
    preview_every: int = SHOW_EVERY,  # steps
    preview_photos: list | None = None,  # None: two that are held out
    seed: int = 0,
    device: str | None = None,
    precision: str = "auto",  # see devices.uses_bfloat16
    quiet: bool = False,
    cbs=None,  # more callbacks
    **overrides,  # fields of recipes.Training
) -> Path:  # `out`
    "Train a style, or several, on a folder of photos and leave a complete run folder."
    started, out = time.time(), Path(out)
    plan = recipe_plan(recipe, "style", size=size, bs=bs, images=images, **overrides)
    if minutes and overrides.get("epochs"):
        raise ValueError(f"minutes={minutes} and epochs={overrides['epochs']}: one of them.")
    if patience and not minutes and patience + 1 >= plan.epochs * len(plan.schedule):
        raise ValueError(
            f"patience={patience} looks at the ends of epochs, and recipe {recipe} has too few: "
            f"give minutes too, and images for shorter epochs."
        )
    paintings = style if isinstance(style, dict) else find_paintings(L(style))
    names, styles = list(paintings), list(paintings.values())
    style_hash = [digest(painting) for painting in styles]
    for photo in preview_photos or []:
        read_picture(photo)  # what is wrong with it is said here and now
    first_alone(may_write, out, resume, force)
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
    first_alone(_prepare, out, resume, record)
    checkpoint = Checkpoint(out / "checkpoints", checkpoint_every, resume=resume, patience=patience)
    writers = []
    if not rank_distrib():
        writers += [History(out / "history.csv")]
        shown = preview_photos or dls.valid.items[:2]
        writers += [Preview(shown, preview_every, out / "previews")]
    where = f"what was trained lies in {out}, --resume goes on."
    failed = _fit(learn, minutes, quiet, where, checkpoint, *writers, *L(cbs))
    record["pictures"] = learn.train_iter * plan.bs * processes()
    record["complete"] = not failed
    first_alone(_finish, learn, out, record, started)
    if failed:
        raise failed
    return out


def _prepare(out, resume, record):
    "The folder of a run that begins, or goes on."
    sweep(out)
    if not resume:
        clear(out)
    write_json(record, out / "run.json")


def _finish(learn, out, record, started):
    "What a run leaves; its minutes are those of all sessions."
    save_style(learn, out / "model.safetensors")
    export_learner(learn, out / "model.pkl")
    plot_loss(learn, out / "loss.png")
    record["minutes"] = round(record["minutes"] + (time.time() - started) / 60, 2)
    write_json(record, out / "run.json")


@together
def pretrain(
    photos: str | Path,  # a folder
    out: str | Path,  # .safetensors
    recipe: str = "fast",
    arch: str = "full",
    pretrained: str | Path | None = None,  # go on from: "autoencoder" or a file; None: from scratch
    weights: str | Path | None = None,  # the backbone's
    size: int | None = None,  # px; this and the next two: None is the recipe's
    bs: int | None = None,
    images: int | None = None,  # photos an epoch
    minutes: float | None = None,  # train this long instead of the recipe's epochs
    valid_pct: float = 0.02,  # see StyleDataLoaders.from_folder
    resume: bool = False,  # go on with what did not end, from `out`.part
    force: bool = False,  # write over `out`
    workers: int | None = None,  # as in `train`
    checkpoint_every: int = SAVE_EVERY,  # steps
    seed: int = 0,
    device: str | None = None,
    precision: str = "auto",  # see devices.uses_bfloat16
    quiet: bool = False,
    **overrides,  # fields of recipes.Training
) -> Path:  # `out`
    "Train an autoencoder, the start of all styles, on a folder of photos."
    out = Path(out)
    part = out.with_name(f"{out.name}.part")
    first_alone(_may_pretrain, out, part, resume, force)
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
    first_alone(_prepare, part, resume, {"settings": settings, "added": {}})
    checkpoint = Checkpoint(part / "checkpoints", checkpoint_every, resume=resume)
    where = f"what was trained lies in {out}, --resume goes on."
    failed = _fit(learn, minutes, quiet, where, checkpoint)
    first_alone(save_style, learn, out)
    if failed:
        raise failed
    first_alone(shutil.rmtree, part)
    return out


def _may_pretrain(out, part, resume, force):
    may_write_file(out, force or (resume and part.is_dir()))
    if part.is_dir() and not (resume or force):
        raise FaststyleError(f"{part} is a training that did not end: --resume, or --force.")


def _settings(photos, dls, recipe, pretrained, arch, weights, minutes, seed, precision, plan):
    "What a training that is resumed must have in common with the one it goes on with."
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
    out: str | Path | None = None,  # .safetensors; None: in the place of the old one
    weights: str | Path | None = None,  # the backbone's
    minutes: float = 3,
    force: bool = False,  # write over `out`
    workers: int | None = None,  # as in `train`
    seed: int = 0,
    device: str | None = None,
    precision: str = "auto",  # see devices.uses_bfloat16
    quiet: bool = False,
    **overrides,  # fields of recipes.Training; else those of the run, or of its recipe
) -> Path:  # the file with the new style
    "Train rows of scales and shifts for a new painting; the other styles stay as they are."
    if num_distrib() > 1:
        raise FaststyleError("a style is added in one process: without accelerate or torchrun.")
    run, paintings = Path(run), find_paintings([style])
    if len(paintings) > 1:
        raise FaststyleError(f"{style} holds {len(paintings)} paintings: add one at a time.")
    ((name, style),) = paintings.items()
    if run.name == "model.safetensors" and record_of(run.parent):
        run = run.parent
    file = run / "model.safetensors" if run.is_dir() else run
    out = file if out is None else Path(out)
    _, info, _ = load_style(file)
    may_write_file(out, force or out == file)
    may_join(file, info, [name])
    record, style_hash = record_of(run), digest(style)
    if record and style_hash in (known := paintings_of(record)):
        raise FaststyleError(f"{style} is the painting {info['styles'][known.index(style_hash)]}.")
    photos = photos or (record and record["settings"]["photos"])
    if not photos:
        raise FaststyleError(f"{file} is not in a run folder that knows its photos: give --photos.")
    plan = record["settings"]["plan"] if record else asdict(recipe_plan(info["recipe"], "style"))
    plan = {**plan, "lr": ROWS_LR} | {k: v for k, v in overrides.items() if v is not None}
    size, bs, images = (plan.pop(field) for field in ("size", "bs", "images"))
    # What the run held out stays held out.
    split = {k: record["settings"][k] for k in ("valid_pct", "seed")} if record else {"seed": seed}
    set_seed(seed)
    split |= {"num_workers": workers, "device": device}
    dls = StyleDataLoaders.from_folder(photos, size, bs, images, **split)
    how = info["recipe"], file, info["arch"], weights, name, precision
    learn = style_learner(dls, style, *how, **plan)
    learn.freeze()
    if failed := _fit(learn, minutes, quiet, f"{file} is as it was."):
        raise failed  # half-trained it would be in the way of another try
    save_style(learn, out, add_to=file)
    if record and out == file:  # the run knows it too
        learn.model, learn.style_card.info, _ = load_style(out)
        learn.loss_func.source = None  # it knows the new painting alone
        export_learner(learn, run / "model.pkl")
        record["added"][name] = style_hash
        write_json(record, run / "run.json")
    return out


def _fit(learn, minutes, quiet, where, *cbs):
    "Fit by the recipe with one line of progress; the error to raise when all is saved, or None."
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
        stop.after_fit()  # which an error passes over
    return FaststyleError(f"stopped; {where}") if stop.asked else None
