"""A large image painted in tiles, compared with the same image painted whole.

    python -m benchmarks.inference.tiles PHOTO [PHOTO …]

Each photo is enlarged to 3072 px. The table shows the time relative to the whole image, and the
mean and the largest difference, out of 255. The normalization statistics are those of a sample
(`--tile`) or of all tiles (`--exact`). Both run in float32 and in the processor's default
precision.
"""

import argparse
import time

import numpy as np

from benchmarks.report import report
from faststyle_fastai.all import Stylizer, read_picture
from faststyle_fastai.images.shapes import short_shape

STYLES, LONG, SIDE = ("great_wave", "the_scream", "mondrian"), 3072, 512


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+")
    args = parser.parse_args()
    found = {}
    for photo, style in zip(args.photos, STYLES):
        picture = read_picture(photo)
        height, width = short_shape(
            picture.size[::-1], LONG * min(picture.size) // max(picture.size)
        )
        picture = picture.resize((width, height))
        for precision in ("float32", "auto"):
            paint = Stylizer(style, precision=precision)
            whole, seconds = timed(paint, picture, tile=None)
            for exact in (False, True):
                tiled, took = timed(paint, picture, tile=SIDE, exact=exact)
                off = np.abs(whole - tiled)
                found.setdefault((precision, exact), []).append(
                    (took / seconds, off.mean(), off.max())
                )
    rows = []
    for (precision, exact), values in found.items():
        ratio, mean, most = np.array(values).T
        row = {"statistics of": "all tiles" if exact else "a sample"}
        row["arithmetic"] = precision if precision == "float32" else "its own"
        row |= {"time of the whole": f"{ratio.mean():.2f}x"}
        rows.append(row | {"off, mean": float(mean.mean()), "off, most": int(most.max())})
    report("tiles", rows, long_side=LONG, tile=SIDE, styles=STYLES[: len(args.photos)])


def timed(paint, picture, **how):
    began = time.perf_counter()
    painted = paint(picture, stroke="finest", **how)
    return np.asarray(painted).astype(int), time.perf_counter() - began


if __name__ == "__main__":
    main()
