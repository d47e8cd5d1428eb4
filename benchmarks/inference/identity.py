"""Two ways to implement `strength` for several styles: blend weights, or mix in the photo.

    python -m benchmarks.inference.identity A.jpg B.jpg … --photos DIR [--backbone vgg19 \\
        --weights FILE]

The first blends all weights of the autoencoder and of the network (deep network interpolation, Wang
et al. 2019). It needs no training and no extra computation. The second trains the photo itself as
one more style, under the autoencoder's loss. Strength then mixes its row with a painting's. Each
painting gets the same number of images in both. The table shows means over the paintings and
held-out photos.
"""

import statistics
from functools import partial

import torch
from fastai.torch_core import set_seed
from PIL import Image

from benchmarks.report import arguments, report
from faststyle_fastai.all import (
    CONTENT_LOSSES,
    StyleDataLoaders,
    Stylizer,
    VggLoss,
    evaluate_style,
    perceptual_backbone,
    style_learner,
)
from faststyle_fastai.perceptual.evaluate import reference_loss

SIZE, BS = 128, 4
LAYER = "relu1_1"  # the autoencoder's, beside the style recipe's content layer


class PhotoIsAStyle(VggLoss):
    "A loss for a network whose style 0 is the photo, under the autoencoder's loss."

    def forward(self, pred, photo, style_ids):
        paints = style_ids != 0
        with torch.no_grad():
            target = self.backbone(photo, [LAYER])[LAYER]
        off = CONTENT_LOSSES["relative"](self.backbone(pred, [LAYER])[LAYER], target)
        redrawn = (~paints * off).mean()
        if not paints.any():
            return redrawn
        painted = super().forward(pred[paints], photo[paints], style_ids[paints])
        return redrawn + painted * paints.float().mean()


def main():
    parser = arguments(__doc__)
    parser.add_argument("paintings", nargs="+")
    parser.add_argument("--images", type=int, default=2000, help="Images per painting.")
    args = parser.parse_args()
    backbone = perceptual_backbone(args.backbone, args.weights)
    losses, rows = [reference_loss(backbone, painting) for painting in args.paintings], []
    for way in ("between weights", "photo as a style"):
        paint, photos = trained(args, way)
        for strength in (0, 0.25, 0.5, 0.75, 1):
            errors = []
            for loss, style in zip(losses, paint.styles[-len(losses) :]):
                if way == "between weights":
                    how = {"style": style, "strength": strength}
                else:
                    how = {"style": {"photo": 1 - strength, style: strength}}
                one = partial(paint.paint, **how)
                found, _ = evaluate_style(one, photos, loss, SIZE, iterations=0)
                errors.append(found["network"])
            row = {k: round(statistics.mean(e[k] for e in errors), 3) for k in ("content", "style")}
            rows.append({"strength by": way, "strength": strength} | row)
    facts = {"paintings": len(args.paintings), "pictures each": args.images, "size": SIZE}
    report("identity", rows, reference_loss=args.backbone, photos=args.count, **facts)


def trained(args, way):
    "A network trained in one of the two ways, and held-out photos."
    styles, name = list(args.paintings), None
    if way == "photo as a style":
        styles.insert(0, Image.new("RGB", (SIZE, SIZE)))  # in place of a painting
        name = ["photo", *(f"style{i}" for i in range(len(args.paintings)))]
    set_seed(0)
    images = args.images * len(styles)
    dls = StyleDataLoaders.from_folder(args.photos, SIZE, BS, images, seed=0, device="cpu")
    using = {"backbone": args.backbone, "weights": args.weights}
    learn = style_learner(dls, styles, name=name, pretrained="autoencoder", small=0, **using)
    if way == "photo as a style":
        learn.loss_func.__class__ = PhotoIsAStyle
    with learn.no_bar(), learn.no_logging():
        learn.fit_recipe()
    learn.style_card.info["palettes"] = {}  # a photo has its own colors
    return Stylizer(learn), list(dls.valid.items[: args.count])


if __name__ == "__main__":
    main()
