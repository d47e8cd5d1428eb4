"""The quality of your own style after five minutes, on paintings that we did not tune on.

    python -m benchmarks.training.own_style A.jpg B.jpg … --photos DIR --test DIR \\
        --weights VGG19 -o RUNS [--others NAME=DIR …] [--pictures DIR]

`faststyle train` trains each painting on the photos of `--photos`, from what the
painting tells or another `--pretrained`; all else is its default. The style is measured on the
photos of `--test` as in `benchmarks.perceptual.gallery`, which explains `--others` and
`--pictures`. RUNS keeps the runs. Complete ones are not trained again.
"""

import statistics
from pathlib import Path

from benchmarks.perceptual.gallery import SIZE, compared_arguments, measured
from benchmarks.report import report
from benchmarks.training.many_styles import run_once
from faststyle_fastai.all import Stylizer, perceptual_backbone, picture_files
from faststyle_fastai.perceptual.evaluate import reference_loss

MINUTES = 4.9  # a tenth of a minute is left for startup and the last files


def main():
    parser = compared_arguments(__doc__)
    parser.add_argument("paintings", nargs="+", type=Path)
    parser.add_argument("--test", required=True, help="Folder of other photos.")
    parser.add_argument("--pretrained", default="predicted")
    parser.add_argument("-o", "--out", type=Path, required=True, help="Folder for the runs.")
    args = parser.parse_args()
    photos, rows, minutes = picture_files(args.test)[: args.count], [], []
    backbone = perceptual_backbone(args.backbone, args.weights)
    for painting in args.paintings:
        how = {"minutes": MINUTES, "pretrained": args.pretrained}
        record = run_once(args.photos, [painting], args.out / painting.stem, **how)
        minutes.append(record["minutes"])
        paint = Stylizer(args.out / painting.stem).paint
        rows += measured(painting.stem, reference_loss(backbone, painting), paint, photos, args)
    facts = {"minutes": round(statistics.mean(minutes), 1), "px": SIZE, "photos": len(photos)}
    report("own_style", rows, backbone=args.backbone, **facts)


if __name__ == "__main__":
    main()
