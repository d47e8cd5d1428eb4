"Arguments and options of training and its losses."

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, BadParameter

from ..core.values import either, known
from ..training.recipes import RECIPES
from . import options
from .checks import check_folder
from .options import option

PHOTOS = "Folder of training photos."
Photos = Annotated[
    Path, Argument(metavar="PHOTOS", help=PHOTOS, show_default=False, callback=check_folder)
]
OUT = "Folder for the network, previews and checkpoints."
Out = Annotated[Path, option("DIR", OUT, "-o", "--output", show_default=False)]
Seed = Annotated[int, option("N", "Random seed.")]
RECIPE = f"Training recipe: {either(RECIPES)}. All but fast are published ones."
Recipe = Annotated[
    str, option("NAME", RECIPE, callback=lambda name: known("recipe", name, RECIPES))
]
ARCH = (
    "Network: full, slim (half the channels, twice as fast), tiny (a quarter) or tarun "
    "(as published)."
)
Arch = Annotated[str, option("NAME", ARCH)]
ValidPct = Annotated[
    float, option("SHARE", "Share of the photos held out for validation.", min=0, max=0.9)
]
WORKERS = "Processes that load photos. Default: up to 16 on CUDA, otherwise 0."
Workers = Annotated[int | None, option("N", WORKERS, "--num-workers", min=0)]
CHECKPOINT_EVERY = "Steps between checkpoints. Default: 200, at least a minute apart."
CheckpointEvery = Annotated[int | None, option("STEPS", CHECKPOINT_EVERY, min=1)]


def override(kind: Any, metavar: str | None, description: str, *names: str, **limits: Any) -> tuple:
    "An option that overrides one setting of a recipe: its type and default."
    limits["rich_help_panel"] = "Loss and schedule"
    return Annotated[kind | None, option(metavar, description, *names, **limits)], None


def layer_parts(text: str) -> dict[str, float | None]:
    "Parse LAYER or LAYER=PART items, separated by commas; a layer without a number gets None."
    parts = {}
    for item in text.split(","):
        name, equals, part = item.strip().partition("=")
        try:
            parts[name] = float(part) if equals else None
        except ValueError:
            raise BadParameter(f"'{item}' must be LAYER or LAYER=NUMBER.") from None
    return parts


def setting(text: str) -> tuple[str, str, Any]:
    "Parse TERM.SETTING=VALUE: a term of the loss, its setting and its value."
    name, equals, value = text.partition("=")
    term, dot, key = name.partition(".")
    if not (dot and equals and value):
        raise BadParameter(f"'{text}' must be TERM.SETTING=VALUE, such as tone.weight=1.")
    if key == "layers":
        return term, key, layer_parts(value)
    try:
        numbers = [float(part) for part in value.split(",")]
    except ValueError:  # a name
        return term, key, value
    if key == "scales" or len(numbers) > 1:
        return term, key, tuple(numbers)
    return term, key, int(value) if value.isdecimal() else numbers[0]


weight = partial(override, float, "WEIGHT", min=0)
named = partial(override, str, "NAME")
layers = partial(override, dict, "LAYER[=PART],…", parser=layer_parts)
STROKES_HELP = (
    "Learn from the paintings as strokes of thick paint would show them, for visible strokes. "
    "A style from more than 4 works is learned from them as they are. Default: by the default "
    "recipe where a painting has brushwork, and not for prints and smooth paint."
)
STROKES = override(bool, None, STROKES_HELP, "--strokes/--no-strokes")
DEFAULT = "Default: the recipe's."
UNITS = "in the recipe's units (1 for fast, 1e10 for johnson)."
# Groups of options for the decorator `takes`: name -> type and default.
STYLE_LOSS = {
    "style_weight": weight(f"Weight of the style loss, {UNITS}"),
    "style_layers": layers(f"Layers of the style loss. {DEFAULT}"),
    "style_size": override(int, "PX", f"Short side of the paintings in px. {DEFAULT}", min=1),
    "strokes": STROKES,
}
CONTENT_LAYERS = layers(f"Layers of the content loss, such as relu2_2,relu3_4=.5. {DEFAULT}")
BACKBONE = {
    "backbone": named(f"Backbone: vgg16, vgg19, vgg19_16x or lite (built in). {DEFAULT}"),
    "weights": override(
        Path, "FILE", "Backbone weights (.safetensors or .pth).", "--backbone-weights"
    ),
}
LOSS = {
    **BACKBONE,
    "content_weight": weight("Weight of the content loss, in the recipe's units."),
    "tv_weight": weight("Weight of the total variation, in the recipe's units."),
    "content_layers": CONTENT_LAYERS,
    "settings": override(
        list[Any],
        "TERM.SETTING=VALUE",
        "Any setting of a loss term, such as tone.weight=1 or style.size=400. Repeat for several.",
        "--set",
        parser=setting,
    ),
    "lr": override(float, "RATE", f"Peak learning rate. {DEFAULT}", min=1e-12),
    "opt": named("Optimizer: adam or muon.", "--optimizer"),
}
SCHEDULE = {
    "size": override(int, "PX", f"Side of the square training crops. {DEFAULT}", "--crop-size"),
    "bs": override(int, "N", f"Photos per step. {DEFAULT}", "--batch-size", "--bs"),
    "images": override(int, "N", f"Photos per epoch, the same in every epoch. {DEFAULT}"),
    "epochs": override(int, "N", "Epochs in each phase of the recipe's schedule.", min=1),
}

# The last options of every training
RUN = {
    "force": (options.Force, False),
    "workers": (Workers, None),
    "device": (options.Device, None),
    "precision": (options.Precision, "auto"),
    "seed": (Seed, 0),
    "quiet": (options.Quiet, False),
}
