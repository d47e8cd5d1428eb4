"""The light distribution beside the full one: megabytes, seconds from the shell, differences.

    python -m benchmarks.cli.light PHOTO PAINTING

Its wheel is built and installed into a virtual environment of its own, with what it needs. Seconds
are the fastest of three; pictures are compared in float32, at the 99th percentile.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.report import cpu, report
from faststyle_fastai.all import read_picture

ROOT = Path(__file__).parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("painting", type=Path)
    args = parser.parse_args()
    with TemporaryDirectory() as scratch:
        folder, python = Path(scratch), Path(scratch) / "venv" / "bin" / "python"
        run(sys.executable, ROOT / "tools" / "make_light.py", folder)
        (wheel,) = folder.glob("*.whl")
        run(sys.executable, "-m", "venv", folder / "venv")
        before = megabytes(folder / "venv")
        run(python, "-m", "pip", "install", "-q", wheel)
        installed = megabytes(folder / "venv") - before
        rows = [
            row(python, name, [args.photo.resolve(), "--style", style], folder)
            for name, style in (("built-in", "the_scream"), ("at sight", args.painting.resolve()))
        ]
        sizes = {
            "wheel, MB": round(wheel.stat().st_size / 1e6, 1),
            "installed, MB": round(installed),
        }
    report("light", rows, cpu=cpu(), **sizes)


def row(python, name, words, folder):
    "One way to paint, by both distributions."
    ours, theirs = folder / "light.png", folder / "full.png"
    seconds = fastest(python, "-m", "faststyle", "stylize", *words, "-o", ours)
    full = [sys.executable, "-m", "faststyle_fastai", "stylize", *words, "--quiet", "-o", theirs]
    os.environ["FASTSTYLE_PRECISION"] = "float32"
    slower = fastest(*full)
    a, b = (np.asarray(read_picture(file), int) for file in (ours, theirs))
    apart = float(np.percentile(np.abs(a - b), 99))
    return {"": name, "light, s": seconds, "full, s": slower, "apart, of 255": apart}


def fastest(*call):
    found = []
    for _ in range(3):
        begun = time.perf_counter()
        run(*call, "--overwrite")
        found.append(time.perf_counter() - begun)
    return min(found)


def run(*call):
    subprocess.run(call, check=True, cwd="/")


def megabytes(folder):
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    main()
