"""How well opposite edges meet, with and without `--seamless`.

    python -m benchmarks.inference.seams PHOTO

The photo and its mirror images make a texture that repeats. The table shows the difference between
its opposite edges once it is painted, in units of that between neighboring pixels beside them, so
that 1 is no seam.
"""

import argparse

import numpy as np
from PIL import Image, ImageOps

from benchmarks.report import report
from faststyle_fastai.all import Stylizer, read_picture, seamless

STYLES, SIDE = ("starry_night", "the_scream", "mondrian"), 256


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo")
    picture, rows = texture(parser.parse_args().photo), []
    for style in STYLES:
        paint = Stylizer(style)
        rows.append({"style": style, "without": max(seams(paint(picture)))})
        rows[-1]["seamless"] = max(seams(seamless(paint, picture)))
    report("seams", rows)


def texture(photo):
    "The photo mirrored to the right and down, and moved so that its seams are not at an edge."
    a = np.asarray(ImageOps.fit(read_picture(photo), (SIDE, SIDE)))
    a = np.concatenate([a, a[:, ::-1]], 1)
    a = np.concatenate([a, a[::-1]])
    return Image.fromarray(np.roll(a, (SIDE // 2, SIDE // 2), (0, 1)))


def seams(picture):
    "The seams of an image: left and right, top and bottom."
    found = []
    for a in (np.asarray(picture, float), np.asarray(picture, float).swapaxes(0, 1)):
        steps = [np.abs(a[:, i] - a[:, j]).mean() for i, j in ((0, 1), (-2, -1))]
        found.append(np.abs(a[:, 0] - a[:, -1]).mean() / np.mean(steps))
    return found


if __name__ == "__main__":
    main()
