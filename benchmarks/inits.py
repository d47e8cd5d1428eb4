"""Pixels optimised from what a trained network paints, against from the photo and from noise.

    python -m benchmarks.inits --pair PHOTO PAINTING STYLE [--pair …] -o PICTURES [--px 512]

STYLE is the gallery's name, or the model file, of PAINTING. Recipe `fast`, all at one size, with
its own optimizer and with Adam. The mark is the loss that each has after 50 or 250 iterations from
the photo. PICTURES gets PHOTO-STYLE-OPTIMIZER.png: the photo, the painting, the network's picture,
then those at the mark, from each start.
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

MARKS = {"wolfe": 50, "adam": 250}  # iterations
MOST = 4  # times as many


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pair", nargs=3, action="append", required=True)
    parser.add_argument("--px", type=int, default=512, help="of the longer side")
    parser.add_argument("-o", "--out", type=Path, required=True, help="a folder")
    args = parser.parse_args()
    rows = []
    for optimizer in MARKS:
        found = {}
        for pair in args.pair:
            for start, facts in compared(*pair, optimizer, args).items():
                found.setdefault(start, []).append(facts)
        for start, seen in found.items():
            row = {"optimizer": optimizer, "start": start}
            row |= {
                k: statistics.mean(one[k] for one in seen) for k in ("loss at first", "seconds")
            }
            rows.append(row | {"iterations": " ".join(one["iterations"] for one in seen)})
    report("inits", rows, px=args.px, pairs=[f"{Path(p).stem}, {s}" for p, _, s in args.pair])


def compared(photo, painting, style, optimizer, args):
    "What each start takes to the mark."
    plan = {"optimizer": optimizer, "min_scale": args.px, "end_scale": args.px}
    most = MARKS[optimizer]
    mark = reached(photo, painting, init="content", initial_iterations=most, **plan)[1][-1].loss
    row, found = [read_picture(photo), read_picture(painting), Stylizer(style)(photo)], {}
    for init in ("content", "gray", f"stylized:{style}"):
        picture, seen = reached(
            photo, painting, mark, init=init, initial_iterations=MOST * most, **plan
        )
        row.append(picture)
        many = f"{'> ' * (seen[-1].loss > mark)}{len(seen)}"
        facts = {"iterations": many, "seconds": sum(one.seconds for one in seen)}
        found[init.partition(":")[0]] = facts | {"loss at first": seen[0].loss / mark}
    name = f"{Path(photo).stem}-{Path(style).stem}-{optimizer}"
    save_picture(side_by_side(row), args.out / f"{name}.png")
    print(name, found, flush=True)
    return found


def reached(photo, painting, mark=0.0, **plan):
    "The picture and the iterates of an optimisation until its loss is at `mark`."
    work, seen = PixelOptimizer(photo, painting, None, optimization_plan("fast", **plan)), []
    for iterate in work:
        seen.append(iterate)
        if iterate.loss <= mark:
            break
    return to_picture(work.picture()), seen


if __name__ == "__main__":
    main()
