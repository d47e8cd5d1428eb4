"What several commands of the command line take."

import os
from pathlib import Path
from typing import Annotated

import typer

Photos = Annotated[Path, typer.Argument(help="A folder of photos.", show_default=False)]
Out = Annotated[Path, typer.Option("-o", "--out", show_default=False)]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, …; default: the best here.")]
Seed = Annotated[int, typer.Option(help="Of everything random.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
Recipe = Annotated[
    str,
    typer.Option(help="fast, ours; published losses and rates: skalski, johnson, dumoulin, tarun."),
]
BackboneName = Annotated[
    str | None, typer.Option(help="vgg16, vgg19 or lite, which ships; default: the recipe's.")
]
Weights = Annotated[Path | None, typer.Option(help="The backbone's weights, .safetensors or .pth.")]
Arch = Annotated[
    str,
    typer.Option(
        help="full; light: half the channels, twice as fast; tarun: that system's network."
    ),
]
Size = Annotated[
    int | None, typer.Option(help="Side of the training squares, px; default: the recipe's.")
]
BatchSize = Annotated[int | None, typer.Option(help="Photos a step; default: the recipe's.")]
Images = Annotated[
    int | None, typer.Option(help="Photos an epoch, the same in each; default: the recipe's.")
]
Workers = Annotated[
    int | None,
    typer.Option(min=0, help="Processes that load photos. Default: up to 8 on CUDA, else 0."),
]
CheckpointEvery = Annotated[int, typer.Option(min=1, metavar="STEPS", help="Save this often.")]
ValidPct = Annotated[float, typer.Option(min=0, max=0.9, help="Share of the photos to hold out.")]


def layer_parts(text: str) -> dict[str, float | None]:
    "NAME or NAME=PART, with commas between, as layer -> part; None where there is no number."
    parts = {}
    for item in text.split(","):
        name, equals, part = item.strip().partition("=")
        try:
            parts[name] = float(part) if equals else None
        except ValueError:
            raise typer.BadParameter(f"{item}: LAYER, or LAYER=PART with a number.") from None
    return parts


def _of_training(kind, metavar, what, **kwargs):
    "An option that replaces one of a recipe's facts."
    panel = {"rich_help_panel": "Loss and schedule", "metavar": metavar, "help": what}
    return Annotated[kind | None, typer.Option(**panel, **kwargs)]


OWN, UNITS = "Default: the recipe's.", "in the recipe's units: 1 for fast, 1e10 for johnson, …"
StyleWeight = _of_training(float, "WEIGHT", f"Of the style loss, {UNITS}", min=0)
ContentWeight = _of_training(float, "WEIGHT", "Of the content loss, likewise.", min=0)
ToneWeight = _of_training(float, "WEIGHT", "Of keeping light and dark, likewise.", min=0)
TvWeight = _of_training(float, "WEIGHT", "Of the total variation, likewise.", min=0)
ChromaWeight = _of_training(float, "WEIGHT", "Weight of the total variation of color.", min=0)
Lr = _of_training(float, "RATE", f"The highest learning rate. {OWN}", min=1e-12)
Epochs = _of_training(int, "N", "Of each phase of the recipe's schedule.", min=1)
Opt = _of_training(str, "NAME", "Optimizer: adam or muon.")
StyleSize = _of_training(int, "PX", "Short side that the painting is seen at.", min=16)
StyleLoss = _of_training(str, "NAME", "w2, w2_relative, gram, gram_mean, … as in optimize.")
LAYERS = "LAYER[=PART],…"
ContentLayers = _of_training(
    dict, LAYERS, f"Layers of the content loss, like relu2_2,relu3_4=.5. {OWN}", parser=layer_parts
)
StyleLayers = _of_training(dict, LAYERS, f"Layers of the style loss. {OWN}", parser=layer_parts)

Mix = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=.3", help="A style to mix in; several: each. --style has the rest."),
]
Mask = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A gray picture: white is painted, black stays as it is."),
]
Black = Annotated[
    str | None, typer.Option(metavar="NAME", help="The style where the --mask is black.")
]
Stroke = Annotated[
    str,
    typer.Option(metavar="WIDTH", help="Of the strokes: finest, fine, medium, broad or broadest."),
]
Tile = Annotated[
    str,
    typer.Option(
        metavar="PX", help="Paint in tiles of PX; auto: where the memory asks for it; none: never."
    ),
]

Precision = Annotated[
    str,
    typer.Option(
        envvar="FASTSTYLE_PRECISION",
        help="float32, bfloat16, or auto: bfloat16 where the device computes in it.",
    ),
]
Minutes = Annotated[
    float | None, typer.Option(min=0.01, help="Train this long, the schedule stretched to fit.")
]
TrustPickle = Annotated[
    bool, typer.Option("--trust-pickle", help="Load a .pkl, which can run code.")
]
Force = Annotated[bool, typer.Option("--force", help="Write over what is there.")]

Host = Annotated[str, typer.Option(help="Where the page is served.")]
Port = Annotated[int, typer.Option(help="Of the page.")]
AllowHosts = Annotated[
    list[str] | None,
    typer.Option(help="Another name that the page goes by, as behind a proxy.", metavar="NAME"),
]
Browser = Annotated[bool, typer.Option(help="Open the page.")]


def wrote(*paths):
    "The last thing a command says: where its results lie."
    if int(os.environ.get("RANK", 0)):  # of processes that train together the first one speaks
        return
    for path in paths:
        print(path)
