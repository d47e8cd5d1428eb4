"""What trained styles are worth under the yardstick, on photos they were not trained on.

    python -m benchmarks.quality RUN [RUN …] --photos DIR --backbone vgg19 --weights FILE -o SHEETS

Each RUN is a folder of `faststyle train`, which knows its painting; DIR the photos it was trained
on, of which those that it held out are used.
"""

import json
from pathlib import Path

from benchmarks.report import arguments, held_out, iterations, report
from faststyle_fastai.all import (
    Stylizer,
    contact_sheet,
    evaluate_style,
    perceptual_backbone,
    save_picture,
    yardstick,
)


def main():
    parser = arguments(__doc__, "vgg19")
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=25)
    parser.add_argument("-o", "--out", required=True, help="a folder for contact sheets")
    args = parser.parse_args()
    backbone = perceptual_backbone(args.backbone, args.weights)
    rows = []
    for run in map(Path, args.runs):
        record = json.loads((run / "run.json").read_text())
        (painting,) = record["settings"]["style"]
        loss = yardstick(backbone, painting)
        photos = held_out(record["settings"], args.photos, args.count)
        paint, most = Stylizer(run).paint, args.iterations
        found, _ = evaluate_style(paint, photos, loss, args.size, most)
        fair, sheet = evaluate_style(paint, photos, loss, args.size, most, scaled=True)
        name = Path(painting).stem
        save_picture(contact_sheet(sheet), Path(args.out) / f"{name}.jpg")
        net = found["network"]
        rows.append(
            {
                "painting": name,
                "trained, minutes": round(record["minutes"]),
                "photo itself, total": round(found["photo"]["total"], 2),
                "content": round(net["content"], 2),
                "style": round(net["style"], 3),
                "total": round(net["total"], 2),
                "worth, iterations": iterations([net["iterations"]], most),
                "of scaled L-BFGS": iterations([fair["network"]["iterations"]], most),
            }
        )
    report("quality", rows, backbone=args.backbone, photos=args.count, size=args.size)


if __name__ == "__main__":
    main()
