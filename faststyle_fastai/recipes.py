"One table: what each recipe trains with, its autoencoder and its style run."

from dataclasses import dataclass, field, fields, replace

__all__ = ["RECIPES", "Recipe", "Training", "recipe_plan"]


@dataclass(frozen=True)
class Training:
    "Everything a training is made of besides the photos and the painting."

    backbone: str  # a row of backbones.BACKBONES
    content_layers: dict[str, float]  # layer -> weight
    style_layers: dict[str, float] = field(default_factory=dict)  # layer -> weight
    tv: float = 0.0  # weight of the total variation
    droplets: float = 0.0  # weight of callbacks.DropletPenalty
    balance: str = "relative"  # see losses.VggLoss
    scales: tuple[float, ...] = (1,)  # see losses.VggLoss
    style_size: int | None = None  # px of the painting's short side; None: the photo's
    lr: float = 1e-3  # the highest, for Adam
    schedule: tuple[str, ...] = ("fit_one_cycle",)  # Learner verbs, one after the other
    epochs: int = 1  # of each verb
    images: int | None = None  # photos an epoch; None: all of them
    size: int = 256  # px
    small: int = 0  # px the photos are reduced to at first; 0: never
    small_until: float = 0.0  # share of the training spent at `small`
    bs: int = 4
    wd: float = 0.0
    eps: float = 1e-8  # of Adam


@dataclass(frozen=True)
class Recipe:
    autoencoder: Training  # learns to redraw photos: the start
    style: Training  # goes on from there


# PiotrekSkalski/style-transfer. Its TV weight 1e-6 is on the sum over a batch of 16; ours is on
# the sum over one picture, so that a batch's size does not change the picture.
SKALSKI = {"backbone": "vgg16", "balance": "none", "tv": 16e-6, "bs": 16, "wd": 1e-6}
SKALSKI_LAYERS = "relu1_2", "relu2_2", "relu3_3", "relu4_3"

RECIPES = {
    "fast": Recipe(
        autoencoder=Training(
            backbone="lite",
            content_layers={"relu1_1": 1.0, "relu2_2": 1.0},  # colours, and a start for styles
            lr=2e-3,
            images=8000,
            small=128,
            small_until=0.75,
        ),
        style=Training(
            backbone="lite",
            content_layers={"relu2_2": 1.0},
            style_layers=dict.fromkeys(("relu1_1", "relu2_1", "relu3_1", "relu3_4"), 5.0),
            tv=1.0,
            droplets=1.0,
            scales=(1, 0.5, 0.25),
            lr=1e-3,
            images=4000,
            bs=2,
            small=128,
            small_until=0.6,
        ),
    ),
    "skalski": Recipe(
        autoencoder=Training(content_layers={"relu1_1": 1e5}, lr=1e-3, **SKALSKI),
        style=Training(
            content_layers={"relu2_2": 1e5},
            style_layers=dict.fromkeys(SKALSKI_LAYERS, 1e10),
            style_size=256,
            lr=2e-4,
            schedule=("fit", "fit_one_cycle"),
            images=20_000,
            **SKALSKI,
        ),
    ),
}


def recipe_plan(
    recipe: str,  # a row of `RECIPES`
    phase: str,  # autoencoder | style
    **overrides,  # fields of `Training`; None leaves the recipe's own
) -> Training:
    "A recipe's training with some of its facts replaced."
    if recipe not in RECIPES:
        raise ValueError(f"no recipe '{recipe}': choose one of {', '.join(RECIPES)}.")
    known = [f.name for f in fields(Training)]
    if unknown := set(overrides) - set(known):
        raise ValueError(f"no setting {', '.join(sorted(unknown))}: there are {', '.join(known)}.")
    overrides = {name: value for name, value in overrides.items() if value is not None}
    return replace(getattr(RECIPES[recipe], phase), **overrides)
