"""Optimizing pixels from a trained network's image, compared with the photo and gray noise.

    python -m benchmarks.optimization.inits --pair PHOTO PAINTING STYLE \\
        [--pair …] -o PICTURES [--px 512]

STYLE is PAINTING's built-in style or model file. The recipe `neighbors` runs at one size, with
L-BFGS (`wolfe`) and with Adam. The target is the loss after 50 iterations from the photo, or after
250 with Adam. PICTURES gets PHOTO-STYLE-OPTIMIZER.png: the photo, the painting, the network's
image, then the image at the target from each start.
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

TARGETS = {"wolfe": 50, "adam": 250}  # iterations from the photo
MOST = 4  # times as many iterations before giving up


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pair", nargs=3, action="append", required=True)
    parser.add_argument("--px", type=int, default=512, help="Longer side in px.")
    parser.add_argument("-o", "--out", type=Path, required=True, help="Folder for the images.")
    args = parser.parse_args()
    rows = []
    for optimizer in TARGETS:
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
    "Iterations and seconds from each start to the target."
    plan = {"optimizer": optimizer, "min_scale": args.px, "end_scale": args.px}
    most = TARGETS[optimizer]
    target = reached(photo, painting, init="content", initial_iterations=most, **plan)[1][-1].loss
    row, found = [read_picture(photo), read_picture(painting), Stylizer(style)(photo)], {}
    shown = list(row)
    for init in ("content", "gray", f"stylized:{style}"):
        named, start = init.partition(":")[0], row[-1] if init.startswith("stylized") else None
        how = plan | ({} if start else {"init": init})
        picture, seen = reached(
            photo, painting, target, start, initial_iterations=MOST * most, **how
        )
        shown.append(picture)
        many = f"{'> ' * (seen[-1].loss > target)}{len(seen)}"
        facts = {"iterations": many, "seconds": sum(one.seconds for one in seen)}
        found[named] = facts | {"loss at first": seen[0].loss / target}
    name = f"{Path(photo).stem}-{Path(style).stem}-{optimizer}"
    save_picture(side_by_side(shown), args.out / f"{name}.png")
    print(name, found, flush=True)
    return found


def optimizer(photo, painting, start, plan):
    settings = optimization_plan("neighbors", **plan)
    return PixelOptimizer(photo, painting, None, settings, start=start)


def reached(photo, painting, target=0.0, start=None, **plan):
    "The image and the iterates of an optimization that stops at the loss `target`."
    work, seen = optimizer(photo, painting, start, plan), []
    for iterate in work:
        seen.append(iterate)
        if iterate.loss <= target:
            break
    return to_picture(work.picture()), seen


if __name__ == "__main__":
    main()
