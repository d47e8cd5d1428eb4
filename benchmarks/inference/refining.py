"""The ladder of quality: at sight, refined, trained and optimized, by seconds.

    python -m benchmarks.inference.refining PAINTINGS --photos DIR --weights VGG19 \\
        [--train DIR --runs DIR] [--optimize] [--pictures DIR]

PAINTINGS is a folder of paintings that the network has not seen. The n-th photo is painted in the
style of the n-th painting, for as long as there are both. With `--train`, a network is trained on
the photos of that folder for each painting, for five minutes, into a folder of `--runs`; earlier
runs are used again. `loss`, `style` and `content` are those that refining steps down. `VGG19 …` and
tone are measures that it does not see. The images go to PICTURES/WAY/PAINTING/PHOTO.png.
"""

import statistics
import time
from functools import partial
from pathlib import Path

import torch
from PIL import ImageOps

from benchmarks.report import arguments, fresh, measured, report
from faststyle_fastai.all import (
    Stylizer,
    optimization_plan,
    optimize_style,
    perceptual_backbone,
    picture_files,
    read_picture,
    save_picture,
    to_tensor,
    train,
)
from faststyle_fastai.inference.refine import LOSS, refining_loss
from faststyle_fastai.perceptual.evaluate import STYLE_WEIGHT, reference_loss
from faststyle_fastai.perceptual.measures import tone

SECONDS = 5, 10, 20, 60
MINUTES = 5  # of a training
SIDE = 512  # px of the square photos
LONGER = 4  # times the usual iterations of an optimization
TWELVE = 4000, 3000  # px of the photo that memory is measured with


def main():
    parser = arguments(__doc__, "vgg19")
    parser.add_argument("paintings", type=Path, help="Folder of paintings.")
    parser.add_argument("--train", type=Path, help="Folder of photos to train on.")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="Folder of the trainings.")
    parser.add_argument("--optimize", action="store_true", help="Optimize pixels, too.")
    parser.add_argument("--pictures", type=Path, help="Folder for the images.")
    args = parser.parse_args()
    backbone = perceptual_backbone(args.backbone, args.weights)
    pairs = list(zip(picture_files(args.paintings), picture_files(args.photos)[: args.count]))
    memory = round(fresh(refining_memory, pairs[0]))
    print("MB to refine on 12 megapixels:", memory)
    ways = {"at sight": at_sight} | {f"refined {s} s": partial(refined, s) for s in SECONDS}
    if args.train:
        ways[f"trained {MINUTES} min"] = partial(trained, args.train, args.runs)
    if args.optimize:
        ways["optimized"] = optimized
        ways[f"optimized, {LONGER} times as long"] = partial(optimized, longer=LONGER)
    found = {way: [] for way in ways}
    for painting, file in pairs:
        photo = ImageOps.fit(read_picture(file), (SIDE, SIDE))
        for way, paint in ways.items():
            began = time.monotonic()
            seconds, painted = paint(painting, photo)
            row = {"s": seconds or time.monotonic() - began}
            row |= measures(painted, photo, painting, backbone)
            print(painting.stem, file.stem, way, row, flush=True)
            found[way].append(row)
            if args.pictures:
                save_picture(painted, args.pictures / way / painting.stem / f"{file.stem}.png")
    rows = [
        {"way": way} | {k: round(statistics.mean(row[k] for row in table), 3) for k in table[0]}
        for way, table in found.items()
    ]
    facts = {"px": SIDE, "pairs": len(pairs), "backbone": args.backbone}
    report("refining", rows, per_cpu=True, **facts, **{"MB to refine on 12 megapixels": memory})


# Each way returns its own seconds, or None for those that the call took, and an image.


def at_sight(painting, photo):
    return None, Stylizer(painting)(photo)


def refined(seconds, painting, photo):
    return None, Stylizer(painting)(photo, refine=seconds)


def trained(photos, runs, painting, photo):
    if not (runs / painting.stem / "model.safetensors").exists():
        train(photos, painting, runs / painting.stem, minutes=MINUTES, quiet=True)
    return 60.0 * MINUTES, Stylizer(runs / painting.stem)(photo)


def optimized(painting, photo, longer=1):
    plan = optimization_plan("neighbors")
    how = {k: longer * getattr(plan, k) for k in ("initial_iterations", "iterations")}
    return None, optimize_style(photo, [painting], end_scale=SIDE, **how)


@torch.no_grad()
def measures(painted, photo, painting, backbone):
    y, x = to_tensor(painted), to_tensor(photo)
    loss = refining_loss(to_tensor(read_picture(painting)))
    own = {"loss": loss(y, x)} | {k: loss.parts[k].mean() for k in ("style", "content")}
    reference = reference_loss(backbone, painting)
    reference.terms["style"].size = LOSS["style"]["size"]  # the strokes have that size
    reference(y, x)
    vgg = {"VGG19 style": reference.parts["style"].mean() / STYLE_WEIGHT}
    vgg["VGG19 content"] = reference.parts["content"].mean()
    return {k: v.item() for k, v in (own | vgg | {"tone": tone(y, x)}).items()}


def refining_memory(pair):
    painting, file = pair
    photo = read_picture(file).resize(TWELVE)
    paint = Stylizer(painting)
    return measured(lambda: paint(photo, refine=10))[1]


if __name__ == "__main__":
    main()
