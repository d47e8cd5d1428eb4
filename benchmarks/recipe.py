"""The search behind recipe `fast`: a thing or two changed at a time, for the same minutes.

    python -m benchmarks.recipe A.jpg B.jpg … --photos DIR --weights VGG19 [--minutes 3] \\
        [--only VARIANT …] [--test DIR] [--pictures DIR]

Every variant trains each painting for as long and is measured on held-out photos, or those of
`--test`, by what agrees with the eye, as in `benchmarks.gallery`; "fast, another seed" says how
much is noise. `--pictures` keeps what each paints, DIR/VARIANT/PAINTING/PHOTO.png, for blind pairs
by `benchmarks.jury`. Rows join those found before on the same paintings and photos; RECIPE.md has
the table.
"""

import argparse
import json
import statistics
import warnings
from pathlib import Path

from fastai.torch_core import set_seed

from benchmarks.gallery import MEASURED, SIZE
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
    yardstick,
)

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
    "light network": {"arch": "light"},
    "from the autoencoder": {"pretrained": "autoencoder"},
    "from scratch": {"pretrained": None},
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paintings", nargs="+", type=Path)
    parser.add_argument("--photos", required=True, help="a folder")
    parser.add_argument("--weights", required=True, help="of VGG19")
    parser.add_argument("--minutes", type=float, default=3, help="of each training")
    parser.add_argument("--count", type=int, default=8, help="photos to measure on")
    parser.add_argument("--test", type=Path, help="a folder of these; default: held-out photos")
    parser.add_argument("--pictures", type=Path, help="a folder for what is painted")
    parser.add_argument("--only", nargs="*", choices=VARIANTS, help="variants; default: all")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    vgg = perceptual_backbone("vgg19", args.weights)
    losses = {painting: yardstick(vgg, painting) for painting in args.paintings}
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
        said = HEAD.format(**facts) + markdown(rows) + "\n"
        path = Path(__file__).with_name("RECIPE.md")
        path.write_text(said + BEFORE + path.read_text().partition(BEFORE)[2])


def trained(args, name, painting, loss, **variant):
    "What a network trained by a variant paints of photos, measured; and how many pictures it saw."
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

A thing or two changed at a time, each painting ({paintings}) trained for {minutes} minutes on two
CPU cores, measured on {photos} photos at 448 px; means over the paintings. Tone and structure are
better when higher, all others when lower; another seed says how much is noise.
Made by `python -m benchmarks.recipe`; `python -m benchmarks.agreement` tells which of the measures
to believe.

"""
BEFORE = "\n## By eye"

if __name__ == "__main__":
    main()
