"What lies in a run folder besides the network, and who may write it."

import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path

from fastai.learner import Learner
from matplotlib.figure import Figure

from . import __version__
from .download import download, is_address
from .errors import FaststyleError
from .files import whole_file


def record_of(out):
    "What run.json says of the run in `out`; None when it holds none."
    if not (file := out / "run.json").is_file():
        return None
    record = json.loads(file.read_text())
    if "names" not in record["settings"]:
        raise FaststyleError(f"{out} holds a run of an earlier version: choose another folder.")
    return record


def paintings_of(record):
    "The hash of each of a run's paintings: of those it was begun with and those added."
    return record["settings"]["style_hash"] + list(record["added"].values())


def may_write(out, resume, force):
    "See that `out` is free of what a run writes, or is a run to resume or replace."
    if out.exists() and not out.is_dir():
        raise FaststyleError(f"{out} is a file: -o names a folder.")
    there = [path.name for path in (*_files(out), *_folders(out)) if path.exists()]
    if "run.json" in there:
        if not (resume or force):
            raise FaststyleError(
                f"{out} holds a run: --resume, --force to replace it, or another -o."
            )
    elif there:
        raise FaststyleError(f"{out} holds {there[0]} of something else: choose another -o.")


def may_write_file(out, force, suffix=".safetensors"):
    "See that `out` can become a network's file."
    if out.suffix != suffix:
        raise ValueError(f"{out}: this file ends in {suffix}.")
    if out.exists() and not force:
        raise FaststyleError(f"{out} exists: --force to replace it, or another name.")


def not_among(photos, out):
    "See that a run's own pictures do not become photos to train on."
    if Path(photos).resolve() in (out.resolve(), *out.resolve().parents):
        raise FaststyleError(f"{out} lies among the photos in {photos}: choose another -o.")


def same_run(out, settings):
    """See that the run to resume was begun with the same settings, wherever the files lie.

    It may be longer, in the measure that it had: so a run that has ended goes on.
    """
    if not (record := record_of(out)):
        return
    if record["added"]:
        names = ", ".join(record["added"])
        raise FaststyleError(f"{out} has the added style {names}, which a resume would lose.")
    before = record["settings"]
    old, new = (", ".join(s["names"]) for s in (before, settings))
    if old != new:
        raise FaststyleError(f"{out} was trained on the style {old}, not {new}: choose another -o.")
    for name, was, now in (
        ("minutes", before["minutes"], settings["minutes"]),
        ("epochs", before["plan"]["epochs"], settings["plan"]["epochs"]),
    ):
        if (was is None) != (now is None) or (was or 0) > (now or 0):
            raise FaststyleError(
                f"{out} was trained for {name} {was}, not {now}: as long, or longer."
            )
    old, new = ({**s["plan"], "epochs": None} for s in (before, settings))
    compared = [key for key in settings if key not in ("style", "photos", "minutes", "plan")]
    changed = [key for key in compared if before.get(key) != settings[key]]
    if changed := changed + [
        key for key in new if json.dumps(old.get(key)) != json.dumps(new[key])
    ]:
        names = ", ".join(key.removesuffix("_hash") for key in changed)
        raise FaststyleError(
            f"{out} was trained with another {names}: resume with the same settings, or choose "
            f"another -o."
        )


def clear(out):
    "Remove the run that --force replaces, and nothing else."
    for file in _files(out):
        file.unlink(missing_ok=True)
    for folder in _folders(out):
        shutil.rmtree(folder, ignore_errors=True)


def sweep(out):
    "Remove what a run that was killed left half-written, and nothing of anybody else's."
    left = [path for folder in _folders(out) for path in folder.rglob(".*-[0-9]*")]
    left += [path for f in _files(out) for path in out.glob(f".{f.stem}-[0-9]*{f.suffix}")]
    for path in left:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _files(out):
    names = ["run.json", "history.csv", "loss.png", "model.safetensors", "model.pkl"]
    record = record_of(out)
    styles = record["settings"]["names"] if record else []
    films = ["progress", *(f"progress-{style}" for style in styles)]
    names += [f"{film}{suffix}" for film in films for suffix in (".gif", ".mp4")]
    return [out / name for name in names]


def _folders(out):
    return [out / "checkpoints", out / "previews"]


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


def digest(source: str | Path) -> str:
    "Of a file, or of what lies at an address: SHA-256."
    if is_address(source):
        return hashlib.sha256(download(source)).hexdigest()
    if not Path(source).is_file():
        raise FileNotFoundError(f"no picture {source}.")
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()


def photos_hash(dls) -> str:
    "Of the names and sizes of all photos in use."
    files = "".join(f"{path.name} {path.stat().st_size}\n" for path in sorted(dls.photos))
    return hashlib.sha256(files.encode()).hexdigest()


def versions() -> dict[str, str]:
    "What a run was made with."
    names = "fastai", "torch", "torchvision", "pillow", "safetensors"
    return {"faststyle_fastai": __version__, **{name: version(name) for name in names}}


def write_json(value, path: Path):
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n")
