"One table: what each recipe trains with, its autoencoder and its style run."

import math
from dataclasses import dataclass, field, fields, replace

from .errors import known

__all__ = [
    "OPTIMIZATIONS",
    "RECIPES",
    "Optimization",
    "Recipe",
    "Training",
    "optimization_plan",
    "recipe_plan",
]


@dataclass(frozen=True)
class Training:
    "Everything a training is made of besides the photos and the painting."

    backbone: str  # a row of backbones.BACKBONES
    content_layers: dict[str, float]  # layer -> its part; None: as much as the recipe's own layers
    style_layers: dict[str, float] = field(default_factory=dict)  # likewise
    content_weight: float = 1.0  # these three in the recipe's own units, which a published recipe
    style_weight: float = 1.0  # has from its publication; the parts above convert them
    tv_weight: float = 0.0  # of the total variation
    tone_weight: float = 0.0  # of losses.tone_error
    tv_unit: float = 1.0  # the total variation's part
    chroma_weight: float = 0.0  # of losses.chroma_variation
    droplets: float = 0.0  # weight of callbacks.DropletPenalty
    stable: float = 0.0  # weight of stable.HoldStill
    balance: str = "relative"  # see losses.VggLoss
    style_loss: str | None = None  # a row of style_losses.STYLE_LOSSES; None: by `balance`
    content_loss: str | None = None  # a row of style_losses.CONTENT_LOSSES; None: by `balance`
    scales: tuple[float, ...] = (1,)  # see losses.VggLoss
    style_size: int | None = None  # px of the painting's short side; None: the photo's
    style_margin: float = 0.0  # see losses.VggLoss
    normalize: bool = True  # whether the backbone sees pictures normalized as ImageNet's
    opt: str = "adam"  # a row of optimizer.OPTIMIZERS
    lr: float = 1e-3  # the highest
    schedule: tuple[str, ...] = ("fit_one_cycle",)  # Learner verbs, one after the other
    epochs: int = 1  # of each verb
    images: int | None = None  # photos an epoch; None: all of them
    size: int = 256  # px
    small: int = 0  # px the photos are reduced to at first; 0: never
    small_until: float = 0.0  # share of the training's time spent at `small`
    bs: int = 4
    wd: float = 0.0
    eps: float = 1e-8  # of Adam


FAST_START = Training(
    backbone="lite",
    content_layers={"relu1_1": 1.0, "relu2_2": 1.0},  # colours, and a start for styles
    droplets=0.3,
    lr=2e-3,
    images=16_000,
    small=128,
    small_until=0.4,
)


@dataclass(frozen=True)
class Recipe:
    style: Training  # goes on from the autoencoder
    autoencoder: Training = FAST_START  # learns to redraw photos; not all published ones have one


# The published recipes compare raw sums under networks that torchvision downloads, which want
# normalized RGB. Weights meant for other inputs are converted: features scale with the input,
# content with their square, style with their fourth power.
VGG16_LAYERS = {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256, "relu4_3": 512}  # -> channels
PUBLISHED = {"balance": "none", "style_size": 256}
EXAMPLES = {
    "backbone": "vgg16",
    "content_layers": {"relu2_2": 1.0},
    "content_weight": 1e5,
    "style_layers": dict.fromkeys(VGG16_LAYERS, 1.0),
    "style_weight": 1e10,
}
# PiotrekSkalski/style-transfer. Its TV weight 1e-6 is on the sum over a batch of 16; ours is on
# the sum over one picture, so that a batch's size does not change the picture.
SKALSKI = {"content_weight": 1e5, "tv_weight": 1e-6, "tv_unit": 16.0, "bs": 16, "wd": 1e-6}

# With these, W2 weighs about the same at each layer where pictures please: benchmarks/RECIPE.md has
# the tries. The painting is seen larger than the photo: bold strokes.
FAST_STYLE = {"relu1_1": 1.5, "relu2_1": 9.0, "relu3_1": 9.0, "relu4_1": 12.0, "relu5_1": 9.0}

RECIPES = {
    "fast": Recipe(
        Training(
            backbone="lite",
            content_layers={"relu2_2": 0.3, "relu3_4": 0.5, "relu4_2": 2.0},
            style_layers=FAST_STYLE,
            style_loss="w2_relative",
            content_loss="normalized",
            style_size=400,
            style_margin=1 / 16,
            tone_weight=0.4,
            tv_weight=1.0,
            tv_unit=0.1,
            chroma_weight=6.0,
            droplets=1.0,
            opt="muon",
            lr=3e-3,
            images=4000,
            bs=2,
            small=128,
            small_until=0.3,
        ),
    ),
    "skalski": Recipe(
        Training(
            lr=2e-4,
            schedule=("fit", "fit_one_cycle"),
            images=20_000,
            **EXAMPLES | SKALSKI | PUBLISHED,
        ),
        Training("vgg16", content_layers={"relu1_1": 1.0}, balance="none", **SKALSKI),
    ),
    # pytorch/examples' fast_neural_style, from Johnson et al. 2016.
    "johnson": Recipe(
        Training(schedule=("fit",), epochs=2, **EXAMPLES | PUBLISHED),
    ),
    # seloufian/Faster-Style-Transfer, from Dumoulin et al. 2017: 17 times the *sum* of squared
    # Gram differences, under an input without normalization.
    "dumoulin": Recipe(
        Training(
            "vgg16",
            content_layers={"relu3_3": 1.0},
            style_layers={layer: float(n**2) for layer, n in VGG16_LAYERS.items()},
            style_weight=17.0,
            normalize=False,
            schedule=("fit",),
            images=400_000,
            bs=16,
            **PUBLISHED,
        ),
    ),
    # tarun-bisht/fast-style-transfer's shipped configuration: content 10, style 100, TV 0.004,
    # under Keras' VGG19 on 0–255, whose features are 57 times larger.
    "tarun": Recipe(
        Training(
            "vgg19",
            content_layers={"relu4_2": 57.0**2},
            content_weight=10.0,
            style_layers={f"relu{block}_1": 57.0**4 for block in range(1, 6)},
            style_weight=100.0,
            tv_weight=0.004,
            tv_unit=255.0,
            schedule=("fit",),
            epochs=2,
            **PUBLISHED,
        ),
    ),
}


@dataclass(frozen=True)
class Optimization:
    "Everything an optimisation of pixels is made of besides the photo and the paintings."

    backbone: str  # a row of backbones.BACKBONES
    content_layers: dict[str, float]  # layer -> weight
    style_layers: dict[str, float]  # layer -> its part; None: as much as the recipe's own layers
    style_loss: str = "w2"  # a row of style_losses.STYLE_LOSSES
    content_loss: str = "mse"  # a row of style_losses.CONTENT_LOSSES
    style_weight: float = 1.0
    content_weight: float = 0.015
    tv_weight: float = 2.0
    tone_weight: float = 0.0  # of losses.tone_error
    tv: str = "squares"  # a row of pixels.VARIATIONS
    pooling: str = "max"  # a row of backbones.POOLINGS
    padding: str = "replicate"  # of the first convolution
    optimizer: str = "adam"  # a row of pixels.OPTIMIZERS
    step_size: float = 0.02  # of Adam
    betas: tuple[float, float] = (0.9, 0.99)  # of Adam
    clamp: bool = True  # pixels to [0, 1]; else normalised and free
    min_scale: int = 128  # px of the longer side to begin at; then √2 of it each time
    end_scale: int = 512  # px
    initial_iterations: int = 1000  # at the smallest scale
    iterations: int = 500  # at each of the others
    avg_decay: float = 0.99  # of the mean of the pictures so far, which is the result
    init: str = "content"  # a row of inits.INITS, or stylized:STYLE
    style_scale_fac: float = 1.0  # the paintings' longer side, of the photo's; never enlarged
    style_size: int | None = None  # px of it instead
    enlarge: bool = True  # a photo smaller than a size


# crowsonkb/style-transfer-pytorch.
CROWSON = Optimization(
    "vgg19",
    content_layers={"relu4_2": 1.0},
    style_layers={f"relu{block}_1": 4.0 ** (5 - block) / 341 for block in range(1, 6)},
)


OPTIMIZATIONS = {
    # Ours: crowson's loss on the backbone that ships. L-BFGS with a line search is where Adam gets
    # in hundreds of steps after tens; the TV weight is against fine hatching.
    "fast": replace(
        CROWSON,
        backbone="lite",
        content_weight=0.04,
        tone_weight=0.5,
        tv_weight=10.0,
        optimizer="wolfe",
        initial_iterations=80,
        iterations=40,
        avg_decay=0.0,
    ),
    "crowson": CROWSON,
    # Its first release: errors divided by their own L1 norms, so that gradients are about as large.
    "crowson_2021": replace(
        CROWSON, content_loss="scaled", style_loss="gram_scaled", tv="forward squares"
    ),
    # Gatys et al. 2016 as commonly told: pixels free of bounds, in the backbone's own units.
    "gatys": Optimization(
        "vgg19",
        content_layers={"relu4_2": 1.0},
        style_layers={f"relu{block}_1": 1 / 5 for block in range(1, 6)},
        style_loss="gram_sum",
        style_weight=1e3,
        content_weight=1.0,
        tv="sum",
        tv_weight=1e-2,
        pooling="plain average",
        padding="zeros",
        step_size=0.03,
        betas=(0.9, 0.999),
        clamp=False,
        min_scale=512,
        initial_iterations=500,
        avg_decay=0.0,
        enlarge=False,
    ),
}


def recipe_plan(
    recipe: str,  # a row of `RECIPES`
    phase: str,  # autoencoder | style
    **overrides,  # fields of `Training`; None leaves the recipe's own
) -> Training:
    "A recipe's training with some of its facts replaced."
    return _changed(getattr(RECIPES[known("recipe", recipe, RECIPES)], phase), overrides)


def optimization_plan(
    recipe: str,  # a row of `OPTIMIZATIONS`
    **overrides,  # fields of `Optimization`; None leaves the recipe's own
) -> Optimization:
    "A recipe's optimisation with some of its facts replaced; it begins no larger than it ends."
    plan = _changed(OPTIMIZATIONS[known("recipe", recipe, OPTIMIZATIONS)], overrides)
    if plan.end_scale >= plan.min_scale:
        return plan
    if overrides.get("min_scale"):
        raise ValueError(f"end_scale={plan.end_scale} is below min_scale={plan.min_scale}.")
    return replace(plan, min_scale=plan.end_scale)


def scales_between(
    smallest: int,  # px
    largest: int,  # px
) -> list[int]:  # rising, each √2 of the one before; the last is `largest`
    "The sizes of the longer side that an optimisation goes through."
    if not 1 <= smallest <= largest:
        raise ValueError(f"scales from {smallest} to {largest} px: rising, from 1 px up.")
    steps = range(2 + int(2 * math.log2(largest / smallest)))
    return sorted({s for i in steps if (s := round(largest / 2 ** (i / 2))) >= smallest})


def _changed(plan, overrides):
    settings = [f.name for f in fields(plan)]
    if unknown := sorted(set(overrides) - set(settings)):
        raise ValueError(f"no setting {', '.join(unknown)}: there are {', '.join(settings)}.")
    given = {name: value for name, value in overrides.items() if value is not None}
    for name in {"content_layers", "style_layers"} & set(given):
        given[name] = _parts(given[name], getattr(plan, name))
    return replace(plan, **given)


def _parts(layers, own):
    "Parts of layers, those that are None as large as the recipe's own are on the mean."
    mean = sum(own.values()) / len(own) if own else 1.0
    return {k: own.get(k, mean) if part is None else part for k, part in layers.items()}
