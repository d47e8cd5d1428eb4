"""A style of your own in minutes: what `faststyle train` reaches with nothing but what ships.

    python -m benchmarks.own_style A.jpg B.jpg … --photos DIR --backbone vgg19 --weights FILE \\
        [--show PHOTO] -o RUNS

Each painting, none of them in the gallery, is trained as each row of SETTINGS says; all are
measured under the yardstick on held-out photos. "Without line search" compares with L-BFGS as it
is often written, which on some photos hardly moves. Minutes are those from the call to the last
file. RUNS/NAME.png is what becomes of PHOTO. RUNS keeps the runs and what L-BFGS reached: what is
there is not made again.
"""

import json
import statistics
from pathlib import Path

import torch

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
                kind: optimised(run, loss, shown, size, args.out / f"{painting.stem}-{size}-{kind}")
                for kind, run in OPTIMISERS.items()
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
        each = {kind: [net["worth"][kind] for net in found] for kind in OPTIMISERS}
        row["worth, iterations"] = iterations(each["line search"], MOST)
        row["of each"] = " ".join(iterations([worth], MOST) for worth in each["line search"])
        row["without line search"] = iterations(each["steps of one"], MOST)
        rows.append(row)
    names = " ".join(painting.stem for painting in args.paintings)
    report("own_style", rows, paintings=names, yardstick=args.backbone)


def steps_of_one(loss, photo, iterations):
    "L-BFGS as it is often written: no line search, the picture clamped behind its back."
    x = photo.clone().requires_grad_()
    opt, curve = torch.optim.LBFGS([x], lr=1, max_iter=1, history_size=20), []

    def closure():
        opt.zero_grad()
        total = loss(x, photo)
        total.backward()
        return total

    for _ in range(iterations + 1):  # a step returns the loss it began with
        curve.append(opt.step(closure).item())
        x.data.clamp_(0, 1)
    return x.detach(), curve


OPTIMISERS = {"line search": lbfgs, "steps of one": steps_of_one}


def optimised(run, loss, photos, size, kept):
    "The mean over photos of the best loss after 0, 1, 2, … iterations of `run`."
    if not kept.exists():
        pictures = [resize_short(to_tensor(read_picture(photo)), size) for photo in photos]
        kept.write_text(json.dumps([run(loss, x, MOST)[1] for x in pictures]))
    return mean_curve(json.loads(kept.read_text()))


if __name__ == "__main__":
    main()
