"faststyle …: parses, calls one function, prints where the result lies."

import json
import sys
import warnings
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from . import __version__
from .errors import FaststyleError

# torch and fastai take seconds to import: the commands do it, `--help` does not.

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fast neural style transfer that anyone can train and run.",
)


class Arch(str, Enum):
    full = "full"
    light = "light"


Photos = Annotated[Path, typer.Argument(help="A folder of photos.", show_default=False)]
Out = Annotated[Path, typer.Option("-o", "--out", show_default=False)]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, …; default: the best here.")]
Seed = Annotated[int, typer.Option(help="Of everything random.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
Recipe = Annotated[str, typer.Option(help="fast (ours) or skalski (as published).")]
BackboneName = Annotated[
    str | None, typer.Option(help="vgg16, vgg19 or lite, which ships; default: the recipe's.")
]
Weights = Annotated[Path | None, typer.Option(help="The backbone's weights, .safetensors or .pth.")]
ArchOption = Annotated[Arch, typer.Option(help="full, or light: half the channels.")]
Size = Annotated[int | None, typer.Option(help="Side of the training squares, px.")]
BatchSize = Annotated[int | None, typer.Option(help="Photos a step.")]
Images = Annotated[int | None, typer.Option(help="Photos an epoch; default: the recipe's.")]
Minutes = Annotated[
    float | None, typer.Option(min=0.01, help="Train this long, the schedule stretched to fit.")
]
Force = Annotated[bool, typer.Option("--force", help="Write over what is there.")]


@app.command()
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
    from .runs import demo

    _wrote(*demo(out, photos, minutes=minutes, seed=seed, device=device, quiet=quiet))


@app.command()
def pretrain(
    photos: Photos,
    out: Out,
    recipe: Recipe = "fast",
    backbone: BackboneName = None,
    weights: Weights = None,
    arch: ArchOption = Arch.full,
    size: Size = None,
    bs: BatchSize = None,
    images: Images = None,
    minutes: Minutes = None,
    force: Force = False,
    device: Device = None,
    seed: Seed = 0,
    quiet: Quiet = False,
):
    "Train an autoencoder, the start of all styles, on a folder of photos."
    from .runs import pretrain

    file = pretrain(
        photos,
        out,
        recipe=recipe,
        backbone=backbone,
        weights=weights,
        arch=arch.value,
        size=size,
        bs=bs,
        images=images,
        minutes=minutes,
        force=force,
        device=device,
        seed=seed,
        quiet=quiet,
    )
    _wrote(file)


@app.command()
def train(
    photos: Photos,
    style: Annotated[Path, typer.Option(help="The painting.", show_default=False)],
    out: Out,
    recipe: Recipe = "fast",
    backbone: BackboneName = None,
    weights: Weights = None,
    pretrained: Annotated[
        str, typer.Option(help="Where to start: autoencoder (ships), none, or a FILE.")
    ] = "autoencoder",
    arch: ArchOption = Arch.full,
    size: Size = None,
    bs: BatchSize = None,
    images: Images = None,
    minutes: Minutes = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in OUT.")] = False,
    force: Force = False,
    device: Device = None,
    seed: Seed = 0,
    quiet: Quiet = False,
):
    "Train a style from a painting and a folder of photos into the run folder OUT."
    from .runs import train

    run = train(
        photos,
        style,
        out,
        recipe=recipe,
        backbone=backbone,
        weights=weights,
        pretrained=None if pretrained == "none" else pretrained,
        arch=arch.value,
        size=size,
        bs=bs,
        images=images,
        minutes=minutes,
        resume=resume,
        force=force,
        device=device,
        seed=seed,
        quiet=quiet,
    )
    _wrote(*(run / name for name in ("model.safetensors", "model.pkl", "loss.png", "progress.gif")))


@app.command()
def stylize(
    inputs: Annotated[
        list[str], typer.Argument(help="Pictures, folders or globs.", metavar="INPUT…")
    ],
    style: Annotated[str, typer.Option(help="A .safetensors, a run folder, FILE:NAME.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A picture, or a folder for several.")],
    strength: Annotated[float, typer.Option(min=0, max=1, help="0 the photo, 1 the style.")] = 1.0,
    size: Annotated[int | None, typer.Option(min=8, help="Short side to paint at, px.")] = None,
    keep_colors: Annotated[
        bool, typer.Option("--keep-colors", help="The photo's colours.")
    ] = False,
    grain: Annotated[
        float, typer.Option(min=0, help="Noise that lets flat areas take strokes.")
    ] = 0.02,
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Load a .pkl, which can run code.")
    ] = False,
    device: Device = None,
    quiet: Quiet = False,
):
    "Repaint pictures with a trained style."
    from .images import save_picture, targets_for

    jobs = targets_for(inputs, out)
    path, _, name = (style, "", "") if Path(style).exists() else style.partition(":")
    if path.endswith(".pkl") and not trust_pickle:
        raise FaststyleError(f"{path} can run code when loaded: --trust-pickle if it is yours.")
    from .stylizer import Stylizer

    paint, failed = Stylizer(path, device, grain), 0
    for i, (source, target) in enumerate(jobs, 1):
        try:
            save_picture(paint(source, name or None, strength, size, keep_colors), target)
        except KeyboardInterrupt:
            raise FaststyleError(f"stopped after {i - 1} of {len(jobs)} pictures.") from None
        except (ValueError, OSError, RuntimeError) as error:
            if len(jobs) == 1:
                raise
            failed += 1
            print(f"error: {_one_line(error)}", file=sys.stderr)
        else:
            if not quiet and len(jobs) > 1:
                print(f"{i}/{len(jobs)} {source}", file=sys.stderr)
            _wrote(target)
    if failed:
        raise FaststyleError(f"{failed} of {len(jobs)} pictures failed, named above.")


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help="A .safetensors or a run folder.")],
    photos: Annotated[Path, typer.Option(help="A folder of photos it was not trained on.")],
    style: Annotated[Path, typer.Option(help="The painting.")],
    backbone: Annotated[str, typer.Option(help="The reference: vgg16, vgg19 or lite.")] = "vgg19",
    weights: Weights = None,
    size: Annotated[int, typer.Option(help="Short side of the photos, px.")] = 256,
    images: Annotated[int, typer.Option(help="How many photos.")] = 8,
    iterations: Annotated[int, typer.Option(help="Of L-BFGS to compare with.")] = 30,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A contact sheet.")] = None,
    device: Device = None,
):
    "Measure a style: content, style, and how many iterations of optimisation it is worth."
    from .backbones import perceptual_backbone
    from .evaluate import contact_sheet, evaluate_style, yardstick
    from .images import find_pictures, save_picture
    from .stylizer import Stylizer

    paint = Stylizer(file, device).paint
    loss = yardstick(perceptual_backbone(backbone, weights), style)
    found = find_pictures(photos)[0][:images]
    if not found:
        raise FileNotFoundError(f"no readable photo in {photos}.")
    rows, sheet = evaluate_style(paint, found, loss, size, iterations)
    print(f"{'':<14}{'content':>9}{'style':>9}{'tv':>9}{'total':>9}")
    for name, row in rows.items():
        print(
            f"{name:<14}" + "".join(f"{row[k]:9.3f}" for k in ("content", "style", "tv", "total"))
        )
    if iterations:
        print(f"worth {rows['network']['iterations']:.1f} iterations of optimisation")
    if out:
        _wrote(save_picture(contact_sheet(sheet), out))


@app.command()
def info(
    file: Annotated[Path, typer.Argument(help="A .safetensors or a run folder.")],
):
    "What a style's file says of itself."
    from .learner import load_style

    net, said, base = load_style(file / "model.safetensors" if file.is_dir() else file)
    said["parameters"] = sum(p.numel() for p in net.parameters())
    said["strength"] = "0 to 1" if base else "1 only: its base is not known"
    print(json.dumps(said, indent=2, ensure_ascii=False))


def _wrote(*paths):
    for path in paths:
        print(path)


def main():
    "Run the command line; whatever goes wrong is one line on stderr."
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    for noise in (FutureWarning, DeprecationWarning):  # of the libraries, to their developers
        warnings.simplefilter("ignore", noise)
    warnings.showwarning = lambda text, *_: print(f"warning: {text}", file=sys.stderr)
    try:
        app()
    except Exception as error:
        if debug:
            raise
        print(f"error: {_one_line(error)}", file=sys.stderr)
        raise SystemExit(1) from None


def _one_line(error):
    text = " ".join(str(error).split())
    if isinstance(error, (FaststyleError, ValueError, OSError)):
        return text
    return f"{type(error).__name__}: {text} (--debug shows where)"


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
):
    if version:
        print(__version__)
        raise typer.Exit
