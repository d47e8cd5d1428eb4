"""What a style of your own is after minutes, on paintings that nothing was tuned to.

    python -m benchmarks.own_style A.jpg B.jpg … --photos DIR --test DIR --weights VGG19 -o RUNS \\
        [--others NAME=DIR …] [--pictures DIR]

Each painting is trained by `faststyle train` as it stands, on the photos of `--photos`, and
measured on those of `--test` as in `benchmarks.gallery`, which says what `--others` and
`--pictures` are. RUNS keeps the runs: what is there is not trained again.
"""

import statistics
from pathlib import Path

from benchmarks.gallery import SIZE, measured
from benchmarks.many_styles import run_once
from benchmarks.report import arguments, report
from faststyle_fastai.all import Stylizer, perceptual_backbone, picture_files, yardstick

MINUTES = 4.9  # a tenth of a minute is left for the start and the last files


def main():
    parser = arguments(__doc__, "vgg19")
    parser.add_argument("paintings", nargs="+", type=Path)
    parser.add_argument("--test", required=True, help="a folder of other photos")
    parser.add_argument("--others", nargs="*", default=[], metavar="NAME=DIR")
    parser.add_argument("--pictures", type=Path, help="a folder for ours")
    parser.add_argument("--pretrained", default="gallery")
    parser.add_argument("-o", "--out", type=Path, required=True, help="a folder for the runs")
    args = parser.parse_args()
    photos, rows, minutes = picture_files(args.test)[: args.count], [], []
    backbone = perceptual_backbone(args.backbone, args.weights)
    for painting in args.paintings:
        how = {"minutes": MINUTES, "pretrained": args.pretrained}
        record = run_once(args.photos, [painting], args.out / painting.stem, **how)
        minutes.append(record["minutes"])
        paint = Stylizer(args.out / painting.stem).paint
        rows += measured(painting.stem, yardstick(backbone, painting), paint, photos, args)
    facts = {"minutes": round(statistics.mean(minutes), 1), "px": SIZE, "photos": len(photos)}
    report("own_style", rows, backbone=args.backbone, **facts)


if __name__ == "__main__":
    main()
