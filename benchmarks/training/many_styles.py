"""The cost of sharing one network: several paintings in one, compared with a network for each.

    python -m benchmarks.training.many_styles A.jpg B.jpg … --photos DIR --minutes 20 \\
        --backbone vgg19 --weights FILE -o RUNS

One network learns all paintings for `--minutes`. Each of the others learns one painting, on as many
images as it got in the first network. One more network learns all paintings except the last. Then
`add_style` adds the last one, as a row. All are measured on the same held-out photos. RUNS keeps
the runs. Complete ones are not trained again.
"""

import json
from functools import partial
from pathlib import Path

from benchmarks.report import arguments, held_out, report
from faststyle_fastai.all import Stylizer, evaluate_style, perceptual_backbone
from faststyle_fastai.perceptual.evaluate import reference_loss
from faststyle_fastai.training.runs import add_style, train


def main():
    parser = arguments(__doc__)
    parser.add_argument("paintings", nargs="+")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--add-minutes", type=float, default=3)
    parser.add_argument("-o", "--out", type=Path, required=True, help="Folder for the runs.")
    args = parser.parse_args()
    paintings, out = args.paintings, args.out
    using = {"backbone": args.backbone, "weights": args.weights}
    run = partial(run_once, args.photos, pretrained="autoencoder", **using)
    record = run(paintings, out / "many", minutes=args.minutes)
    share = record["pictures"] // len(paintings)
    for painting in paintings:
        run([painting], out / Path(painting).stem, images=share)
    record = run(paintings[:-1], out / "fewer", images=share * (len(paintings) - 1))
    added = out / "added.safetensors"
    if not added.exists():
        add_style(out / "fewer", paintings[-1], out=added, minutes=args.add_minutes, **using)

    backbone = perceptual_backbone(args.backbone, args.weights)
    photos = held_out(record["settings"], args.photos, args.count)
    many, rows = Stylizer(out / "many"), []
    for painting in paintings:
        name, loss = Path(painting).stem, reference_loss(backbone, painting)
        found = {"together": many, "alone": Stylizer(out / name)}
        if painting == paintings[-1]:
            found["added"] = Stylizer(added)
        nets = {}
        for key, net in found.items():
            seen, _ = evaluate_style(partial(net.paint, style=name), photos, loss, iterations=0)
            nets[key] = seen["network"]
        for key, net in nets.items():
            row = {"painting": name, "trained": key, "pictures of its own": share}
            row |= {k: round(net[k], 3) for k in ("content", "style", "total")}
            row["total, of alone"] = f"{net['total'] / nets['alone']['total']:.2f}x"
            rows.append(row)
    minutes = {"minutes": args.minutes, "minutes to add": args.add_minutes}
    report("many_styles", rows, backbone=args.backbone, photos=len(photos), **minutes)


def run_once(photos, paintings, out, **settings):
    "The record of a complete run of `paintings` in `out`, trained or resumed if needed."
    record = out / "run.json"
    if not (record.exists() and json.loads(record.read_text())["complete"]):
        train(photos, paintings, out, resume=record.exists(), **settings)
    return json.loads(record.read_text())


if __name__ == "__main__":
    main()
