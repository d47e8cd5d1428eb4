"""A style at first sight, and refined on the photo for some seconds.

    python -m benchmarks.inference.refining PAINTINGS --photos DIR --weights VGG19 [--pictures DIR]

PAINTINGS is a folder of paintings that the network has not seen. The n-th photo is painted in the
style of the n-th painting, for as long as there are both. `loss`, `style` and `content` are those
that refining steps down; `VGG19 …` and `tone` are measures that it does not see.
"""

import statistics
import time
from pathlib import Path

import torch
from PIL import ImageOps

from benchmarks.report import arguments, report
from faststyle_fastai.all import (
    Stylizer,
    perceptual_backbone,
    picture_files,
    read_picture,
    save_picture,
    to_tensor,
)
from faststyle_fastai.images.sizes import resize_short
from faststyle_fastai.inference.refine import refining_loss
from faststyle_fastai.perceptual.evaluate import STYLE_WEIGHT, reference_loss
from faststyle_fastai.perceptual.measures import tone

SECONDS = 0, 5, 10, 20, 60
SIDE = 512  # px of the square photos


def main():
    parser = arguments(__doc__, "vgg19")
    parser.add_argument("paintings", type=Path, help="Folder of paintings.")
    parser.add_argument("--pictures", type=Path, help="Folder for the images.")
    args = parser.parse_args()
    backbone = perceptual_backbone(args.backbone, args.weights)
    pairs = list(zip(picture_files(args.paintings), picture_files(args.photos)[: args.count]))
    found = {seconds: [] for seconds in SECONDS}
    for painting, file in pairs:
        photo = ImageOps.fit(read_picture(file), (SIDE, SIDE))
        sight, x = Stylizer(painting), to_tensor(photo)
        for seconds in SECONDS:
            began = time.monotonic()
            paint = sight.refined(photo, seconds) if seconds else sight
            took = time.monotonic() - began
            painted = paint.paint(x).cpu()
            row = measures(painted, x, painting, backbone) | {"took": took}
            print(painting.stem, file.stem, seconds, row, flush=True)
            found[seconds].append(row)
            if args.pictures:
                folder = args.pictures / f"{seconds}" / painting.stem
                save_picture(painted, folder / f"{file.stem}.png")
    rows = [
        {"seconds": seconds}
        | {k: round(statistics.mean(row[k] for row in table), 3) for k in table[0]}
        for seconds, table in found.items()
    ]
    report("refining", rows, per_cpu=True, px=SIDE, pairs=len(pairs), backbone=args.backbone)


@torch.no_grad()
def measures(y, x, painting, backbone):
    reference = reference_loss(backbone, painting)
    loss = refining_loss(to_tensor(read_picture(painting)))
    reference.styles = [resize_short(style, SIDE) for style in reference.styles]
    reference(y, x)
    own = {"loss": loss(y, x)} | {k: loss.parts[k].mean() for k in ("style", "content")}
    vgg = {"VGG19 style": reference.parts["style"].mean() / STYLE_WEIGHT}
    vgg["VGG19 content"] = reference.parts["content"].mean()
    return {k: v.item() for k, v in (own | vgg | {"tone": tone(y, x)}).items()}


if __name__ == "__main__":
    main()
