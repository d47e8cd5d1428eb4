"""Painting and training beside a program that keeps one core busy.

    python -m benchmarks.core.busy PHOTOS PHOTO PAINTING [--minutes 0.4]

Each row is a process of its own: with PyTorch's own way to wait for threads, as the package sets
it, and with one thread less. Seconds are the fastest of five, at 512 px.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from multiprocessing import Process
from pathlib import Path

from benchmarks.report import cpu, report

WAYS = {
    "PyTorch's own": {"GOMP_SPINCOUNT": "300000"},  # GNU OpenMP's, with a core for each thread
    "as it is": {},
    "a thread less": {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 2) - 1))},
}
PAINT = """
import json, sys, time
from faststyle_fastai.all import Stylizer, read_picture, to_picture, to_tensor
from faststyle_fastai.images.sizes import resize_short
photo = to_picture(resize_short(to_tensor(read_picture(sys.argv[1])), 512))
def fastest(style):
    paint, found = Stylizer(style), []
    for _ in range(6):
        begun = time.perf_counter()
        paint(photo)
        found.append(time.perf_counter() - begun)
    return min(found[1:])
print(json.dumps([fastest("udnie"), fastest(sys.argv[2])]))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("photos", "photo", "painting"):
        parser.add_argument(name, metavar=name.upper())
    parser.add_argument("--minutes", type=float, default=0.4)
    args = parser.parse_args()
    rows = []
    for busy in (False, True):
        for name, how in WAYS.items():
            other = Process(target=forever, daemon=True)
            if busy:
                other.start()
            rows.append({"": name, "one core busy": busy, **measured(args, os.environ | how)})
            if busy:
                other.kill()
            print(rows[-1], flush=True)
    report("busy", rows, cpu=cpu(), minutes=args.minutes)


def forever():
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    while True:
        pass


def measured(args, environment):
    def run(*command):
        said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return said.stdout

    network, sight = json.loads(run(sys.executable, "-c", PAINT, args.photo, args.painting))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run")
        run(
            *(sys.executable, "-m", "faststyle_fastai", "train", args.photos, "--quiet"),
            *("--style", args.painting, "-o", out, "--minutes", str(args.minutes)),
        )
        steps = max(int(each.name[5:]) for each in (out / "checkpoints").glob("step-*"))
        with open(out / "history.csv") as file:
            loss = float(list(csv.DictReader(file))[-1]["train_loss"])
    return {"network, s": network, "at sight, s": sight, "steps": steps, "loss": loss}


if __name__ == "__main__":
    main()
