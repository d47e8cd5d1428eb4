"Arguments and options that several commands share."

import os
from collections.abc import Callable
from dataclasses import fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, BadParameter, Option

from ..core.terminal import printable
from ..core.values import either
from ..inference.options import PaintOptions
from ..perceptual.plans import SHORTHAND
from ..training.recipes import RECIPES
from .checks import check_device, check_folder, check_mix, check_recipe, check_style
from .help import in_options
from .parsers import layer_parts, setting


def option(metavar: str, description: str, *names: str, **more: Any) -> Any:
    return Option(*names, metavar=metavar, help=description, **more)


Photos = Annotated[
    Path,
    Argument(
        metavar="PHOTOS",
        help="Folder of training photos.",
        show_default=False,
        callback=check_folder,
    ),
]
Out = Annotated[
    Path,
    option(
        "DIR",
        "Folder for the network, previews and checkpoints.",
        "-o",
        "--output",
        show_default=False,
    ),
]
Device = Annotated[
    str | None,
    option(
        "NAME",
        "Device, such as cpu, cuda or cuda:1. Default: the best available.",
        callback=check_device,
    ),
]
Seed = Annotated[int, option("N", "Random seed.")]
Quiet = Annotated[bool, Option("--quiet", help="Do not print progress.")]
Output = Annotated[Path, option("FILE", "Output file.", "-o", "--output")]
StyleOutput = Annotated[Path, option("FILE", "Output file (.safetensors).", "-o", "--output")]
Likeness = Annotated[
    float | None,
    option(
        "SHARE",
        "From 0 (the painting with your subject) to 1 (the photo, painted). Default: 1, and 0.75 "
        "with --refine.",
        min=0,
        max=1,
    ),
]
Painterly = Annotated[
    bool,
    Option("--painterly", help="Paint with places of the style's painting. Slower than a network."),
]
Painting = Annotated[
    str | None, option("FILE", "Painting of a style of your own, for --refine and --painterly.")
]
Megapixels = Annotated[
    float, option("N", "Refuse images with more megapixels.", "--max-megapixels", min=0.001)
]
Recipe = Annotated[
    str,
    option(
        "NAME",
        f"Training recipe: {either(RECIPES)}. All but fast are published ones.",
        callback=check_recipe,
    ),
]
Arch = Annotated[
    str,
    option(
        "NAME",
        "Network: full, slim (half the channels, twice as fast), tiny (a quarter) or tarun "
        "(as published).",
    ),
]
SightArch = Annotated[
    str | None,
    option(
        "NAME",
        "Network for a painting at first sight: full (the default) or slim (faster).",
        "--arch",
    ),
]
ValidPct = Annotated[
    float, option("SHARE", "Share of the photos held out for validation.", min=0, max=0.9)
]
Workers = Annotated[
    int | None,
    option(
        "N",
        "Processes that load photos. Default: up to 16 on CUDA, otherwise 0.",
        "--num-workers",
        min=0,
    ),
]
CheckpointEvery = Annotated[
    int | None,
    option("STEPS", "Steps between checkpoints. Default: 200, at least a minute apart.", min=1),
]


def override(kind: Any, metavar: str, description: str, *names: str, **limits: Any) -> tuple:
    "An option that overrides one setting of a recipe: its type and default."
    limits["rich_help_panel"] = "Loss and schedule"
    return Annotated[kind | None, option(metavar, description, *names, **limits)], None


LAYERS, DEFAULT = "LAYER[=PART],…", "Default: the recipe's."
UNITS = "in the recipe's units (1 for fast, 1e10 for johnson)."
SETTINGS = ", ".join(".".join(setting) for setting in SHORTHAND.values())
# Groups of options for the decorator `takes`: name -> type and default.
STYLE_LOSS = {
    "style_weight": override(float, "WEIGHT", f"Weight of the style loss, {UNITS}", min=0),
    "style_layers": override(
        dict, LAYERS, f"Layers of the style loss. {DEFAULT}", parser=layer_parts
    ),
    "style_size": override(int, "PX", f"Short side of the paintings in px. {DEFAULT}", min=1),
}
CONTENT_LAYERS = override(
    dict,
    LAYERS,
    f"Layers of the content loss, such as relu2_2,relu3_4=.5. {DEFAULT}",
    parser=layer_parts,
)
BACKBONE = {
    "backbone": override(
        str, "NAME", f"Backbone: vgg16, vgg19, vgg19_16x or lite (built in). {DEFAULT}"
    ),
    "weights": override(
        Path, "FILE", "Backbone weights (.safetensors or .pth).", "--backbone-weights"
    ),
}
LOSS = {
    **BACKBONE,
    "content_weight": override(
        float, "WEIGHT", "Weight of the content loss, in the recipe's units.", min=0
    ),
    "tv_weight": override(
        float, "WEIGHT", "Weight of the total variation, in the recipe's units.", min=0
    ),
    "content_layers": CONTENT_LAYERS,
    "settings": override(
        list[Any],
        "TERM.SETTING=VALUE",
        f"Any setting of a loss term, such as tone.weight=1. Repeat for several: {SETTINGS}.",
        "--set",
        parser=setting,
    ),
    "lr": override(float, "RATE", f"Peak learning rate. {DEFAULT}", min=1e-12),
    "opt": override(str, "NAME", "Optimizer: adam or muon.", "--optimizer"),
}
SCHEDULE = {
    "size": override(int, "PX", f"Side of the square training crops. {DEFAULT}", "--crop-size"),
    "bs": override(int, "N", f"Photos per step. {DEFAULT}", "--batch-size", "--bs"),
    "images": override(int, "N", f"Photos per epoch, the same in every epoch. {DEFAULT}"),
    "epochs": override(int, "N", "Epochs in each phase of the recipe's schedule.", min=1),
}

STYLE = (
    "A built-in style, a painting (a file or a URL), several as NAME=FILE,FILE,…, "
    "a .safetensors file, a run folder, or FILE:NAME."
)
Style = Annotated[str, option("STYLE", STYLE, callback=check_style)]
AsOne = Annotated[
    bool,
    Option("--as-one", help="The style is a folder of paintings. Blend them into one style."),
]
Mix = Annotated[
    list[str] | None,
    option(
        "STYLE=.3",
        "Style to mix in, and its share. Repeat for several. --style gets the rest.",
        callback=check_mix,
    ),
]
# Options of painting, with the help, metavar and limits of their field in PaintOptions.
PAINT: dict[str, dict[str, Any]] = {
    "strength": {},
    "mask": {"kind": Path | None},
    "area": {"names": ["--paint"]},
    "faces": {},
    "black": {"kind": str | None, "names": ["--background-style"], "callback": check_style},
    "stroke": {},
    "size": {},
    "keep_colors": {"names": ["--keep-colors"]},
    "tile": {"kind": str},
    "exact": {"names": ["--exact"]},
}


def paint_options(*without: str) -> dict[str, tuple]:
    "A group of options for `takes`: those of painting, except some."

    def typed(field, kind=None, names=(), **more):
        return Annotated[kind or field.type, Option(*names, **field.metadata | more)]

    chosen = [f for f in fields(PaintOptions) if f.name in PAINT and f.name not in without]
    return {field.name: (typed(field, **PAINT[field.name]), field.default) for field in chosen}


def painting(options: dict[str, Any]) -> PaintOptions:
    "PaintOptions; options that do not go together are a usage error."
    try:
        return PaintOptions(**options)
    except ValueError as error:
        raise BadParameter(in_options(str(error))) from None


def takes(options: dict[str, tuple], last: dict[str, tuple] | None = None) -> Callable:
    "Decorate a command: its `**kwargs` become these options, after its required ones or `last`."

    def added(options):
        return [
            Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for name, (kind, default) in options.items()
        ]

    def decorate(command):
        *declared, _ = signature(command).parameters.values()
        declared = [p.replace(kind=p.KEYWORD_ONLY) for p in declared]
        required = [p for p in declared if p.default is p.empty]
        parameters = required + added(options) + declared[len(required) :] + added(last or {})
        command.__signature__ = Signature(parameters)
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorate


Precision = Annotated[
    str,
    option(
        "NAME",
        "Precision: float32, bfloat16, float16, or auto (what the device supports best).",
        envvar="FASTSTYLE_PRECISION",
    ),
]
TrustPickle = Annotated[
    bool, Option("--trust-pickle", help="Allow a .pkl file, which can run code when loaded.")
]
Force = Annotated[bool, Option("--overwrite", help="Overwrite existing output.")]
# The last options of every training
RUN = {
    "force": (Force, False),
    "workers": (Workers, None),
    "device": (Device, None),
    "precision": (Precision, "auto"),
    "seed": (Seed, 0),
    "quiet": (Quiet, False),
}

Host = Annotated[str, option("ADDRESS", "Address of the web page.")]
Port = Annotated[int, option("PORT", "Port of the web page.", min=0, max=65535)]
AllowHosts = Annotated[
    list[str] | None,
    option(
        "NAME", "Additional host name of the page, for example behind a proxy. Repeat for several."
    ),
]
Browser = Annotated[bool, Option(help="Open the page in a browser.")]


def print_outputs(*paths: str | Path) -> None:
    "Print the paths of a command's results, as its last output."
    if int(os.environ.get("RANK", 0)):  # in distributed training only the first process prints
        return
    for path in paths:
        print(printable(str(path)), flush=True)  # a pipe may wait for it
