"""How much memory many styles cost: the peak of a painting process with 1 style and with 32.

    python -m benchmarks.models.memory [--size 1024]

Each figure is the median over new processes. It is the peak resident memory (Linux) beyond that of
Python and the libraries.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from PIL import Image

from benchmarks.report import fresh, measured, report
from faststyle_fastai.all import Stylizer, TransformerNet
from faststyle_fastai.models.stylefile import write_style

STYLES, ROUNDS = (1, 32), 5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1024, help="Side of the image in px.")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = {n: network(n, folder) for n in STYLES}
        peaks = [
            {n: fresh(peak_of, file, args.size) for n, file in files.items()} for _ in range(ROUNDS)
        ]
    median = {n: statistics.median(peak[n] for peak in peaks) for n in STYLES}
    rows = [
        {"styles": n, "peak, MB": round(peak), "ratio": f"{peak / median[1]:.3f}x"}
        for n, peak in median.items()
    ]
    report("memory", rows, size=args.size, rounds=ROUNDS)


def network(n, folder):
    "Write a network of n styles to a file."
    path = Path(folder) / f"{n}.safetensors"
    card = {"arch": "full", "styles": [f"style{i}" for i in range(n)], "size": 256}
    card |= {"recipe": "fast", "base": ""}
    write_style(TransformerNet(n).state_dict(), card, path)
    return path


def peak_of(file, size):
    "MB that a network and one painted image add to the peak of this process."
    return measured(lambda: Stylizer(file)(Image.effect_noise((size, size), 64)))[1]


if __name__ == "__main__":
    main()
