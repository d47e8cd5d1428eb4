"""The search behind the recipe `fast`: one or two changes at a time, trained equally long.

    python -m benchmarks.training.recipe A.jpg B.jpg … --photos DIR --weights VGG19 [--minutes 3] \\
        [--only VARIANT …] [--test DIR] [--pictures DIR]

Every variant trains each painting equally long. It is measured on held-out photos, or on those of
`--test`, by the measures of `benchmarks.perceptual.gallery`. The row "fast, another seed" shows the
noise. `--pictures` saves the painted photos as DIR/VARIANT/PAINTING/PHOTO.png, for blind pairs in
`benchmarks.perceptual.jury`. New rows join earlier ones for the same paintings and photos.
RECIPE.md contains the table.
"""

import argparse
import json
import statistics
import warnings
from pathlib import Path

from fastai.torch_core import set_seed

from benchmarks.perceptual.gallery import MEASURED, SIZE
from benchmarks.report import RESULTS, markdown, report
from faststyle_fastai.all import (
    RECIPES,
    StyleDataLoaders,
    Stylizer,
    evaluate_style,
    perceptual_backbone,
    picture_files,
    recipe_plan,
    save_picture,
    style_learner,
)
from faststyle_fastai.perceptual.evaluate import reference_loss

FAST = RECIPES["fast"].style


def times(factor, layers):
    return {layer: factor * part for layer, part in layers.items()}


VARIANTS = {
    "fast": {},
    "fast, another seed": {"seed": 1},
    "content by squared errors": {"content_loss": "relative"},
    "content weight x 0.5": {"content_layers": times(0.5, FAST.content_layers)},
    "content weight x 2": {"content_layers": times(2, FAST.content_layers)},
    "content at relu4_2 alone": {"content_layers": {"relu4_2": 3.0}},
    "style by Gram matrices": {
        "style_loss": "gram",
        "style_layers": {
            "relu1_1": 20, "relu2_1": 50, "relu3_1": 50, "relu4_1": 50, "relu5_1": 10,
        },
    },
    "style to relu4_1": {"style_layers": dict(list(FAST.style_layers.items())[:4])},
    "painting at 256 px": {"style_size": 256},
    "painting at 512 px": {"style_size": 512},
    "painting at 640 px": {"style_size": 640},
    "no tone": {"tone_weight": 0.0},
    "tone 1.5": {"tone_weight": 1.5},
    "no total variation": {"tv_weight": 0.0},
    "total variation 1": {"tv_weight": 1.0},
    "256 px all along": {"small": 0},
    "128 px until 0.6": {"small_until": 0.6},
    "batch 4": {"bs": 4},
    "Adam, peak rate 1e-3": {"opt": "adam", "lr": 1e-3},
    "peak rate 6e-3": {"lr": 6e-3},
    "crops from 0.25 of the photo": {"min_scale": 0.25},
    "no droplet penalty": {"droplets": 0.0},
    "slim network": {"arch": "slim"},
    "from the autoencoder": {"pretrained": "autoencoder"},
    "from scratch": {"pretrained": None},
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paintings", nargs="+", type=Path)
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    parser.add_argument("--weights", required=True, help="VGG19 weights.")
    parser.add_argument("--minutes", type=float, default=3, help="Minutes per training.")
    parser.add_argument("--count", type=int, default=8, help="Number of photos to measure on.")
    parser.add_argument(
        "--test", type=Path, help="Folder of these photos. Default: held-out photos."
    )
    parser.add_argument("--pictures", type=Path, help="Folder for the painted photos.")
    parser.add_argument("--only", nargs="*", choices=VARIANTS, help="Variants. Default: all.")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    vgg = perceptual_backbone("vgg19", args.weights)
    losses = {painting: reference_loss(vgg, painting) for painting in args.paintings}
    kept = RESULTS / "recipe.json"
    before = json.loads(kept.read_text()) if kept.exists() else {"facts": {}, "rows": []}
    facts = {"paintings": " ".join(painting.stem for painting in losses)}
    facts |= {"photos": args.count, "yardstick": "vgg19", "minutes": args.minutes}
    rows = before["rows"] if facts.items() <= before["facts"].items() else []
    for name in args.only or VARIANTS:
        found = [trained(args, name, *pair, **VARIANTS[name]) for pair in losses.items()]
        row = {"variant": name}
        row |= {k: round(statistics.mean(f[k] for f in found), 3) for k in found[0]}
        rows = [r for r in rows if r["variant"] != name] + [row]
        report("recipe", rows, **facts)
        text = HEAD.format(**facts) + markdown(rows) + "\n"
        path = Path(__file__).with_name("RECIPE.md")
        path.write_text(text + BEFORE + path.read_text().partition(BEFORE)[2])


def trained(args, name, painting, loss, **variant):
    "Train a variant. Returns the measures of its images and the number of training images."
    arch, start = variant.pop("arch", "full"), variant.pop("pretrained", "gallery")
    crops = {k: variant.pop(k) for k in ("min_scale",) if k in variant}
    set_seed(variant.pop("seed", 0))
    plan = recipe_plan("fast", "style", **variant)
    variant.pop("bs", None)
    dls = StyleDataLoaders.from_folder(
        args.photos, plan.size, plan.bs, seed=0, device="cpu", **crops
    )
    learn = style_learner(dls, painting, "fast", start, arch, **variant)
    with learn.no_bar(), learn.no_logging():
        learn.fit_recipe(minutes=args.minutes)
    photos = (picture_files(args.test) if args.test else list(dls.valid.items))[: args.count]
    found, sheet = evaluate_style(Stylizer(learn).paint, photos, loss, SIZE, iterations=0)
    if args.pictures:
        for photo, (_, picture) in zip(photos, sheet):
            file = f"{Path(photo).stem}.png"
            save_picture(picture, args.pictures / name / painting.stem / file)
    row = {"pictures": len(learn.recorder.losses) * plan.bs}
    return row | {k: found["network"][k] for k in MEASURED}


HEAD = """# What was tried for recipe `fast`

Each row changes one or two things. Each painting ({paintings}) is trained for {minutes} minutes on
two CPU cores and measured on {photos} photos at 448 px. The table shows means over the paintings.
Higher is better for tone and structure, lower for all others. "fast, another seed" shows the noise.
`python -m benchmarks.training.recipe` makes the table. `python -m benchmarks.perceptual.agreement`
shows which measures agree with judges.

"""
BEFORE = "\n## By eye"

if __name__ == "__main__":
    main()
