"""Optimizing pixels by our recipe and by published recipes: seconds and reference losses.

    python -m benchmarks.optimization.slow_way --pair PHOTO PAINTING [--pair …] \\
        --weights VGG19.safetensors -o PICTURES [--px 512] [--only RECIPE]

Each recipe runs unchanged. The published ones use VGG19, ours uses the built-in backbone. All
images are measured under VGG19 against their photo. PICTURES gets each image, and
PHOTO-PAINTING.png: the photo, the painting, then the recipes in the order of the table. With
`--only`, the other rows and images are those of an earlier run.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch

from benchmarks.report import kept, report
from faststyle_fastai.all import (
    optimize_style,
    perceptual_backbone,
    read_picture,
    save_picture,
    side_by_side,
    to_tensor,
)
from faststyle_fastai.perceptual.evaluate import reference_loss

RECIPES = "gatys", "crowson", "neighbors"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pair", nargs=2, action="append", required=True)
    parser.add_argument("--weights", required=True, help="VGG19 weights.")
    parser.add_argument("--px", type=int, default=512, help="Longer side in px.")
    parser.add_argument("--only", choices=RECIPES)
    parser.add_argument("-o", "--out", type=Path, required=True, help="Folder for the images.")
    args = parser.parse_args()
    backbone, found = perceptual_backbone("vgg19", args.weights), {}
    for photo, painting in args.pair:
        name = f"{Path(photo).stem}-{Path(painting).stem}"
        row, loss = (
            [read_picture(photo), read_picture(painting)],
            reference_loss(backbone, painting),
        )
        for recipe in RECIPES:
            file = args.out / f"{name}-{recipe}.png"
            if recipe == (args.only or recipe):
                weights = None if recipe == "neighbors" else args.weights
                began = time.monotonic()
                made = optimize_style(
                    photo, painting, recipe=recipe, weights=weights, end_scale=args.px, device="cpu"
                )
                seconds = time.monotonic() - began
                save_picture(made, file)
                with torch.no_grad():
                    loss(to_tensor(made), to_tensor(row[0].resize(made.size)))
                parts = {k: v.item() for k, v in loss.parts.items()}
                measured = {"seconds": seconds, **parts, "total": sum(parts.values())}
                found.setdefault(recipe, []).append(measured)
                print(name, recipe, measured, flush=True)
            row.append(read_picture(file))
        save_picture(side_by_side(row), args.out / f"{name}.png")
    rows = {row["recipe"]: row for row in kept("slow_way")["rows"]} if args.only else {}
    for recipe, seen in found.items():
        row = {"recipe": recipe, "backbone": "lite" if recipe == "neighbors" else "vgg19"}
        rows[recipe] = row | {k: statistics.mean(s[k] for s in seen) for k in seen[0]}
    report("slow_way", list(rows.values()), px=args.px, pairs=len(args.pair))


if __name__ == "__main__":
    main()
