"Arguments and options that several commands share."

import os
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from ..core.terminal import printable
from ..core.values import either
from ..inference.options import PaintOptions
from ..perceptual.plans import SHORTHAND
from ..training.recipes import RECIPES
from .checks import check_device, check_folder, check_mix, check_recipe, check_style

Photos = Annotated[
    Path,
    typer.Argument(
        metavar="PHOTOS",
        help="Folder of training photos.",
        show_default=False,
        callback=check_folder,
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Folder for the network, previews and checkpoints.",
        show_default=False,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Device, such as cpu, cuda or cuda:1. Default: the best available.",
        callback=check_device,
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Random seed.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Do not print progress.")]
Recipe = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=f"Training recipe: {either(RECIPES)}. All but fast are published ones.",
        callback=check_recipe,
    ),
]
BackboneName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Backbone: vgg16, vgg19 or lite (built in). Default: the recipe's."
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--backbone-weights", metavar="FILE", help="Backbone weights (.safetensors or .pth)."
    ),
]
Arch = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Network: full, slim (half the channels, twice as fast), tiny (a quarter) or tarun "
        "(as published).",
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--crop-size",
        metavar="PX",
        help="Side of the square training crops. Default: the recipe's.",
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size", "--bs", metavar="N", help="Photos per step. Default: the recipe's."
    ),
]
Images = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Photos per epoch, the same in every epoch. Default: the recipe's."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--num-workers",
        min=0,
        metavar="N",
        help="Processes that load photos. Default: up to 16 on CUDA, otherwise 0.",
    ),
]
CheckpointEvery = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="STEPS",
        help="Steps between checkpoints. Default: 200, at least a minute apart.",
    ),
]
ValidPct = Annotated[
    float,
    typer.Option(
        min=0, max=0.9, metavar="SHARE", help="Share of the photos held out for validation."
    ),
]


def layer_parts(text: str) -> dict[str, float | None]:
    "Parse LAYER or LAYER=PART items, separated by commas; a layer without a number gets None."
    parts = {}
    for item in text.split(","):
        name, equals, part = item.strip().partition("=")
        try:
            parts[name] = float(part) if equals else None
        except ValueError:
            raise typer.BadParameter(f"'{item}' must be LAYER or LAYER=NUMBER.") from None
    return parts


def setting(text: str) -> tuple[str, str, Any]:
    "Parse TERM.SETTING=VALUE: a term of the loss, its setting and its value."
    name, equals, value = text.partition("=")
    term, dot, key = name.partition(".")
    if not (dot and equals and value):
        raise typer.BadParameter(f"'{text}' must be TERM.SETTING=VALUE, such as tone.weight=1.")
    if key == "layers":
        return term, key, layer_parts(value)
    try:
        numbers = [float(part) for part in value.split(",")]
    except ValueError:  # a name
        return term, key, value
    if key == "scales":
        return term, key, tuple(numbers)
    return term, key, int(value) if value.isdecimal() else numbers[0]


def _of_training(kind, metavar, what, names=(), **kwargs):
    "An option that overrides one setting of a recipe."
    panel = {"rich_help_panel": "Loss and schedule", "metavar": metavar, "help": what}
    return Annotated[kind | None, typer.Option(*names, **panel, **kwargs)]


OWN, UNITS = "Default: the recipe's.", "in the recipe's units (1 for fast, 1e10 for johnson)."
StyleWeight = _of_training(float, "WEIGHT", f"Weight of the style loss, {UNITS}", min=0)
ContentWeight = _of_training(
    float, "WEIGHT", "Weight of the content loss, in the recipe's units.", min=0
)
TvWeight = _of_training(
    float, "WEIGHT", "Weight of the total variation, in the recipe's units.", min=0
)
Lr = _of_training(float, "RATE", f"Peak learning rate. {OWN}", min=1e-12)
Epochs = _of_training(int, "N", "Epochs in each phase of the recipe's schedule.", min=1)
Opt = _of_training(str, "NAME", "Optimizer: adam or muon.")
LAYERS = "LAYER[=PART],…"
ContentLayers = _of_training(
    dict,
    LAYERS,
    f"Layers of the content loss, such as relu2_2,relu3_4=.5. {OWN}",
    parser=layer_parts,
)
StyleLayers = _of_training(dict, LAYERS, f"Layers of the style loss. {OWN}", parser=layer_parts)

SETTINGS = ", ".join(".".join(setting) for setting in SHORTHAND.values())
Set = _of_training(
    list[Any],
    "TERM.SETTING=VALUE",
    f"Any setting of a term of the loss, such as tone.weight=1. Repeat for several: {SETTINGS}.",
    names=["--set"],
    parser=setting,
)

Style = Annotated[
    str,
    typer.Option(
        metavar="STYLE",
        help="A built-in style, a painting (a file or a URL), a .safetensors file, a run folder, "
        "or FILE:NAME.",
        callback=check_style,
    ),
]
Mix = Annotated[
    list[str] | None,
    typer.Option(
        metavar="STYLE=.3",
        help="Style to mix in, and its share. Repeat for several. --style gets the rest.",
        callback=check_mix,
    ),
]
# The options of painting, with the help, metavar and limits of their field in PaintOptions.
PAINT = {
    "strength": {},
    "mask": {"kind": Path | None},
    "black": {"kind": str | None, "names": ["--background-style"], "callback": check_style},
    "stroke": {},
    "size": {},
    "keep_colors": {"names": ["--keep-colors"]},
    "tile": {"kind": str},
    "exact": {"names": ["--exact"]},
}


def takes_paint_options(*without: str) -> Callable:
    "Decorate a command: its argument `options` becomes one command-line option for each field."

    def parameter(field, kind=None, names=(), **more):
        what = typer.Option(*names, **field.metadata, **more)
        kind = Annotated[kind or field.type, what]
        return Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=kind)

    def decorate(command):
        asked = [f for f in fields(PaintOptions) if f.name in PAINT and f.name not in without]
        parameters = []
        for name, own in signature(command).parameters.items():
            if name == "options":
                parameters += [parameter(field, **PAINT[field.name]) for field in asked]
            else:
                parameters.append(own.replace(kind=Parameter.KEYWORD_ONLY))

        @wraps(command)
        def with_options(**given):
            how = {field.name: given.pop(field.name) for field in asked}
            try:
                options = PaintOptions(**how)
            except ValueError as error:
                raise typer.BadParameter(str(error)) from None
            return command(**given, options=options)

        with_options.__signature__ = Signature(parameters)
        with_options.__annotations__ = {p.name: p.annotation for p in parameters}
        return with_options

    return decorate


Precision = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        envvar="FASTSTYLE_PRECISION",
        help="Precision: float32, bfloat16, float16, or auto (what the device supports best).",
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        min=0.01,
        metavar="MINUTES",
        help="Train for this many minutes. The learning-rate schedule is scaled to fit.",
    ),
]
TrustPickle = Annotated[
    bool,
    typer.Option("--trust-pickle", help="Allow a .pkl file, which can run code when loaded."),
]
Force = Annotated[bool, typer.Option("--overwrite", help="Overwrite existing output.")]

Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Address of the web page.")]
Port = Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="Port of the web page.")]
AllowHosts = Annotated[
    list[str] | None,
    typer.Option(
        help="Additional host name of the page, for example behind a proxy. Repeat for several.",
        metavar="NAME",
    ),
]
Browser = Annotated[bool, typer.Option(help="Open the page in a browser.")]


def print_outputs(*paths):
    "Print the paths of a command's results, as its last output."
    if int(os.environ.get("RANK", 0)):  # in distributed training only the first process prints
        return
    for path in paths:
        print(printable(str(path)))
