"""What a start is worth: your own style after seconds, from the first sight and from the gallery.

    python -m benchmarks.training.starts A.jpg B.jpg … --photos DIR --test DIR --weights VGG19 \\
        [--seconds 0 15 30 60 90 300] [--run RUN] [--pictures DIR]

Each painting is trained by recipe `fast` for each time of `--seconds`, from each start, on the
photos of `--photos`; with `--run`, also as `add-style` adds it to that network. The styles are
measured on the photos of `--test` as in `benchmarks.perceptual.gallery`. `--pictures` keeps our
images in DIR/START-SECONDS/STYLE.
"""

from argparse import Namespace
from pathlib import Path

from fastai.torch_core import set_seed

from benchmarks.perceptual.gallery import SIZE, measured
from benchmarks.report import arguments, report
from faststyle_fastai.all import (
    StyleDataLoaders,
    Stylizer,
    perceptual_backbone,
    picture_files,
    style_learner,
)
from faststyle_fastai.perceptual.evaluate import reference_loss
from faststyle_fastai.training.recipes import recipe_plan

STARTS = "predicted", "gallery"


def main():
    parser = arguments(__doc__, "vgg19")
    parser.add_argument("paintings", nargs="+", type=Path)
    parser.add_argument("--test", required=True, help="Folder of other photos.")
    parser.add_argument("--seconds", nargs="+", type=int, default=[0, 15, 30, 60, 90, 300])
    parser.add_argument("--run", help="Trained network to add the paintings to.")
    parser.add_argument("--pictures", type=Path, help="Folder for our images.")
    args = parser.parse_args()
    photos, rows = picture_files(args.test)[: args.count], []
    backbone = perceptual_backbone(args.backbone, args.weights)
    for painting in args.paintings:
        loss = reference_loss(backbone, painting)
        for seconds in args.seconds:
            for start in (*STARTS, *[args.run] * bool(args.run)):
                place = args.pictures and args.pictures / f"{Path(start).stem}-{seconds}"
                paint = Stylizer(trained(args.photos, painting, start, seconds)).paint
                keep = Namespace(others=[], pictures=place)
                (row,) = measured(painting.stem, loss, paint, photos, keep)
                del row["by"]
                rows.append({"start": start, "seconds": seconds} | row)
    report("starts", rows, backbone=args.backbone, photos=len(photos), px=SIZE)


def trained(photos, painting, start, seconds):
    "A learner of a painting, after so many seconds, some of which `fit_recipe` keeps for files."
    set_seed(0)
    plan = recipe_plan("fast", "style")
    dls = StyleDataLoaders.from_folder(photos, plan.size, plan.bs, plan.images, seed=0)
    learn = style_learner(dls, painting, pretrained=start)
    if start not in STARTS:
        learn.freeze()
    if seconds:
        with learn.no_bar(), learn.no_logging():
            learn.fit_recipe(minutes=seconds / 60)
    return learn


if __name__ == "__main__":
    main()
