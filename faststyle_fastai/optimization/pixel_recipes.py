"The table of recipes for the optimization of pixels."

import math
from dataclasses import dataclass, replace
from typing import Any

from ..core.values import check_range, known
from ..perceptual.plans import Plan, merged, plan_with

__all__ = ["Optimization", "OPTIMIZATIONS", "optimization_plan", "scales_between"]


@dataclass(frozen=True)
class Optimization(Plan):
    "All settings of an optimization except the photo and the paintings."

    backbone: str  # a row of backbones.BACKBONES
    loss: dict[str, dict]  # term -> settings, see terms.TERMS
    pooling: str = "max"  # a row of backbones.POOLINGS
    padding: str = "replicate"  # of the first convolution
    optimizer: str = "adam"  # adam, lbfgs, or wolfe (L-BFGS with a line search)
    step_size: float = 0.02  # of Adam
    betas: tuple[float, float] = (0.9, 0.99)  # of Adam
    clamp: bool = True  # limit pixels to [0, 1], L-BFGS as each size begins; else free
    min_scale: int = 128  # px, the least longer side
    scale_ratio: float = 2**0.5  # of a size to the one before; the sizes are end_scale / ratioⁿ
    end_scale: int = 512  # px of the longer side at the end
    initial_iterations: int = 1000  # at the smallest scale
    iterations: int = 500  # at each later scale
    avg_decay: float = 0.99  # of the running mean of iterates, which is the result
    init: str = "content"  # a row of initializers.INITS; the command also takes stylized:STYLE
    style_scale_fac: float = 1.0  # paintings' longer side, relative to the size; never enlarged
    style_size: int | None = None  # px of the paintings' longer side instead
    enlarge: bool = True  # photos that are smaller than a scale
    levels: int = 0  # of a Laplacian pyramid that is optimized instead of the pixels, by Adam
    anneal: float = 0.0  # last share of the iterations at a size in which Adam's step falls to 0
    rematch: int = 10  # iterations after which places are matched again, see terms.Neighbors
    palette: float = 0.0  # share of the way to the painting's colors at the end
    strokes: bool | None = False  # of paintings in thick paint; None: of those with brushwork


LARGEST = 2**16  # px of the longer side
MOST_DECAY = 0.9999  # of the running mean
MOST_ALIKE = 0.95  # the weights of content and tone grow up to this likeness

# crowsonkb/style-transfer-pytorch.
CROWSON = Optimization(
    "vgg19",
    loss={
        "content": {"layers": {"relu4_2": 1.0}, "weight": 0.015, "distance": "mse"},
        "style": {
            "layers": {f"relu{block}_1": 4.0 ** (5 - block) / 341 for block in range(1, 6)},
            "weight": 1.0,
            "distance": "w2",
        },
        "tv": {"weight": 2.0, "kind": "squares"},
    },
)


BRUSHWORK = dict.fromkeys(("relu1_2", "relu2_2", "relu3_1", "relu3_4", "relu4_2"), 1.0)

# Recipes to optimize pixels: our own, and published ones
OPTIMIZATIONS = {
    # Places become like their nearest neighbors in the painting: cells of all layers keep the
    # subject, the layers one by one bring the brushwork. Without the content and tone of the
    # photo, faces dissolve; without the total variation, there is a weave. benchmarks/RECIPE.md
    # has the experiments.
    "neighbors": Optimization(
        "lite",
        loss={
            "content": {
                "layers": {"relu2_2": 0.6, "relu3_4": 1.0, "relu4_2": 1.0},
                "weight": 0.42,
                "distance": "normalized",
            },
            "hypercolumns": {"layers": BRUSHWORK, "weight": 5.0},
            "neighbors": {"layers": BRUSHWORK, "weight": 1.5, "places": 8192},
            "tone": {"weight": 1.2},
            "tv": {"weight": 8.0, "kind": "mean"},
            "chroma": {"weight": 8.0},
        },
        pooling="l2",
        padding="zeros",
        step_size=0.015,
        betas=(0.9, 0.999),
        clamp=False,
        min_scale=96,
        scale_ratio=2.0,
        initial_iterations=80,
        iterations=80,
        avg_decay=0.0,
        init="blurred",
        levels=5,
        anneal=0.5,
        palette=0.5,
        strokes=None,
    ),
    "crowson": CROWSON,  # crowsonkb/style-transfer-pytorch's
    # Its first release: errors are divided by their L1 norms, for gradients of similar size.
    "crowson_2021": plan_with(
        CROWSON, {"content_loss": "scaled", "style_loss": "gram_scaled", "tv": "forward squares"}
    ),
    # Gatys et al. 2016 as commonly implemented: unbounded pixels in the backbone's own units.
    "gatys": Optimization(
        "vgg19",
        loss={
            "content": {"layers": {"relu4_2": 1.0}, "weight": 1.0, "distance": "mse"},
            "style": {
                "layers": {f"relu{block}_1": 1 / 5 for block in range(1, 6)},
                "weight": 1e3,
                "distance": "gram_sum",
            },
            "tv": {"weight": 1e-2, "kind": "sum", "normalized": True},
        },
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


def optimization_plan(
    recipe: str,  # a row of `OPTIMIZATIONS`
    **overrides: Any,  # fields of `Optimization`, or as in plans.SHORTHAND; None: the recipe's
) -> Optimization:
    """A recipe's optimization with some settings replaced; min_scale is at most end_scale.

    `likeness` is the photo's share in what is matched; content and tone weigh more with it.

    Raises `ValueError` for an unknown recipe or setting, for `likeness` in a recipe without
    neighbors, and a `min_scale` above `end_scale`.
    """
    from ..perceptual.terms import TERMS  # imports torch, which the table does not need

    plan = OPTIMIZATIONS[known("recipe", recipe, OPTIMIZATIONS)]
    likeness = overrides.pop("likeness", None)
    plan = plan_with(plan if likeness is None else alike(plan, likeness), overrides, TERMS)
    check_range("rematch", plan.rematch, 1)
    check_range("avg_decay", plan.avg_decay, 0, MOST_DECAY)
    check_range("palette", plan.palette, 0, 1)
    if any(plan.loss.get("style", {}).values()) and not plan.style_layers:
        raise ValueError(
            f"Recipe {recipe} has no style layers to weigh. Use likeness=, or add style_layers=."
        )
    if plan.end_scale >= plan.min_scale:
        return plan
    if overrides.get("min_scale"):
        raise ValueError(f"end_scale={plan.end_scale} is below min_scale={plan.min_scale}.")
    return replace(plan, min_scale=plan.end_scale)


def alike(plan: Optimization, likeness: float) -> Optimization:
    "A plan with another likeness to the photo."
    if "hypercolumns" not in plan.loss:
        raise ValueError("likeness= needs the recipe neighbors.")
    check_range("likeness", likeness, 0, 1)
    odds = likeness / (1 - min(likeness, MOST_ALIKE)) / 3  # 1 for the recipe's own likeness, .75
    weights = {term: {"weight": plan.loss[term]["weight"] * odds} for term in ("content", "tone")}
    changes = weights | {"hypercolumns": {"likeness": likeness}}
    return replace(plan, loss=merged(plan.loss, changes))


def scales_between(
    smallest: int,  # px
    largest: int,  # px
    ratio: float = 2**0.5,  # of a size to the one before
) -> list[int]:  # rising; the last is `largest`
    "The sizes of the longer side in an optimization, coarse to fine."
    if not 1 <= smallest <= largest <= LARGEST:
        raise ValueError(
            f"Scales from {smallest} to {largest} px must rise and lie between 1 and {LARGEST} px."
        )
    check_range("scale_ratio", ratio, 1.1, LARGEST)
    steps = range(2 + int(math.log(largest / smallest, ratio)))
    return sorted({s for i in steps if (s := round(largest / ratio**i)) >= smallest})
