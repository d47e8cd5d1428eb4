"Whole trainings: a folder of photos and a painting in, a run folder with everything out."

import hashlib
import json
import shutil
import sys
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from fastai.callback.core import Callback
from fastai.learner import Learner, Recorder
from fastai.torch_core import set_seed
from matplotlib.figure import Figure

from . import __version__
from .backbones import ASSETS
from .callbacks import History, Preview, StopOnInterrupt
from .checkpoint import Checkpoint
from .data import StyleDataLoaders
from .errors import FaststyleError, NonFiniteLoss
from .images import find_pictures, read_picture, save_picture, side_by_side, whole_file
from .learner import autoencoder_learner, save_style, style_learner
from .recipes import recipe_plan
from .stylizer import Stylizer

__all__ = ["demo", "pretrain", "train"]

RUN_FILES = "run.json", "history.csv", "loss.png", "progress.gif", "model.safetensors", "model.pkl"
RUN_FOLDERS = "checkpoints", "previews"


def train(
    photos: str | Path,  # a folder
    style: str | Path,  # the painting
    out: str | Path,  # the run folder: model, settings, history, previews, checkpoints
    recipe: str = "fast",
    pretrained: str | Path | None = "autoencoder",
    arch: str = "full",
    weights: str | Path | None = None,  # the backbone's
    size: int | None = None,  # px; this and the next two: None is the recipe's
    bs: int | None = None,
    images: int | None = None,  # photos an epoch
    minutes: float | None = None,  # train this long instead of the recipe's epochs
    valid_pct: float = 0.02,  # see StyleDataLoaders.from_folder
    resume: bool = False,  # go on with the run in `out`
    force: bool = False,  # replace the run in `out`
    seed: int = 0,
    device: str | None = None,
    quiet: bool = False,
    **overrides,  # fields of recipes.Training
) -> Path:  # `out`
    "Train a style on a folder of photos and leave a complete run folder."
    started, out = time.time(), Path(out)
    plan = recipe_plan(recipe, "style", size=size, bs=bs, images=images, **overrides)
    style_hash = digest(Path(style))
    _may_write(out, resume, force)
    set_seed(seed)
    dls = StyleDataLoaders.from_folder(
        photos, plan.size, plan.bs, plan.images, valid_pct, seed=seed, device=device
    )
    settings = {
        "style": str(style),
        "style_hash": style_hash,
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
    if resume:
        _same_run(out, settings)
    learn = style_learner(dls, style, recipe, pretrained, arch, weights, **overrides)
    if not resume:
        _clear(out)
    record = {"settings": settings, "versions": versions(), "complete": False}
    write_json(record, out / "run.json")
    stop = StopOnInterrupt()
    cbs = [
        Checkpoint(out / "checkpoints", every=200, resume=resume),
        History(out / "history.csv"),
        Preview(dls.valid.items[:2], every=100, folder=out / "previews"),
        stop,
    ]
    failed = None
    with learn.no_bar(), learn.no_logging():
        try:
            learn.fit_recipe(minutes=minutes, cbs=cbs if quiet else [*cbs, TimeLeft()])
        except NonFiniteLoss as error:
            failed = error
    save_style(learn, out / "model.safetensors")
    export_learner(learn, out / "model.pkl")
    plot_loss(learn, out / "loss.png")
    record["minutes"] = round((time.time() - started) / 60, 2)
    record["complete"] = not (failed or stop.asked)
    write_json(record, out / "run.json")
    if stop.asked:
        failed = FaststyleError(f"stopped; what was trained lies in {out}, --resume goes on.")
    if failed:
        raise failed
    return out


def pretrain(
    photos: str | Path,  # a folder
    out: str | Path,  # .safetensors
    recipe: str = "fast",
    arch: str = "full",
    weights: str | Path | None = None,  # the backbone's
    size: int | None = None,  # px; this and the next two: None is the recipe's
    bs: int | None = None,
    images: int | None = None,  # photos an epoch
    minutes: float | None = None,  # train this long instead of the recipe's epochs
    force: bool = False,  # write over `out`
    seed: int = 0,
    device: str | None = None,
    quiet: bool = False,
    **overrides,  # fields of recipes.Training
) -> Path:  # `out`
    "Train an autoencoder, the start of all styles, on a folder of photos."
    out = Path(out)
    if out.suffix != ".safetensors":
        raise ValueError(f"-o {out}: an autoencoder's file ends in .safetensors.")
    if out.exists() and not force:
        raise FaststyleError(f"{out} exists: choose another name or --force.")
    plan = recipe_plan(recipe, "autoencoder", size=size, bs=bs, images=images, **overrides)
    set_seed(seed)
    dls = StyleDataLoaders.from_folder(
        photos, plan.size, plan.bs, plan.images, seed=seed, device=device
    )
    learn, stop = autoencoder_learner(dls, recipe, arch, weights, **overrides), StopOnInterrupt()
    with learn.no_bar(), learn.no_logging():
        learn.fit_recipe(minutes=minutes, cbs=stop if quiet else [stop, TimeLeft()])
    save_style(learn, out)
    if stop.asked:
        raise FaststyleError(f"stopped; what was trained lies in {out}.")
    return out


def demo(
    out: str | Path = "faststyle-demo",
    photos: str | Path | None = None,  # a folder; None: scikit-learn's two sample photos
    minutes: float = 1.5,  # of training
    seed: int = 0,
    device: str | None = None,
    quiet: bool = False,
) -> list[Path]:  # what it wrote: before | painting | after first
    "Train a painting's style offline and repaint a photo with it."
    out, painting = Path(out), ASSETS / "great_wave.jpg"
    if photos is None:
        from sklearn import datasets

        folder = Path(datasets.__file__).parent / "images"
        photo, few = folder / "china.jpg", {"valid_pct": 0, "images": 400}
    else:
        folder, few = Path(photos), {}
        photo = next(iter(find_pictures(folder)[0]), None)
    earlier = (_settings(out) or {}).get("style_hash") == digest(painting)
    common = {"minutes": minutes, "seed": seed, "device": device, "quiet": quiet}
    train(folder, painting, out, force=earlier, **common, **few)
    model = out / "model.safetensors"
    after = Stylizer(model, device)(photo)
    pictures = [read_picture(photo), read_picture(painting), after]
    row = side_by_side(pictures, height=360)
    return [
        save_picture(row, out / "before-style-after.jpg"),
        save_picture(after, out / f"{Path(photo).stem}-great_wave.jpg"),
        *(out / name for name in ("model.safetensors", "model.pkl", "loss.png", "progress.gif")),
    ]


def _settings(out):
    "The settings of the run in `out`; None when it holds none."
    record = out / "run.json"
    return json.loads(record.read_text())["settings"] if record.is_file() else None


def _may_write(out, resume, force):
    "See that `out` is free of what a run writes, or is a run to resume or replace."
    if out.exists() and not out.is_dir():
        raise FaststyleError(f"{out} is a file: -o names a folder.")
    there = [name for name in (*RUN_FILES, *RUN_FOLDERS) if (out / name).exists()]
    if "run.json" in there:
        if not (resume or force):
            raise FaststyleError(
                f"{out} holds a run: --resume, --force to replace it, or another -o."
            )
    elif there:
        raise FaststyleError(f"{out} holds {there[0]} of something else: choose another -o.")


def _same_run(out, settings):
    "See that the run to resume was begun with the same settings, wherever the files lie."
    before = _settings(out)
    compared = [key for key in settings if key not in ("style", "photos")]
    if before and (changed := [key for key in compared if before.get(key) != settings[key]]):
        names = ", ".join(key.removesuffix("_hash") for key in changed)
        raise FaststyleError(
            f"{out} was trained with another {names}: resume with the same settings, or choose "
            f"another -o."
        )


def _clear(out):
    "Remove the run that --force replaces, and nothing else."
    for name in RUN_FILES:
        (out / name).unlink(missing_ok=True)
    for name in RUN_FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)


def export_learner(learn: Learner, path: Path) -> Path:
    "`learn.export`, whole or not at all."
    with whole_file(path) as temporary:
        learn.export(temporary.resolve())
    return path


def plot_loss(learn: Learner, path: Path) -> Path:
    "The training loss, step by step, and the held-out loss after each epoch."
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    recorder = learn.recorder
    axes.plot([float(loss) for loss in recorder.losses], label="training")
    names = list(recorder.metric_names[1:-1])
    held_out = [row[names.index("valid_loss")] for row in recorder.values if len(row) == len(names)]
    axes.plot(recorder.iters[: len(held_out)], held_out, "o-", label="held out")
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    axes.legend()
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=120)
    return path


class TimeLeft(Callback):
    "One line on stderr: how far, the loss, photos a second, time left."

    order = Recorder.order + 6  # after TimeBudget has said how far

    def before_fit(self):
        self.start = self.shown = time.monotonic()
        self.seen, self.from_pct = 0, None

    def after_batch(self):
        if not self.training or not len(self.yb):
            return
        now, self.seen = time.monotonic(), self.seen + len(self.x)
        if self.from_pct is None:
            self.from_pct = self.pct_train
        tty = sys.stderr.isatty()
        if now - self.shown < (0.5 if tty else 10):
            return
        self.shown, done = now, self.pct_train - self.from_pct
        left = (now - self.start) * (1 - self.pct_train) / max(done, 1e-6)
        line = (
            f"{self.pct_train:4.0%}  step {self.train_iter}  loss {self.smooth_loss:.3f}  "
            f"{self.seen / (now - self.start):.1f} photos/s  {clock(left)} left"
        )
        print(
            f"\r{line:<72}" if tty else line, end="" if tty else "\n", file=sys.stderr, flush=True
        )

    def after_fit(self):
        if sys.stderr.isatty():
            print(f"\r{'':<72}\r", end="", file=sys.stderr)


def clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02}"


def digest(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"no picture {path}.")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def photos_hash(dls) -> str:
    "Of the names and sizes of all photos in use."
    photos = sorted({*dls.train.items, *dls.valid.items})
    files = "".join(f"{path.name} {path.stat().st_size}\n" for path in photos)
    return hashlib.sha256(files.encode()).hexdigest()


def versions() -> dict[str, str]:
    "What a run was made with."
    names = "fastai", "torch", "torchvision", "pillow", "safetensors"
    return {"faststyle_fastai": __version__, **{name: version(name) for name in names}}


def write_json(value, path: Path):
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n")
