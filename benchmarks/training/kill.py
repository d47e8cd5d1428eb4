"""Trainings that are killed again and again, compared with an undisturbed training.

    python -m benchmarks.training.kill A.jpg B.jpg --photos DIR -o RUNS [--kills 50]

`faststyle train` learns two paintings in a slim network and grows from 128 to 160 px. It gets
SIGKILL at a random moment within half the time of a training, about every other time while it
writes a checkpoint. It restarts with `--resume` until it ends. Then another training starts, until
`--kills` are used up. The weights and the history of each network must be bit-identical to those of
the undisturbed training. The cost of saving is measured on a full network at 256 px, at the default
interval of `faststyle train`.
"""

import argparse
import hashlib
import random
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from safetensors.torch import load_file

from benchmarks.report import report
from faststyle_fastai.all import Checkpoint, StyleDataLoaders, style_learner
from faststyle_fastai.training import checkpoint

EVERY = "--arch", "slim", "--crop-size", "160", "--batch-size", "2", "--images", "1200", "--quiet"
MOST = 120  # seconds to wait until a checkpoint is being written


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paintings", nargs="+")
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("-o", "--out", type=Path, required=True, help="Folder for the runs.")
    args = parser.parse_args()
    styles = [word for painting in args.paintings for word in ("--style", painting)]
    command = [sys.executable, "-m", "faststyle_fastai", "train", args.photos, *styles, *EVERY]
    rows = []
    for workers in (0, 2):
        using = [*command, "--num-workers", str(workers)]
        row = {"workers": workers} | killed(using, args.out / str(workers), args.kills // 2)
        rows.append(row)
        print(row, flush=True)
    cost = saving(args.paintings[0], args.photos, args.out / "saving")
    report("kill", rows, paintings=len(args.paintings), saving=f"{cost:.2%}")


def killed(
    command: list[str],  # a training without its -o
    out: Path,
    kills: int,
    seed: int = 0,
) -> dict:  # counts
    "Kill and resume trainings until `kills` are used up, and compare the results."
    shutil.rmtree(out, ignore_errors=True)
    began, draw = time.monotonic(), random.Random(seed)
    subprocess.run([*command, "-o", str(out / "whole")], check=True)
    seconds, wanted = time.monotonic() - began, digest(out / "whole")
    counted = dict.fromkeys(("killed", "while saving", "ended", "differ", "left behind"), 0)
    while counted["killed"] < kills:
        run = out / f"killed-{counted['ended']}"
        while True:
            training = subprocess.Popen([*command, "-o", str(run), "--resume"])
            saving = False
            if counted["killed"] < kills:
                saving = wait_to_kill(
                    training, run, draw.uniform(0, seconds / 2), draw.random() < 0.5
                )
                counted["killed"] += training.poll() is None
                counted["while saving"] += saving and training.poll() is None
                training.kill()
            if training.wait() == 0:
                break
        counted["ended"] += 1
        counted["differ"] += digest(run) != wanted
        counted["left behind"] += len([p for p in run.rglob("*") if p.name.startswith(".")])
    return counted


def wait_to_kill(training, run, seconds, for_saving):
    "Wait for the moment to kill. Returns whether a checkpoint is being written."
    end, last = time.monotonic() + seconds, time.monotonic() + seconds + MOST
    while training.poll() is None and time.monotonic() < last:
        saving = any(run.glob("checkpoints/.step-*"))
        if time.monotonic() > end and (saving or not for_saving):
            return saving
        time.sleep(0.001)
    return False


class TimedCheckpoint(Checkpoint):
    "A Checkpoint that measures the time it takes."

    def before_fit(self):
        super().before_fit()
        self.seconds, self.began = [], time.monotonic()

    def _save(self):
        began = time.monotonic()
        super()._save()
        self.seconds.append(time.monotonic() - began)

    def after_fit(self):
        self.step = (time.monotonic() - self.began - sum(self.seconds)) / self.train_iter
        super().after_fit()


def saving(painting, photos, folder):
    "The share of a training's time that checkpoints take."
    dls = StyleDataLoaders.from_folder(photos, 256, 2, images=80, max_valid=2, device="cpu")
    watch = TimedCheckpoint(folder, every=10)
    learn = style_learner(dls, painting, small=0)
    with learn.no_bar(), learn.no_logging():
        learn.fit_recipe(1, cbs=watch)
    return statistics.median(watch.seconds) / (checkpoint.EVERY * watch.step)


def digest(run):
    "A hash of a run's weights and history."
    state = sorted(load_file(run / "model.safetensors").items())
    weights = b"".join(value.numpy().tobytes() for _, value in state)
    return hashlib.sha256(weights + (run / "history.csv").read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
