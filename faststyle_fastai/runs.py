"Whole trainings: a folder of photos and a painting in, a run folder with everything out."

import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path

from fastai.torch_core import set_seed
from fastcore.foundation import L

from .backbones import ASSETS
from .callbacks import StopOnInterrupt
from .checkpoint import Checkpoint
from .data import StyleDataLoaders
from .errors import FaststyleError, NonFiniteLoss
from .folders import first_pictures
from .images import read_picture, save_picture
from .learner import autoencoder_learner, style_learner
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
from .sheets import side_by_side
from .stylefile import load_style, may_join, save_style
from .stylizer import Stylizer

__all__ = ["add_style", "demo", "pretrain", "train"]


SAVE_EVERY = 200  # steps
ROWS_LR = 1e-2  # scales and shifts alone bear larger steps than convolutions


def train(
    photos: str | Path,  # a folder
    style: str | Path | list,  # the painting, or several for one network
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
    resume: bool = False,  # go on with the run in `out`
    force: bool = False,  # replace the run in `out`
    workers: int | None = None,  # processes that load photos; None: on CUDA 8 at most, else 0
    seed: int = 0,
    device: str | None = None,
    quiet: bool = False,
    cbs=None,  # more callbacks
    **overrides,  # fields of recipes.Training
) -> Path:  # `out`
    "Train a style, or several, on a folder of photos and leave a complete run folder."
    started, out = time.time(), Path(out)
    plan = recipe_plan(recipe, "style", size=size, bs=bs, images=images, **overrides)
    if patience and not minutes and patience + 1 >= plan.epochs * len(plan.schedule):
        raise ValueError(
            f"patience={patience} looks at the ends of epochs, and recipe {recipe} has too few: "
            f"give minutes too, and images for shorter epochs."
        )
    styles = list(L(style))
    style_hash = [digest(Path(painting)) for painting in styles]
    may_write(out, resume, force)
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
        "style_hash": style_hash,
        "valid_pct": valid_pct,
        **_settings(photos, dls, recipe, pretrained, arch, weights, minutes, seed, plan),
    }
    spent = 0.0  # minutes
    if resume:
        same_run(out, settings)
        spent = (record_of(out) or {}).get("minutes", 0.0)
    learn = style_learner(dls, styles, recipe, pretrained, arch, weights, **overrides)
    sweep(out)
    if not resume:
        clear(out)
    record = {"settings": settings, "added": {}, "versions": versions(), "minutes": spent}
    record["complete"] = False
    write_json(record, out / "run.json")
    cbs = [
        Checkpoint(out / "checkpoints", every=SAVE_EVERY, resume=resume, patience=patience),
        History(out / "history.csv"),
        Preview(dls.valid.items[:2], every=100, folder=out / "previews"),
        *L(cbs),
    ]
    where = f"what was trained lies in {out}, --resume goes on."
    failed = _fit(learn, minutes, quiet, where, *cbs)
    save_style(learn, out / "model.safetensors")
    export_learner(learn, out / "model.pkl")
    plot_loss(learn, out / "loss.png")
    record["minutes"] = round(spent + (time.time() - started) / 60, 2)
    record["pictures"] = learn.train_iter * plan.bs
    record["complete"] = not failed
    write_json(record, out / "run.json")
    if failed:
        raise failed
    return out


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
    resume: bool = False,  # go on with what did not end, from `out`.part
    force: bool = False,  # write over `out`
    seed: int = 0,
    device: str | None = None,
    quiet: bool = False,
    **overrides,  # fields of recipes.Training
) -> Path:  # `out`
    "Train an autoencoder, the start of all styles, on a folder of photos."
    out = Path(out)
    part = out.with_name(f"{out.name}.part")
    may_write_file(out, force or (resume and part.is_dir()))
    if part.is_dir() and not (resume or force):
        raise FaststyleError(f"{part} is a training that did not end: --resume, or --force.")
    plan = recipe_plan(recipe, "autoencoder", size=size, bs=bs, images=images, **overrides)
    set_seed(seed)
    dls = StyleDataLoaders.from_folder(
        photos, plan.size, plan.bs, plan.images, seed=seed, device=device
    )
    settings = {"style": []}
    settings |= _settings(photos, dls, recipe, pretrained, arch, weights, minutes, seed, plan)
    if resume:
        same_run(part, settings)
    else:
        shutil.rmtree(part, ignore_errors=True)
    learn = autoencoder_learner(dls, recipe, arch, weights, pretrained, **overrides)
    write_json({"settings": settings, "added": {}}, part / "run.json")
    checkpoint = Checkpoint(part / "checkpoints", every=SAVE_EVERY, resume=resume)
    where = f"what was trained lies in {out}, --resume goes on."
    failed = _fit(learn, minutes, quiet, where, checkpoint)
    save_style(learn, out)
    if failed:
        raise failed
    shutil.rmtree(part)
    return out


def _settings(photos, dls, recipe, pretrained, arch, weights, minutes, seed, plan):
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
        "plan": json.loads(json.dumps(asdict(plan))),
    }


def add_style(
    run: str | Path,  # a run folder or a .safetensors
    style: str | Path,  # the new painting
    photos: str | Path | None = None,  # a folder; None: the run's
    out: str | Path | None = None,  # .safetensors; None: in the place of the old one
    weights: str | Path | None = None,  # the backbone's
    minutes: float = 3,
    force: bool = False,  # write over `out`
    seed: int = 0,
    device: str | None = None,
    quiet: bool = False,
    **overrides,  # fields of recipes.Training; else those of the run, or of its recipe
) -> Path:  # the file with the new style
    "Train rows of scales and shifts for a new painting; the other styles stay as they are."
    run, name = Path(run), Path(style).stem
    if run.name == "model.safetensors" and record_of(run.parent):
        run = run.parent
    file = run / "model.safetensors" if run.is_dir() else run
    out = file if out is None else Path(out)
    _, info, _ = load_style(file)
    may_write_file(out, force or out == file)
    may_join(file, info, [name])
    record, style_hash = record_of(run), digest(Path(style))
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
    dls = StyleDataLoaders.from_folder(photos, size, bs, images, device=device, **split)
    learn = style_learner(dls, style, info["recipe"], file, info["arch"], weights, **plan)
    learn.freeze()
    if failed := _fit(learn, minutes, quiet, f"{file} is as it was."):
        raise failed  # half-trained it would be in the way of another try
    save_style(learn, out, add_to=file)
    if record and out == file:  # the run knows it too
        learn.model, learn.style_card.info, _ = load_style(out)
        export_learner(learn, run / "model.pkl")
        record["added"][name] = style_hash
        write_json(record, run / "run.json")
    return out


def _fit(learn, minutes, quiet, where, *cbs):
    "Fit by the recipe with one line of progress; the error to raise when all is saved, or None."
    stop = StopOnInterrupt()
    cbs = [*cbs, stop] if quiet else [*cbs, stop, TimeLeft()]
    try:
        with learn.no_bar(), learn.no_logging():
            learn.fit_recipe(minutes=minutes, cbs=cbs)
    except NonFiniteLoss as error:
        return error
    finally:
        stop.after_fit()  # which an error passes over
    return FaststyleError(f"stopped; {where}") if stop.asked else None


def demo(
    out: str | Path = "faststyle-demo",
    photos: str | Path | None = None,  # a folder; None: scikit-learn's two sample photos
    minutes: float = 1.5,  # of training
    seed: int = 0,
    device: str | None = None,
    quiet: bool = False,
) -> list[Path]:  # what it wrote: before | painting | after first
    "Train a painting's style offline and repaint a photo with it."
    out, painting = Path(out), ASSETS / "composition_vii.jpg"
    if photos is None:
        folder, few = sample_photos()
        photo = folder / "china.jpg"
    else:
        folder, few = Path(photos), {}
        photo = next(iter(first_pictures(folder, 1)), None)
    record = record_of(out)
    earlier = record and paintings_of(record) == [digest(painting)]
    common = {"minutes": minutes, "seed": seed, "device": device, "quiet": quiet}
    train(folder, painting, out, force=earlier, **common, **few)
    model = out / "model.safetensors"
    after = Stylizer(model, device)(photo)
    pictures = [read_picture(photo), read_picture(painting), after]
    row = side_by_side(pictures, height=360)
    return [
        save_picture(row, out / "before-style-after.jpg"),
        save_picture(after, out / f"{Path(photo).stem}-{painting.stem}.jpg"),
        *(out / name for name in ("model.safetensors", "model.pkl", "loss.png", "progress.gif")),
    ]


def sample_photos() -> tuple[Path, dict]:
    "A folder of photos that is always there, scikit-learn's two, and how to train on so few."
    from sklearn import datasets

    return Path(datasets.__file__).parent / "images", {"valid_pct": 0, "images": 400}
