"""The search behind recipe `fast`: a thing or two changed at a time, for the same minutes.

    python -m benchmarks.recipe A.jpg B.jpg … --photos DIR --weights VGG19 [--minutes 3] [--only …]

Every variant trains each painting for as long and is measured under VGG19 on held-out photos:
content and style error, total, and its ratio to the recipe's own total, which is trained anew in
each run; "fast, another seed" says how much is noise. Rows join those found before on the same
paintings and photos; RECIPE.md is the table.
"""

import argparse
import json
import statistics
import warnings
from pathlib import Path

import torch
from fastai.callback.core import Callback
from fastai.torch_core import set_seed
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from benchmarks.report import RESULTS, markdown, report
from faststyle_fastai.all import (
    ProgressiveResize,
    StyleDataLoaders,
    Stylizer,
    TimeBudget,
    evaluate_style,
    perceptual_backbone,
    recipe_plan,
    style_learner,
    yardstick,
)

LAYERS = "relu1_1", "relu2_1", "relu3_1", "relu3_4"


class AverageWeights(Callback):
    "At the end the exponential mean of the weights in place of the last."

    def before_fit(self):
        self.mean = AveragedModel(self.learn.model, multi_avg_fn=get_ema_multi_avg_fn(0.98))

    def after_step(self):
        self.mean.update_parameters(self.learn.model)

    def after_fit(self):
        self.learn.model.load_state_dict(self.mean.module.state_dict())


class EncoderLater(Callback):
    "All up to the residual blocks stays as it is for the first fifth of the training."

    order = TimeBudget.order + 1  # which says how much of it is done

    def before_batch(self):
        train = self.pct_train > 0.2
        for name in ("conv1", "conv2", "conv3", "in1", "in2", "in3"):
            self.learn.model.get_submodule(name).requires_grad_(train)


class Grain(Callback):
    "Noise on the photo, not on the target: flat areas are to take strokes too."

    order = ProgressiveResize.order + 0.5  # before DrawStyles

    def before_batch(self):
        if self.training:
            self.learn.xb = (self.x + 0.03 * torch.randn_like(self.x),)


class Compiled(Callback):
    "The network compiled, its warm-up counted."

    def before_fit(self):
        self.learn.model.compile()

    def after_fit(self):
        self.learn.model._compiled_call_impl = None


VARIANTS = {
    "fast": {},
    "fast, another seed": {"seed": 1},
    "Adam, peak rate 1e-3": {"opt": "adam", "lr": 1e-3},
    "Adam, peak rate 3e-3": {"opt": "adam", "lr": 3e-3},
    "peak rate 1.5e-3": {"lr": 1.5e-3},
    "peak rate 6e-3": {"lr": 6e-3},
    "batch 1": {"bs": 1},
    "batch 4": {"bs": 4},
    "batch 4, rate 6e-3": {"bs": 4, "lr": 6e-3},
    "256 px all along": {"small": 0},
    "256 px all along, batch 1": {"small": 0, "bs": 1},
    "128 px until 0.6": {"small_until": 0.6},
    "128 px until 0.8": {"small_until": 0.8},
    "192 px until 0.8": {"small": 192, "small_until": 0.8},
    "content at relu3_1": {"content_layers": {"relu3_1": 1.0}},
    "content at relu1_2 too": {"content_layers": {"relu1_2": 0.5, "relu2_2": 0.5}},
    "full size only": {"scales": (1,)},
    "full and half size": {"scales": (1, 0.5)},
    "deeper style layers thrice the others": {
        "style_layers": dict(zip(LAYERS, (2.5, 2.5, 7.5, 7.5)))
    },
    "painting at 384 px": {"style_size": 384},
    "painting at 192 px": {"style_size": 192},
    "total variation 0.2": {"tv_weight": 0.2},
    "no droplet penalty": {"droplets": 0.0},
    "crops from 0.25 of the photo": {"min_scale": 0.25},
    "crops from 0.8 of the photo": {"min_scale": 0.8},
    "brightness as it is": {"max_lighting": 0.0},
    "mean of the weights": {"cbs": AverageWeights},
    "encoder frozen at first": {"cbs": EncoderLater},
    "grain on training photos": {"cbs": Grain},
    "256 px all along, compiled": {"small": 0, "cbs": Compiled},
    "light network": {"arch": "light"},
    "from scratch": {"pretrained": None},
    "from the autoencoder": {"pretrained": "autoencoder"},
    "under VGG19": {"backbone": "vgg19"},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paintings", nargs="+")
    parser.add_argument("--photos", required=True, help="a folder")
    parser.add_argument("--weights", required=True, help="of VGG19")
    parser.add_argument("--minutes", type=float, default=3, help="of each training")
    parser.add_argument("--count", type=int, default=8, help="held-out photos to use")
    parser.add_argument("--only", nargs="*", choices=VARIANTS, help="variants; default: all")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    vgg = perceptual_backbone("vgg19", args.weights)
    losses = {painting: yardstick(vgg, painting) for painting in args.paintings}
    kept = RESULTS / "recipe.json"
    before = json.loads(kept.read_text()) if kept.exists() else {"facts": {}, "rows": []}
    facts = {"paintings": " ".join(Path(painting).stem for painting in losses)}
    facts |= {"photos": args.count, "yardstick": "vgg19", "minutes": args.minutes}
    rows = before["rows"] if facts.items() <= before["facts"].items() else []
    asked = dict.fromkeys(["fast", *(args.only or VARIANTS)])
    own = None
    for name in asked:
        found = [trained(args, *pair, **VARIANTS[name]) for pair in losses.items()]
        row = {"variant": name}
        row |= {k: round(statistics.mean(f[k] for f in found), 3) for k in found[0]}
        own = own or row["total"]
        row["of fast"] = f"{row['total'] / own:.3f}x"
        rows = [r for r in rows if r["variant"] != name] + [row]
        report("recipe", rows, **facts)
        said = HEAD.format(**facts) + markdown(rows) + "\n"
        Path(__file__).with_name("RECIPE.md").write_text(said)


def trained(args, painting, loss, **variant):
    "Held-out content, style and total of a network trained by a variant, and its pictures seen."
    arch, start = variant.pop("arch", "full"), variant.pop("pretrained", "gallery")
    shown = {k: variant.pop(k) for k in ("min_scale", "max_lighting") if k in variant}
    cbs = variant.pop("cbs", None)
    set_seed(variant.pop("seed", 0))
    plan = recipe_plan("fast", "style", **variant)
    variant.pop("bs", None)
    dls = StyleDataLoaders.from_folder(
        args.photos, plan.size, plan.bs, seed=0, device="cpu", **shown
    )
    weights = args.weights if plan.backbone == "vgg19" else None
    learn = style_learner(dls, painting, "fast", start, arch, weights, cbs=cbs, **variant)
    with learn.no_bar(), learn.no_logging():
        learn.fit_recipe(minutes=args.minutes)
    photos = list(dls.valid.items[: args.count])
    found, _ = evaluate_style(Stylizer(learn).paint, photos, loss, plan.size, iterations=0)
    parts = {k: found["network"][k] for k in ("content", "style", "total")}
    return {"pictures": len(learn.recorder.losses) * plan.bs, **parts}


HEAD = """# What was tried for recipe `fast`

A thing or two changed at a time, each painting ({paintings}) trained for {minutes} minutes on two
CPU cores, measured under VGG19 on {photos} held-out photos; means over the paintings. Ratios are to
the recipe trained in the same run; another seed says how much of them is noise. Rows above
`fast` are ratios to the recipe as it was then, 128 px for 0.6 of the time; those below to the one
with 0.3, to which this table led. Made by `python -m benchmarks.recipe`.

"""

if __name__ == "__main__":
    main()
