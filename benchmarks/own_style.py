"""A style of your own in minutes: what `faststyle train` reaches with nothing but what ships.

    python -m benchmarks.own_style A.jpg B.jpg … --photos DIR --backbone vgg19 --weights FILE \\
        [--show PHOTO] -o RUNS

Each painting, none of them in the gallery, is trained as each row of SETTINGS says; all are
measured under the yardstick on held-out photos. L-BFGS, with which it compares, hardly moves on
some photos; with a line search it is the sterner judge, whose figures are shown painting by
painting too. Minutes are those from the call to the last file. RUNS/NAME.png is what becomes of
PHOTO. RUNS keeps the runs and what L-BFGS reached: what is there is not made again.
"""

import json
import statistics
from pathlib import Path

from benchmarks.many_styles import run_once
from benchmarks.report import arguments, held_out, iterations, report
from faststyle_fastai.all import (
    Stylizer,
    evaluate_style,
    lbfgs,
    mean_curve,
    perceptual_backbone,
    read_picture,
    resize_short,
    save_picture,
    side_by_side,
    to_tensor,
    worth,
    yardstick,
)

SETTINGS = {  # a tenth of a minute is left for the start and the last files
    "full, 90 seconds": {"minutes": 1.4},
    "full, 5 minutes": {"minutes": 4.9},
    "full, 10 minutes": {"minutes": 9.9},
    "light, 3 minutes": {"minutes": 2.9, "arch": "light"},
}
SIZES = {256: 8, 512: 3}  # px -> how many of the held-out photos
MOST = 20  # iterations of L-BFGS
SEARCH = {"steps of one": False, "line search": True}  # how it steps


def main():
    parser = arguments(__doc__)
    parser.add_argument("paintings", nargs="+", type=Path)
    parser.add_argument("--show", help="a photo to look at")
    parser.add_argument("-o", "--out", type=Path, required=True, help="a folder for the runs")
    args = parser.parse_args()
    runs, minutes = {name: [] for name in SETTINGS}, {name: [] for name in SETTINGS}
    for painting in args.paintings:
        for name, settings in SETTINGS.items():
            out = args.out / f"{painting.stem}-{name.replace(', ', '-').replace(' ', '-')}"
            record = run_once(args.photos, [painting], out, **settings)
            runs[name].append(out)
            minutes[name].append(record["minutes"])
        if args.show:
            pictures = [read_picture(args.show)]
            pictures += [Stylizer(found[-1])(args.show) for found in runs.values()]
            save_picture(side_by_side(pictures), args.out / f"{painting.stem}.png")
    photos = held_out(record["settings"], args.photos, max(SIZES.values()))
    backbone = perceptual_backbone(args.backbone, args.weights)
    nets = {(size, name): [] for size in SIZES for name in SETTINGS}
    for i, painting in enumerate(args.paintings):
        loss = yardstick(backbone, painting)
        for size, count in SIZES.items():
            shown = photos[:count]
            curves = {
                kind: optimised(
                    loss, shown, size, args.out / f"{painting.stem}-{size}-{kind}", search
                )
                for kind, search in SEARCH.items()
            }
            for name, found in runs.items():
                net = evaluate_style(Stylizer(found[i]).paint, shown, loss, size, iterations=0)[0]
                net = net["network"]
                net["worth"] = {kind: worth(net["total"], curve) for kind, curve in curves.items()}
                nets[size, name].append(net)
    rows = []
    for (size, name), found in nets.items():
        row = {"network, training": name, "minutes": round(statistics.mean(minutes[name]), 1)}
        row["photos, px"] = size
        for part in ("content", "style", "total"):
            row[part] = round(statistics.mean(net[part] for net in found), 3)
        each = {kind: [net["worth"][kind] for net in found] for kind in SEARCH}
        row["worth, iterations"] = iterations(each["steps of one"], MOST)
        row["with a line search"] = iterations(each["line search"], MOST)
        row["so of each"] = " ".join(iterations([worth], MOST) for worth in each["line search"])
        rows.append(row)
    names = " ".join(painting.stem for painting in args.paintings)
    report("own_style", rows, paintings=names, yardstick=args.backbone)


def optimised(loss, photos, size, kept, search):
    "The mean over photos of the best loss after 0, 1, 2, … iterations of L-BFGS."
    if not kept.exists():
        pictures = [resize_short(to_tensor(read_picture(photo)), size) for photo in photos]
        kept.write_text(json.dumps([lbfgs(loss, x, MOST, search)[1] for x in pictures]))
    return mean_curve(json.loads(kept.read_text()))


if __name__ == "__main__":
    main()
