"The table of training recipes, for autoencoders and styles: each names the terms of its loss."

from dataclasses import dataclass, field

from ..core.values import known
from ..perceptual.plans import FAST_LOSS, Plan, merged, plan_with

__all__ = ["RECIPES", "Recipe", "Training", "recipe_plan"]


@dataclass(frozen=True)
class Training(Plan):
    "All settings of a training except the photos and the painting."

    backbone: str  # a row of backbones.BACKBONES
    loss: dict[str, dict] = field(default_factory=dict)  # term -> settings, see terms.TERMS
    normalize: bool = True  # whether the backbone's input is normalized as for ImageNet
    opt: str = "adam"  # a row of optimizers.OPTIMIZERS
    lr: float = 1e-3  # peak
    schedule: tuple[str, ...] = ("fit_one_cycle",)  # Learner methods, in order
    epochs: int = 1  # of each method
    images: int | None = None  # photos per epoch; None: all
    strokes: bool | None = False  # learn from works in thick paint; None: from those with brushwork
    size: int = 256  # px
    small: int = 0  # px of the photos at first; 0: never reduced
    small_until: float = 0.0  # share of the training time spent at `small`
    bs: int = 4  # photos per step
    wd: float = 0.0  # weight decay
    eps: float = 1e-8  # of Adam


FAST_START = Training(
    backbone="lite",
    loss={
        "content": {"layers": {"relu1_1": 1.0, "relu2_2": 1.0}},  # colors, and a start for styles
        "droplets": {"weight": 0.3},
    },
    lr=2e-3,
    images=16_000,
    small=128,
    small_until=0.4,
)


@dataclass(frozen=True)
class Recipe:
    "The training of a style, and of the autoencoder that it may start from."

    style: Training  # repaints photos
    autoencoder: Training = FAST_START  # redraws photos; as in `fast` if none was published
    minutes: float | None = None  # of `train()` for each style, unless they or epochs are given
    palettes: bool = False  # paint with the painting's colors; published recipes do not


# The published recipes compare raw sums of features of torchvision's networks, which expect
# normalized RGB. Weights meant for other inputs are converted: features scale with the input, the
# content loss with their square, the style loss with their fourth power.
VGG16_LAYERS = {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256, "relu4_3": 512}  # -> channels
RAW = {"distance": "mse"}
GRAM = {"distance": "gram_mean", "size": 256, "enlarge": True}
# pytorch/examples' fast_neural_style, from Johnson et al. 2016.
EXAMPLES = {
    "content": {"layers": {"relu2_2": 1.0}, "weight": 1e5, **RAW},
    "style": {"layers": dict.fromkeys(VGG16_LAYERS, 1.0), "weight": 1e10, **GRAM},
}
# PiotrekSkalski/style-transfer. Its TV weight of 1e-6 applies to the sum over a batch of 16. Ours
# applies to the sum over one image, so that the batch size does not change the result.
SKALSKI = {"tv": {"weight": 1e-6, "unit": 16.0, "kind": "sum"}}

# Photos an epoch, batch and px are those of `train()` and the command line, and so are the minutes
# of `fast`. A Learner takes them from its DataLoaders, and trains for the epochs that you give.
RECIPES = {
    "fast": Recipe(  # our own; photos keep their tones
        Training(
            backbone="lite",
            loss=merged(FAST_LOSS, {"style": {"size": 512}, "droplets": {"weight": 1.0}}),
            strokes=None,
            opt="muon",
            lr=3e-3,
            images=4000,
            bs=2,
            small=128,
            small_until=0.3,
        ),
        minutes=5,
        palettes=True,
    ),
    "skalski": Recipe(  # PiotrekSkalski's
        Training(
            backbone="vgg16",
            loss=EXAMPLES | SKALSKI,
            lr=2e-4,
            schedule=("fit", "fit_one_cycle"),
            images=20_000,
            bs=16,
            wd=1e-6,
        ),
        Training(
            backbone="vgg16",
            loss={"content": {"layers": {"relu1_1": 1.0}, "weight": 1e5, **RAW}, **SKALSKI},
            bs=16,
            wd=1e-6,
        ),
    ),
    "johnson": Recipe(  # pytorch/examples' fast_neural_style
        Training(backbone="vgg16", loss=EXAMPLES, schedule=("fit",), epochs=2)
    ),
    # seloufian/Faster-Style-Transfer, from Dumoulin et al. 2017: 17 times the *sum* of squared
    # Gram differences, with an input that is not normalized.
    "dumoulin": Recipe(
        Training(
            backbone="vgg16",
            loss={
                "content": {"layers": {"relu3_3": 1.0}, "weight": 1.0, **RAW},
                "style": {
                    "layers": {layer: float(n**2) for layer, n in VGG16_LAYERS.items()},
                    "weight": 17.0,
                    **GRAM,
                },
            },
            normalize=False,
            schedule=("fit",),
            images=400_000,
            bs=16,
        )
    ),
    # tarun-bisht/fast-style-transfer's own configuration: content 10, style 100, TV 0.004, for
    # Keras' VGG19 with input in 0–255, whose features are 57 times larger.
    "tarun": Recipe(
        Training(
            backbone="vgg19",
            loss={
                "content": {"layers": {"relu4_2": 57.0**2}, "weight": 10.0, **RAW},
                "style": {
                    "layers": {f"relu{block}_1": 57.0**4 for block in range(1, 6)},
                    "weight": 100.0,
                    **GRAM,
                },
                "tv": {"weight": 0.004, "unit": 255.0, "kind": "sum"},
            },
            schedule=("fit",),
            epochs=2,
        )
    ),
}


def recipe_plan(
    recipe: str,  # a row of `RECIPES`
    phase: str,  # autoencoder | style
    **overrides,  # fields of `Training`, or as in plans.SHORTHAND; None keeps the recipe's own
) -> Training:
    """A recipe's training, with some settings replaced.

    Raises `ValueError` for an unknown recipe, phase or setting.
    """
    from ..perceptual.terms import TERMS  # imports torch, which the table need not
    from .network_terms import NETWORK_TERMS

    known("phase", phase, ("autoencoder", "style"))
    return plan_with(getattr(recipe_row(recipe), phase), overrides, TERMS | NETWORK_TERMS)


def recipe_row(recipe: str) -> Recipe:
    "A row of `RECIPES`; `ValueError` for an unknown name."
    return RECIPES[known("recipe", recipe, RECIPES)]
