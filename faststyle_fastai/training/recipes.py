"The table of training recipes, for autoencoders and styles."

from dataclasses import dataclass, field

from ..core.errors import known
from ..core.plans import plan_with

__all__ = ["RECIPES", "Recipe", "Training", "recipe_plan"]


@dataclass(frozen=True)
class Training:
    "All settings of a training except the photos and the painting."

    backbone: str  # a row of backbones.BACKBONES
    content_layers: dict[str, float]  # layer -> part; None as a part: the recipe's own, or its mean
    style_layers: dict[str, float] = field(default_factory=dict)  # likewise
    content_weight: float = 1.0  # this and the next two are in the recipe's own units, those of
    style_weight: float = 1.0  # its publication; the parts above and `tv_unit` convert them
    tv_weight: float = 0.0  # weight of the total variation
    tone_weight: float = 0.0  # weight of losses.tone_error
    tv_unit: float = 1.0  # the total variation's part
    chroma_weight: float = 0.0  # weight of losses.chroma_variation
    droplets: float = 0.0  # weight of callbacks.DropletPenalty
    stable: float = 0.0  # weight of temporal.TemporalConsistency
    balance: str = "relative"  # see losses.VggLoss
    style_loss: str | None = None  # a row of style_losses.STYLE_LOSSES; None: by `balance`
    content_loss: str | None = None  # a row of style_losses.CONTENT_LOSSES; None: by `balance`
    scales: tuple[float, ...] = (1,)  # see losses.VggLoss
    style_size: int | None = None  # px of the painting's short side; None: the photo's
    style_margin: float = 0.0  # see losses.VggLoss
    normalize: bool = True  # whether the backbone's input is normalized as for ImageNet
    opt: str = "adam"  # a row of optimizers.OPTIMIZERS
    lr: float = 1e-3  # peak
    schedule: tuple[str, ...] = ("fit_one_cycle",)  # Learner methods, in order
    epochs: int = 1  # of each method
    images: int | None = None  # photos per epoch; None: all
    size: int = 256  # px
    small: int = 0  # px of the photos at first; 0: never reduced
    small_until: float = 0.0  # share of the training time spent at `small`
    bs: int = 4
    wd: float = 0.0
    eps: float = 1e-8  # of Adam


FAST_START = Training(
    backbone="lite",
    content_layers={"relu1_1": 1.0, "relu2_2": 1.0},  # colors, and a start for styles
    droplets=0.3,
    lr=2e-3,
    images=16_000,
    small=128,
    small_until=0.4,
)


@dataclass(frozen=True)
class Recipe:
    style: Training
    autoencoder: Training = FAST_START  # redraws photos; not every published recipe has one
    minutes: float | None = None  # for each style, if neither they nor epochs nor images are given


# The published recipes compare raw sums of features of torchvision's networks, which expect
# normalized RGB. Weights meant for other inputs are converted: features scale with the input, the
# content loss with their square, the style loss with their fourth power.
VGG16_LAYERS = {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256, "relu4_3": 512}  # -> channels
PUBLISHED = {"balance": "none", "style_size": 256}
EXAMPLES = {
    "backbone": "vgg16",
    "content_layers": {"relu2_2": 1.0},
    "content_weight": 1e5,
    "style_layers": dict.fromkeys(VGG16_LAYERS, 1.0),
    "style_weight": 1e10,
}
# PiotrekSkalski/style-transfer. Its TV weight of 1e-6 applies to the sum over a batch of 16. Ours
# applies to the sum over one image, so that the batch size does not change the result.
SKALSKI = {"content_weight": 1e5, "tv_weight": 1e-6, "tv_unit": 16.0, "bs": 16, "wd": 1e-6}

# With these weights, W2 contributes about equally at each layer for good images;
# benchmarks/RECIPE.md has the experiments. The painting is larger than the photo, for bold strokes.
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
        minutes=5,
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
    # Gram differences, with an input that is not normalized.
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
    # tarun-bisht/fast-style-transfer's own configuration: content 10, style 100, TV 0.004, for
    # Keras' VGG19 with input in 0–255, whose features are 57 times larger.
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


def recipe_plan(
    recipe: str,  # a row of `RECIPES`
    phase: str,  # autoencoder | style
    **overrides,  # fields of `Training`; None keeps the recipe's own
) -> Training:
    "A recipe's training, with some settings replaced."
    return plan_with(getattr(recipe_row(recipe), phase), overrides)


def recipe_row(recipe: str) -> Recipe:
    "A row of `RECIPES`; `ValueError` for an unknown name."
    return RECIPES[known("recipe", recipe, RECIPES)]
