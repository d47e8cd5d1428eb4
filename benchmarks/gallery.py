"""What the styles that ship are worth, on photos their network was not trained on.

    python -m benchmarks.gallery PAINTINGS --photos DIR --backbone vgg19 --weights FILE \\
        [--alone NAME … --images 1500 -o RUNS]

PAINTINGS is a folder; DIR the photos that the gallery was trained on. For `--alone`, a network of
that style only is trained under the same backbone on `--images` pictures, as many as the style got
in the gallery. RUNS keeps the runs: what is there is not trained again.
"""

from functools import partial
from pathlib import Path

from benchmarks.many_styles import run_once
from benchmarks.report import arguments, held_out, iterations, report
from faststyle_fastai.all import GALLERY, Stylizer, evaluate_style, perceptual_backbone, yardstick


def main():
    parser = arguments(__doc__)
    parser.add_argument("paintings", type=Path, help="a folder")
    parser.add_argument("--iterations", type=int, default=25)
    parser.add_argument("--alone", nargs="*", default=[], choices=GALLERY)
    parser.add_argument("--images", type=int, default=1500, help="of a network of one style")
    parser.add_argument("-o", "--out", type=Path, help="a folder for the runs")
    args = parser.parse_args()
    if args.alone and not args.out:
        parser.error("--alone trains networks: give -o, a folder for them.")
    alone = {"backbone": args.backbone, "weights": args.weights, "images": args.images}
    alone["pretrained"] = "autoencoder"  # as the gallery was
    backbone, rows = perceptual_backbone(args.backbone, args.weights), []
    photos, gallery = held_out({"seed": 0}, args.photos, args.count), Stylizer("great_wave")
    for name in GALLERY:
        painting = next(args.paintings.glob(f"{name}.*"))
        loss, paint = yardstick(backbone, painting), partial(gallery.paint, style=name)
        found, _ = evaluate_style(paint, photos, loss, iterations=args.iterations)
        net = found["network"]
        row = {"painting": name, "photo itself, total": round(found["photo"]["total"], 1)}
        row |= {part: round(net[part], 3) for part in ("content", "style", "total")}
        row["style, of the photo's"] = f"{net['style'] / found['photo']['style']:.0%}"
        row["worth, iterations"] = iterations([net["iterations"]], args.iterations)
        if args.alone:
            row["total, of alone"] = "-"
        if name in args.alone:
            run_once(args.photos, [painting], args.out / name, **alone)
            single, _ = evaluate_style(Stylizer(args.out / name).paint, photos, loss, iterations=0)
            ratio = net["total"] / single["network"]["total"]
            row["total, of alone"] = f"{ratio:.2f}x"
        rows.append(row)
        print(rows[-1], flush=True)
    report("gallery", rows, backbone=args.backbone, photos=len(photos), images=args.images)


if __name__ == "__main__":
    main()
