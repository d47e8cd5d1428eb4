"""Pixels optimised from what a trained network paints, against from the photo and from noise.

    python -m benchmarks.inits --pair PHOTO PAINTING STYLE [--pair …] -o PICTURES [--px 512]

STYLE is the gallery's name, or the model file, of PAINTING. The mark is the loss that recipe `fast`
has after 50 iterations from the photo, all at one size. PICTURES gets PHOTO-STYLE.png: the photo,
the painting, the network's picture, then the marks' from each start.
"""

import argparse
import statistics
from pathlib import Path

from benchmarks.report import report
from faststyle_fastai.all import (
    PixelOptimizer,
    Stylizer,
    optimization_plan,
    read_picture,
    save_picture,
    side_by_side,
    to_picture,
)

MARK, MOST = 50, 200  # iterations


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pair", nargs=3, action="append", required=True)
    parser.add_argument("--px", type=int, default=512, help="of the longer side")
    parser.add_argument("-o", "--out", type=Path, required=True, help="a folder")
    args = parser.parse_args()
    found = {}
    for photo, painting, style in args.pair:
        mark = reached(photo, painting, "content", args.px, iterations=MARK)[1][-1].loss
        row = [read_picture(photo), read_picture(painting), Stylizer(style)(photo)]
        for init in ("content", "gray", f"stylized:{style}"):
            picture, seen = reached(photo, painting, init, args.px, mark)
            row.append(picture)
            kind, facts = init.partition(":")[0], {"loss at first": seen[0].loss / mark}
            facts |= {"iterations": len(seen), "seconds": sum(one.seconds for one in seen)}
            found.setdefault(kind, []).append(facts)
            print(photo, style, init, facts, flush=True)
        save_picture(side_by_side(row), args.out / f"{Path(photo).stem}-{Path(style).stem}.png")
    rows = [
        {"start": kind} | {k: statistics.mean(one[k] for one in seen) for k in seen[0]}
        for kind, seen in found.items()
    ]
    report("inits", rows, px=args.px, pairs=len(args.pair))


def reached(photo, painting, init, px, mark=0.0, iterations=MOST):
    "The picture and the iterates of an optimisation until its loss is at `mark`."
    plan = optimization_plan(
        "fast", init=init, min_scale=px, end_scale=px, initial_iterations=iterations
    )
    work, seen = PixelOptimizer(photo, painting, None, plan, device="cpu"), []
    for iterate in work:
        seen.append(iterate)
        if iterate.loss <= mark:
            break
    return to_picture(work.picture()), seen


if __name__ == "__main__":
    main()
