"""What many styles cost in memory: a painting process's peak with 1 style and with 32.

    python -m benchmarks.memory [--size 1024]

Each figure is the median over fresh processes of the peak resident memory (Linux), beyond what
Python and the libraries take before the network is there.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from PIL import Image

from benchmarks.report import fresh, peak, report
from faststyle_fastai.all import Stylizer, TransformerNet
from faststyle_fastai.stylefile import write_style

STYLES, ROUNDS = (1, 32), 5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1024, help="the picture's side, px")
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
    "A file of a network of n styles."
    path = Path(folder) / f"{n}.safetensors"
    card = {"arch": "full", "styles": [f"style{i}" for i in range(n)], "size": 256}
    card |= {"recipe": "fast", "base": ""}
    write_style(TransformerNet(n).state_dict(), card, path)
    return path


def peak_of(file, size):
    "MB that one network and one picture painted add to the peak of this process."
    before, picture = peak(), Image.effect_noise((size, size), 64)
    Stylizer(file)(picture)
    return peak() - before


if __name__ == "__main__":
    main()
