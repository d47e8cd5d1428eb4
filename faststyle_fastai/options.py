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
Arch = Annotated[str, typer.Option(help="full, or light: half the channels, twice as fast.")]
Size = Annotated[
    int | None, typer.Option(help="Side of the training squares, px; default: the recipe's.")
]
BatchSize = Annotated[int | None, typer.Option(help="Photos a step; default: the recipe's.")]
Images = Annotated[
    int | None, typer.Option(help="Photos an epoch, the same in each; default: the recipe's.")
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
