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
from .callbacks import History, Preview
from .checkpoint import Checkpoint
from .data import StyleDataLoaders
from .errors import FaststyleError
from .images import find_pictures, read_picture, save_picture, side_by_side, whole_file
from .learner import autoencoder_learner, save_style, style_learner
from .recipes import training
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
    images: int | None = None,  # photos an epoch; None: the recipe's
    minutes: float | None = None,  # train this long instead of the recipe's epochs
    resume: bool = False,  # go on with the run in `out`
    force: bool = False,  # replace the run in `out`
    seed: int = 0,
    device: str | None = None,
    quiet: bool = False,
    valid_pct: float = 0.02,
    **overrides,  # fields of recipes.Training
) -> Path:  # `out`
    "Train a style on a folder of photos and leave a complete run folder."
    started = time.time()
    plan = training(recipe, "style", **overrides)
    settings = {
        "style": str(style),
        "style_hash": digest(Path(style)),
        "recipe": recipe,
        "pretrained": str(pretrained),
        "arch": arch,
        "weights": str(weights) if weights else None,
        "images": images,
        "seed": seed,
        "plan": json.loads(json.dumps(asdict(plan))),
    }
    out = Path(out)
    _may_write(out, settings, resume, force)
    set_seed(seed)
    dls = StyleDataLoaders.from_folder(
        photos,
        size=plan.size,
        bs=plan.bs,
        images=images or plan.images,
        seed=seed,
        device=device,
        valid_pct=valid_pct,
    )
    learn = style_learner(dls, style, recipe, pretrained, arch, weights, **overrides)
    steps = len(dls.train) * plan.epochs * len(plan.schedule)
    shown = dls.valid.items[:2]
    cbs = [
        Checkpoint(out / "checkpoints", every=200, resume=resume),
        History(out / "history.csv"),
        Preview(shown, every=max(10, steps // 20), folder=out / "previews"),
    ]
    if not quiet:
        cbs.append(TimeLeft())
    files = "".join(f"{path.name} {path.stat().st_size}\n" for path in dls.train.items)
    record = {
        "settings": settings,
        "photos": {
            "folder": str(photos),
            "n": len(set(dls.train.items)),
            "hash": hashlib.sha256(files.encode()).hexdigest(),
        },
        "versions": versions(),
    }
    if not resume:
        _clear(out)
    _write_json(record, out / "run.json")
    stopped = False
    with learn.no_bar(), learn.no_logging():
        try:
            learn.fit_recipe(minutes=minutes, cbs=cbs)
        except KeyboardInterrupt:
            stopped = True
    save_style(learn, out / "model.safetensors")
    export_learner(learn, out / "model.pkl")
    plot_loss(learn, out / "loss.png")
    record["minutes"] = round((time.time() - started) / 60, 2)
    record["complete"] = not stopped
    _write_json(record, out / "run.json")
    if stopped:
        raise KeyboardInterrupt(f"stopped; what was trained so far lies in {out}")
    return out


def pretrain(
    photos: str | Path,  # a folder
    out: str | Path,  # .safetensors
    recipe: str = "fast",
    arch: str = "full",
    weights: str | Path | None = None,
    images: int | None = None,
    minutes: float | None = None,
    force: bool = False,
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
    plan = training(recipe, "autoencoder", **overrides)
    set_seed(seed)
    dls = StyleDataLoaders.from_folder(
        photos, plan.size, plan.bs, images=images or plan.images, seed=seed, device=device
    )
    learn = autoencoder_learner(dls, recipe, arch, weights, **overrides)
    with learn.no_bar(), learn.no_logging():
        learn.fit_recipe(minutes=minutes, cbs=[] if quiet else [TimeLeft()])
    return save_style(learn, out)


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
        photo = None
    train(
        folder,
        painting,
        out,
        minutes=minutes,
        force=True,
        seed=seed,
        device=device,
        quiet=quiet,
        **few,
    )
    if photo is None:
        photo = find_pictures(folder)[0][0]
    model = out / "model.safetensors"
    after = Stylizer(model, device)(photo)
    pictures = [read_picture(photo), read_picture(painting), after]
    row = side_by_side([*pictures], height=360)
    return [
        save_picture(row, out / "before-style-after.jpg"),
        save_picture(after, out / f"{Path(photo).stem}-great_wave.jpg"),
        *(out / name for name in ("model.safetensors", "model.pkl", "loss.png", "progress.gif")),
    ]


def _may_write(out, settings, resume, force):
    "See that `out` is free, may be replaced, or holds the run to go on with."
    record = out / "run.json"
    if out.exists() and not out.is_dir():
        raise FaststyleError(f"{out} is a file: -o names a folder.")
    if not record.is_file():
        return
    if not (resume or force):
        raise FaststyleError(f"{out} holds a run: --resume, --force to replace it, or another -o.")
    before = json.loads(record.read_text())["settings"]
    if resume and (changed := [k for k in settings if before.get(k) != settings[k]]):
        raise FaststyleError(
            f"{out} was trained with another {', '.join(changed)}: resume with the same "
            f"settings, or choose another -o."
        )


def _clear(out):
    "Remove an earlier run, and nothing else."
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


def versions() -> dict[str, str]:
    "What a run was made with."
    names = "fastai", "torch", "torchvision", "pillow", "safetensors"
    return {"faststyle_fastai": __version__, **{name: version(name) for name in names}}


def _write_json(value, path):
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n")
