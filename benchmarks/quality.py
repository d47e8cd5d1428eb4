"""What trained styles are worth under the yardstick, on photos they were not trained on.

    python -m benchmarks.quality RUN [RUN …] --photos DIR --backbone vgg19 --weights FILE -o SHEETS

Each RUN is a folder of `faststyle train`, which knows its painting.
"""

import argparse
import json
from pathlib import Path

from benchmarks.report import report
from faststyle_fastai.all import (
    Stylizer,
    contact_sheet,
    evaluate_style,
    find_pictures,
    perceptual_backbone,
    save_picture,
    yardstick,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--photos", required=True, help="a folder")
    parser.add_argument("--backbone", default="vgg19", help="the reference")
    parser.add_argument("--weights", help="its weights file")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=25)
    parser.add_argument("-o", "--out", required=True, help="a folder for contact sheets")
    args = parser.parse_args()
    photos = find_pictures(args.photos)[0]
    backbone = perceptual_backbone(args.backbone, args.weights)
    rows = []
    for run in map(Path, args.runs):
        record = json.loads((run / "run.json").read_text())
        loss = yardstick(backbone, record["settings"]["style"])
        paint, most = Stylizer(run).paint, args.iterations
        found, _ = evaluate_style(paint, photos, loss, args.size, most)
        fair, sheet = evaluate_style(paint, photos, loss, args.size, most // 2, scaled=True)
        name = Path(record["settings"]["style"]).stem
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
                "worth, iterations": round(net["iterations"], 1),
                "of scaled L-BFGS": round(fair["network"]["iterations"], 1),
            }
        )
    report("quality", rows, backbone=args.backbone, photos=len(photos), size=args.size)


if __name__ == "__main__":
    main()
