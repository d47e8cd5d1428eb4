"The commands that train."

from pathlib import Path
from typing import Annotated

import typer

from .options import (
    Arch,
    BackboneName,
    BatchSize,
    CheckpointEvery,
    ChromaWeight,
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
    Size,
    StyleLayers,
    StyleLoss,
    StyleSize,
    StyleWeight,
    ToneWeight,
    TvWeight,
    ValidPct,
    Weights,
    Workers,
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
    precision: Precision = "auto",
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
    content_weight: ContentWeight = None,
    tv_weight: TvWeight = None,
    content_layers: ContentLayers = None,
    lr: Lr = None,
    epochs: Epochs = None,
    optimizer: Opt = None,
    valid_pct: ValidPct = 0.02,
    checkpoint_every: CheckpointEvery = 200,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what did not end; the rest as before.")
    ] = False,
    force: Force = False,
    workers: Workers = None,
    device: Device = None,
    precision: Precision = "auto",
    seed: Seed = 0,
    quiet: Quiet = False,
):
    "Train an autoencoder, the start of all styles, on a folder of photos."
    given = facts(locals())
    from .runs import pretrain

    wrote(pretrain(**given))


def train(
    photos: Photos,
    style: Annotated[
        list[str],
        typer.Option(
            metavar="PAINTING",
            help="A file, an address, or a folder of paintings; NAME=PAINTING names the style. "
            "Several: many styles in one network.",
        ),
    ],
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
    style_weight: StyleWeight = None,
    content_weight: ContentWeight = None,
    tone_weight: ToneWeight = None,
    tv_weight: TvWeight = None,
    chroma_weight: ChromaWeight = None,
    style_layers: StyleLayers = None,
    style_loss: StyleLoss = None,
    content_layers: ContentLayers = None,
    style_size: StyleSize = None,
    lr: Lr = None,
    epochs: Epochs = None,
    optimizer: Opt = None,
    valid_pct: ValidPct = 0.02,
    checkpoint_every: CheckpointEvery = 200,
    preview_every: Annotated[
        int, typer.Option(min=1, metavar="STEPS", help="Show previews this often.")
    ] = 100,
    preview_photo: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="To show previews on; several: each. Default: two."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the run in OUT, the rest as before. With more --minutes or --epochs "
            "a run that has ended goes on for longer.",
        ),
    ] = False,
    force: Force = False,
    workers: Workers = None,
    device: Device = None,
    precision: Precision = "auto",
    seed: Seed = 0,
    quiet: Quiet = False,
):
    "Train one style or many from paintings and a folder of photos into the run folder OUT."
    given = facts(locals())
    given["stable"] = STABLE if stable else 0.0
    given["preview_photos"] = given.pop("preview_photo")
    from .runs import train

    run = train(**given)
    wrote(*(run / name for name in ("model.safetensors", "model.pkl", "loss.png")))
    wrote(*sorted(run.glob("progress*")))


def add_style(
    run: Annotated[Path, typer.Argument(help="A run folder, or a .safetensors.")],
    style: Annotated[
        str,
        typer.Option(
            metavar="PAINTING", help="The new painting: a file, an address, or NAME=PAINTING."
        ),
    ],
    photos: Annotated[Path | None, typer.Option(help="Default: those of the run.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Default: RUN itself.")] = None,
    backbone: BackboneName = None,
    weights: Weights = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="Of training.")] = 3,
    style_weight: StyleWeight = None,
    content_weight: ContentWeight = None,
    tone_weight: ToneWeight = None,
    tv_weight: TvWeight = None,
    chroma_weight: ChromaWeight = None,
    style_layers: StyleLayers = None,
    style_loss: StyleLoss = None,
    content_layers: ContentLayers = None,
    style_size: StyleSize = None,
    lr: Lr = None,
    optimizer: Opt = None,
    force: Force = False,
    workers: Workers = None,
    device: Device = None,
    precision: Precision = "auto",
    seed: Seed = 0,
    quiet: Quiet = False,
):
    "Add a painting to a trained network; its other styles stay the same to the bit."
    given = facts(locals())
    from .runs import add_style

    wrote(add_style(**given))


def facts(given):
    "Options under the names that the functions know."
    given["opt"] = given.pop("optimizer")
    if given.get("pretrained") == "none":
        given["pretrained"] = None
    return given
