"The files of a run folder, and checks before writing them."

import hashlib
import json
import os
import shutil
import time
import warnings
from glob import escape
from pathlib import Path
from typing import Any

from fastai.learner import Learner
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from ..core.assets import ASSETS, MODEL, builtin_path
from ..core.atomic import LONGEST, atomic_write, best_effort_write, write_first
from ..core.errors import FaststyleError
from ..core.provenance import write_json
from ..inference.builtin import NETWORKS
from ..models.metadata import check_names
from ..models.stylefile import save_style

NUMBER = int, float
HEX = "[0-9a-f]"
KINDS: dict[str, Any] = {  # of what is read back from run.json
    "added": dict,
    "names": list,
    "style_hash": list,
    "spent": NUMBER,
    "photos": str,
    "minutes": (*NUMBER, type(None)),
    "valid_pct": NUMBER,
    "seed": int,
    "plan": dict,
    "size": int,
    "bs": int,
    "images": (int, type(None)),
    "epochs": int,
}


def run_or_file(path: str | Path) -> Path:
    "The run folder of a path to its network; another path is returned unchanged."
    path = Path(path)
    if str(path) in NETWORKS and not path.exists():
        return builtin_path("gallery", NETWORKS[str(path)])
    return path.parent if path.name == MODEL and record_of(path.parent) else path


def to_write(run: str | Path, out: str | Path | None) -> Path:
    "The run folder or file that a style is added to, as `run_or_file` returns it."
    path = run_or_file(out or run)
    if path.parent == ASSETS:
        raise FaststyleError(f"{path.name} comes with faststyle and stays as it is: give -o FILE.")
    return path


def record_of(out):
    "Read run.json of the run in `out`; None if there is no run."
    if not (file := out / "run.json").is_file():
        return None
    try:
        record = json.loads(file.read_text())
        settings = record["settings"]
        said = {"style_hash": [], "spent": record.get("minutes", 0.0)}
        said |= record | settings | settings["plan"]
        if not all(isinstance(said[name], kinds) for name, kinds in KINDS.items()):
            raise TypeError
        check_names(settings["names"])  # --overwrite removes the files that are named after them
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise FaststyleError(f"{file} is damaged: delete it, or choose another folder.") from None
    return record


def paintings_of(record):
    "The hashes of a run's paintings: the original ones, then those added."
    return record["settings"].get("style_hash", []) + list(record["added"].values())


def may_write(out, resume, force):
    "Check that `out` has no conflicting files, or is a run to resume or replace."
    if out.suffix == ".safetensors":
        raise ValueError(f"{out}: a run is a folder. Drop {out.suffix} from its name.")
    if out.exists() and not out.is_dir():
        raise FaststyleError(f"{out} is a file: choose a folder for -o.")
    there = [path.name for path in (*_files(out), *_folders(out)) if path.exists()]
    if "run.json" in there:
        if not (resume or force):
            raise FaststyleError(
                f"{out} contains a run: use --resume, --overwrite to replace it, or another -o."
            )
    elif there:
        raise FaststyleError(f"{out} contains {there[0]} but no run: choose another -o.")


def same_run(out, settings, trained):
    """Check that the run to resume was started with the same settings; file paths may differ.

    One that has `trained` needs its checkpoints: without them, it would replace its network.

    More minutes or epochs, whichever it was started with, extend a finished run.
    """
    if not (record := record_of(out)):
        return
    if record["added"]:
        names = ", ".join(record["added"])
        raise FaststyleError(
            f"{out} has the added style {names}, which --resume would lose: choose another -o."
        )
    before, now = ({**each, **each["plan"]} for each in (record["settings"], settings))
    old, new = (", ".join(each["names"]) for each in (before, now))
    if old != new:
        raise FaststyleError(f"{out} was trained on the style {old}, not {new}: choose another -o.")
    for name in ("minutes", "epochs"):
        was, wanted = before[name], now[name]
        if (was is None) != (wanted is None) or (was or 0) > (wanted or 0):
            raise FaststyleError(
                f"{out} was trained with {name}={was}, not {wanted}: give the same value, or more."
            )
    told = dict.fromkeys([*now, "keyframes"])  # which only trainings on them have
    free = "style", "photos", "minutes", "epochs", "plan"
    if changed := [k for k in told if k not in free and before.get(k) != now.get(k)]:
        if changed == ["photos_hash"]:
            warnings.warn(
                f"{settings['photos']} has changed since {out} was started. The training resumes "
                f"with the current photos, and will not end as without the interruption.",
                stacklevel=3,
            )
        elif changed == ["style_hash"]:
            hashes = zip(settings["names"], before.get("style_hash", []), settings["style_hash"])
            names = ", ".join(name for name, was, now in hashes if was != now)
            raise FaststyleError(
                f"The painting of {names} has changed since {out} was started: restore it, or "
                f"choose another -o."
            )
        else:
            names = ", ".join(key.removesuffix("_hash") for key in changed)
            raise FaststyleError(
                f"{out} was trained with different settings ({names}): resume with the same ones, "
                f"or choose another -o."
            )
    if trained and not any((out / "checkpoints").glob("step-*")):
        raise FaststyleError(
            f"{out} has no checkpoints to resume from: choose another -o, or use --overwrite."
        )


def prepare(out, resume, record):
    "Prepare the folder of a new or resumed run."
    sweep(out)
    if not resume:
        clear(out)
    write_json(record, out / "run.json")


def finish(learn, out, record, started, give_way):
    "Write the results of a run; its minutes include those before a resume."
    if record["complete"]:  # else they are needed
        give_way = {**give_way, "checkpoints": lambda: [out / "checkpoints"]}
    write_first(give_way, save_style, learn, out / MODEL)
    record["minutes"] = round(record["minutes"] + (time.monotonic() - started) / 60, 3)
    write_first(give_way, write_json, record, out / "run.json")
    write_first(give_way, export_learner, learn, out / "model.pkl")
    best_effort_write(plot_loss, learn, out / "loss.png")


def clear(out):
    "Remove the run that --overwrite replaces, and no other files."
    for file in _files(out):
        file.unlink(missing_ok=True)
    for folder in _folders(out):
        shutil.rmtree(folder, ignore_errors=True)


def sweep(out):
    "Remove the half-written files of a killed run, see `atomic.new_beside`, and no other files."
    folders = [folder for folder in _folders(out) if not folder.is_symlink()]
    left = [path for folder in folders for path in folder.rglob(f".*-{HEX}*")]
    for file in _files(out):
        left += out.glob(f".{escape(file.stem)}-{HEX * 12}{escape(file.suffix)}")
    for path in left:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _files(out):
    names = ["run.json", "history.csv", "loss.png", MODEL, "model.pkl"]
    record = record_of(out)
    styles = record["settings"]["names"] if record else []
    names += ["progress.gif", *(f"progress-{style}.gif" for style in styles)]
    return [out / name for name in names if len(os.fsencode(name)) <= LONGEST]


def _folders(out):
    return [out / "checkpoints", out / "previews"]


def export_learner(learn: Learner, path: Path) -> None:
    "Run `learn.export` atomically."
    try:
        with atomic_write(path) as temporary:
            learn.export(temporary.resolve())
    except (OSError, RuntimeError) as error:  # torch does not say that a disk is full
        why = getattr(error, "strerror", None) or "is the disk full?"
        told = f"{path} cannot be written ({why}). The network is in {MODEL}."
        raise FaststyleError(told) from error


class Plain(LogFormatter):
    "Labels of a logarithmic axis without powers: 0.8, not 8 x 10^-1."

    def __call__(self, x, pos=None):
        return f"{x:g}" if super().__call__(x, pos) else ""


def plot_loss(learn: Learner, path: Path) -> None:
    "Plot the training loss of each step and the validation loss of each epoch."
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    recorder = learn.recorder
    axes.plot([float(loss) for loss in recorder.losses], label="training")
    names = list(recorder.metric_names[1:-1])
    held_out = [row[names.index("valid_loss")] for row in recorder.values if len(row) == len(names)]
    label = f"validation, at the end: {held_out[0]:.3g}" if len(held_out) == 1 else "validation"
    axes.plot(recorder.iters[: len(held_out)], held_out, "o-", label=label)
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    axes.yaxis.set(major_formatter=Plain(), minor_formatter=Plain())
    axes.legend()
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120)


def photos_hash(dls) -> str:
    "Hash the names and sizes of all photos in use."
    files = "".join(f"{path.name} {path.stat().st_size}\n" for path in sorted(dls.photos))
    return hashlib.sha256(files.encode()).hexdigest()
