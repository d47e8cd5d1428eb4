"The commands that train."

from pathlib import Path
from typing import Annotated

import typer

from .checks import check_folder, check_paintings
from .options import (
    Arch,
    BackboneName,
    BatchSize,
    CheckpointEvery,
    ContentLayers,
    ContentWeight,
    Device,
    Epochs,
    Force,
    Images,
    Lr,
    Minutes,
    Opt,
    Out,
    Photos,
    Precision,
    Quiet,
    Recipe,
    Seed,
    Set,
    Size,
    StyleLayers,
    StyleWeight,
    TvWeight,
    ValidPct,
    Weights,
    Workers,
    print_outputs,
)

STABLE = 1.5  # weight of TemporalConsistency: higher is steadier, but less like the painting

# torch and fastai take seconds to import, so only the commands import them and `--help` stays fast.
# Each command passes its options to the function of the same name; `locals()` comes before the
# import so that it holds nothing else.


def demo(
    out: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the results.")
    ] = Path("faststyle-demo"),
    photos: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of training photos. Default: scikit-learn's two samples.",
            callback=check_folder,
        ),
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.01, metavar="MINUTES", help="Training time in minutes.")
    ] = 1.5,
    device: Device = None,
    precision: Precision = "auto",
    seed: Seed = 0,
    quiet: Quiet = False,
):
    "Train a style offline in minutes and repaint a photo in it."
    given = locals()
    from ..training.demo import demo

    print_outputs(*demo(**given))


def pretrain(
    photos: Photos,
    out: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Output file (.safetensors).")
    ],
    recipe: Recipe = "fast",
    backbone: BackboneName = None,
    weights: Weights = None,
    pretrained: Annotated[
        str,
        typer.Option(
            metavar="START", help="Network to start from: none, autoencoder (built in), or a file."
        ),
    ] = "none",
    arch: Arch = "full",
    size: Size = None,
    bs: BatchSize = None,
    images: Images = None,
    minutes: Minutes = None,
    content_weight: ContentWeight = None,
    tv_weight: TvWeight = None,
    content_layers: ContentLayers = None,
    settings: Set = None,
    lr: Lr = None,
    epochs: Epochs = None,
    optimizer: Opt = None,
    valid_pct: ValidPct = 0.02,
    checkpoint_every: CheckpointEvery = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume an interrupted training with the same options.")
    ] = False,
    force: Force = False,
    workers: Workers = None,
    device: Device = None,
    precision: Precision = "auto",
    seed: Seed = 0,
    quiet: Quiet = False,
):
    "Train an autoencoder, the starting point of all styles, on a folder of photos."
    given = facts(locals())
    from ..training.runs import pretrain

    print_outputs(pretrain(**given))


def train(
    photos: Photos,
    style: Annotated[
        list[str],
        typer.Option(
            metavar="PAINTING",
            help="Painting to learn: a file, a URL, a folder of paintings, or NAME=PAINTING. "
            "Repeat for several styles in one network.",
            callback=check_paintings,
        ),
    ],
    out: Out,
    recipe: Recipe = "fast",
    backbone: BackboneName = None,
    weights: Weights = None,
    pretrained: Annotated[
        str,
        typer.Option(
            metavar="START",
            help="Network to start from: predicted (the painting at first sight), gallery, "
            "autoencoder, none, or a file.",
        ),
    ] = "predicted",
    arch: Arch = "full",
    size: Size = None,
    bs: BatchSize = None,
    images: Images = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            metavar="MINUTES",
            help="Train for this many minutes, start and end included. Default: with recipe fast, "
            "5 for each style; otherwise the recipe's epochs.",
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Stop after this many epochs without improvement and keep the best network. Use "
            "with --minutes.",
        ),
    ] = None,
    stable: Annotated[
        bool,
        typer.Option(
            "--temporal-loss",
            help="Train temporally consistent strokes for video. Takes twice as long.",
        ),
    ] = False,
    style_weight: StyleWeight = None,
    content_weight: ContentWeight = None,
    tv_weight: TvWeight = None,
    style_layers: StyleLayers = None,
    content_layers: ContentLayers = None,
    settings: Set = None,
    lr: Lr = None,
    epochs: Epochs = None,
    optimizer: Opt = None,
    valid_pct: ValidPct = 0.02,
    checkpoint_every: CheckpointEvery = None,
    preview_every: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="STEPS",
            help="Steps between previews. Default: 100, at least 10 seconds apart.",
        ),
    ] = None,
    preview_photo: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="Photo for the previews. Repeat for several. Default: two."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Resume the run in --output with the same options. More --minutes or --epochs "
            "extend a finished run.",
        ),
    ] = False,
    force: Force = False,
    workers: Workers = None,
    device: Device = None,
    precision: Precision = "auto",
    seed: Seed = 0,
    quiet: Quiet = False,
):
    "Train one or more styles from paintings and a folder of photos."
    given = facts(locals())
    given["stable"] = STABLE if stable else None
    given["preview_photos"] = given.pop("preview_photo")
    from ..training.runs import train

    run = train(**given)
    print_outputs(run / "model.safetensors", run / "model.pkl", *run.glob("loss.png"))
    print_outputs(*sorted(run.glob("progress*")))


def add_style(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder or .safetensors file.")],
    style: Annotated[
        str,
        typer.Option(
            metavar="PAINTING",
            help="Painting to add: a file, a URL, or NAME=PAINTING.",
            callback=check_paintings,
        ),
    ],
    photos: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of training photos. Default: the run's.",
            callback=check_folder,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Output file (.safetensors). Default: update RUN in place.",
        ),
    ] = None,
    backbone: BackboneName = None,
    weights: Weights = None,
    minutes: Annotated[
        float, typer.Option(min=0.01, metavar="MINUTES", help="Training time in minutes.")
    ] = 3,
    style_weight: StyleWeight = None,
    content_weight: ContentWeight = None,
    tv_weight: TvWeight = None,
    style_layers: StyleLayers = None,
    content_layers: ContentLayers = None,
    settings: Set = None,
    lr: Lr = None,
    optimizer: Opt = None,
    force: Force = False,
    workers: Workers = None,
    device: Device = None,
    precision: Precision = "auto",
    seed: Seed = 0,
    quiet: Quiet = False,
):
    "Add a painting to a trained network. Existing styles stay bit-for-bit unchanged."
    given = facts(locals())
    from ..training.runs import add_style

    print_outputs(add_style(**given))


def facts(given):
    "Rename options to the parameters of the training functions."
    given["opt"], given["loss"] = given.pop("optimizer"), {}
    for term, name, value in given.pop("settings") or ():
        given["loss"].setdefault(term, {})[name] = value
    if given.get("pretrained") == "none":
        given["pretrained"] = None
    return given
