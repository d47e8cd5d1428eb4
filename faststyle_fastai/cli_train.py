"The commands that train."

from pathlib import Path
from typing import Annotated

import typer

from .options import (
    Arch,
    BackboneName,
    BatchSize,
    Device,
    Force,
    Images,
    Minutes,
    Out,
    Photos,
    Quiet,
    Recipe,
    Seed,
    Size,
    Weights,
    wrote,
)

STABLE = 1.5  # weight of HoldStill: more holds stiller, and paints less like the painting

# torch and fastai take seconds to import: the commands do it, `--help` does not. Each passes on
# what it was given, before it imports, to the function of the same name.


def demo(
    out: Annotated[Path, typer.Option("-o", "--out")] = Path("faststyle-demo"),
    photos: Annotated[
        Path | None, typer.Option(help="A folder of photos; default: scikit-learn's samples.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="Of training.")] = 1.5,
    device: Device = None,
    seed: Seed = 0,
    quiet: Quiet = False,
):
    "Train a painting's style offline in minutes and repaint a photo with it."
    given = locals()
    from .demo import demo

    wrote(*demo(**given))


def pretrain(
    photos: Photos,
    out: Out,
    recipe: Recipe = "fast",
    backbone: BackboneName = None,
    weights: Weights = None,
    pretrained: Annotated[
        str, typer.Option(help="Where to start: none, autoencoder (that ships), or a FILE.")
    ] = "none",
    arch: Arch = "full",
    size: Size = None,
    bs: BatchSize = None,
    images: Images = None,
    minutes: Minutes = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what did not end; the rest as before.")
    ] = False,
    force: Force = False,
    device: Device = None,
    seed: Seed = 0,
    quiet: Quiet = False,
):
    "Train an autoencoder, the start of all styles, on a folder of photos."
    given = locals() | {"pretrained": None if pretrained == "none" else pretrained}
    from .runs import pretrain

    wrote(pretrain(**given))


def train(
    photos: Photos,
    style: Annotated[list[Path], typer.Option(help="A painting; several times: many styles.")],
    out: Out,
    recipe: Recipe = "fast",
    backbone: BackboneName = None,
    weights: Weights = None,
    pretrained: Annotated[
        str, typer.Option(help="Where to start: gallery, autoencoder (both ship), none, or a FILE.")
    ] = "gallery",
    arch: Arch = "full",
    size: Size = None,
    bs: BatchSize = None,
    images: Images = None,
    minutes: Minutes = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="With --minutes: end, on the best, after so many epochs that were no better.",
        ),
    ] = None,
    stable: Annotated[
        bool, typer.Option("--stable", help="For films: strokes hold still. Half as quick.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in OUT; the rest as before.")
    ] = False,
    force: Force = False,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Processes that load photos; default: up to 8 on CUDA, else 0."),
    ] = None,
    device: Device = None,
    seed: Seed = 0,
    quiet: Quiet = False,
):
    "Train one style or many from paintings and a folder of photos into the run folder OUT."
    given = locals() | {"pretrained": None if pretrained == "none" else pretrained}
    given["stable"] = STABLE if stable else 0.0
    from .runs import train

    run = train(**given)
    wrote(*(run / name for name in ("model.safetensors", "model.pkl", "loss.png")))
    wrote(*sorted(run.glob("progress*")))


def add_style(
    run: Annotated[Path, typer.Argument(help="A run folder, or a .safetensors.")],
    style: Annotated[Path, typer.Option(help="The new painting.", show_default=False)],
    photos: Annotated[Path | None, typer.Option(help="Default: those of the run.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Default: RUN itself.")] = None,
    backbone: BackboneName = None,
    weights: Weights = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="Of training.")] = 3,
    force: Force = False,
    device: Device = None,
    seed: Seed = 0,
    quiet: Quiet = False,
):
    "Add a painting to a trained network; its other styles stay the same to the bit."
    given = locals()
    from .runs import add_style

    wrote(add_style(**given))
