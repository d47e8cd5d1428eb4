"faststyle …: parses, calls one function, prints where the result lies."

import json
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from . import __version__
from .errors import FaststyleError
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
    TrustPickle,
    Weights,
)

# torch and fastai take seconds to import: the commands do it, `--help` does not. Most pass on what
# they were given, before they import, to the function of the same name.

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fast neural style transfer that anyone can train and run.",
)


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
    given = locals()
    from .runs import demo

    _wrote(*demo(**given))


@app.command()
def pretrain(
    photos: Photos,
    out: Out,
    recipe: Recipe = "fast",
    backbone: BackboneName = None,
    weights: Weights = None,
    arch: Arch = "full",
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
    given = locals()
    from .runs import pretrain

    _wrote(pretrain(**given))


@app.command()
def train(
    photos: Photos,
    style: Annotated[list[Path], typer.Option(help="A painting; several times: many styles.")],
    out: Out,
    recipe: Recipe = "fast",
    backbone: BackboneName = None,
    weights: Weights = None,
    pretrained: Annotated[
        str, typer.Option(help="Where to start: autoencoder (ships), none, or a FILE.")
    ] = "autoencoder",
    arch: Arch = "full",
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
    "Train one style or many from paintings and a folder of photos into the run folder OUT."
    given = locals() | {"pretrained": None if pretrained == "none" else pretrained}
    from .runs import train

    run = train(**given)
    _wrote(*(run / name for name in ("model.safetensors", "model.pkl", "loss.png")))
    _wrote(*sorted(run.glob("progress*.gif")))


@app.command()
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

    _wrote(add_style(**given))


@app.command()
def stylize(
    inputs: Annotated[
        list[str], typer.Argument(help="Pictures, folders or globs.", metavar="INPUT…")
    ],
    style: Annotated[str, typer.Option(help="A .safetensors, a run folder, FILE:NAME.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A picture, or a folder for several.")],
    strength: Annotated[float, typer.Option(min=0, max=1, help="0 the photo, 1 the style.")] = 1.0,
    mix: Annotated[
        list[str] | None, typer.Option(help="NAME=.3, of a style to mix in; the rest is --style's.")
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="A gray picture: white is painted, black stays the photo.")
    ] = None,
    black: Annotated[
        str | None, typer.Option(help="NAME of the style where the mask is black.")
    ] = None,
    size: Annotated[int | None, typer.Option(min=8, help="Short side to paint at, px.")] = None,
    keep_colors: Annotated[
        bool, typer.Option("--keep-colors", help="The photo's colours.")
    ] = False,
    grain: Annotated[
        float, typer.Option(min=0, help="Noise that lets flat areas take strokes.")
    ] = 0.02,
    trust_pickle: TrustPickle = False,
    device: Device = None,
    quiet: Quiet = False,
):
    "Repaint pictures with a trained style."
    if black and not mask:
        raise typer.BadParameter("--black is the style of what a --mask leaves: give both.")
    from .images import save_picture, targets_for

    jobs = targets_for(inputs, out)
    path, name = _file_and_name(style)
    paint, failed = _painter(path, trust_pickle, device, grain), 0
    from .stylizer import read_mask

    styles = _mix(mix, name or 0) if mix else name
    for asked in (styles, black):  # a wrong name or mask is one error, not one a picture
        paint.rows(asked)
    mask = mask and read_mask(mask)
    for i, (source, target) in enumerate(jobs, 1):
        try:
            painted = paint(source, styles, strength, size, keep_colors, mask, black)
            save_picture(painted, target)
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
    file: Annotated[str, typer.Argument(help="A .safetensors, a run folder, FILE:NAME.")],
    photos: Annotated[Path, typer.Option(help="A folder of photos it was not trained on.")],
    style: Annotated[Path, typer.Option(help="The painting.")],
    backbone: Annotated[str, typer.Option(help="The reference: vgg19 or lite.")] = "vgg19",
    weights: Weights = None,
    size: Annotated[int, typer.Option(help="Short side of the photos, px.")] = 256,
    images: Annotated[int, typer.Option(help="How many photos.")] = 8,
    iterations: Annotated[int, typer.Option(help="Of L-BFGS to compare with.")] = 30,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A contact sheet.")] = None,
    trust_pickle: TrustPickle = False,
    device: Device = None,
):
    "Measure a style: content, style, and how many iterations of optimisation it is worth."
    from .backbones import perceptual_backbone
    from .evaluate import evaluate_style, yardstick
    from .images import contact_sheet, find_pictures, save_picture

    path, name = _file_and_name(file)
    paint = _painter(path, trust_pickle, device)
    if name is None and len(paint.styles) > 1:
        raise FaststyleError(f"{path} has the styles {', '.join(paint.styles)}: {path}:NAME.")
    paint.rows(name)
    loss = yardstick(perceptual_backbone(backbone, weights), style)
    found = find_pictures(photos)[0][:images]
    if not found:
        raise FileNotFoundError(f"no readable photo in {photos}.")
    rows, sheet = evaluate_style(partial(paint.paint, style=name), found, loss, size, iterations)
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
    from .stylefile import load_style

    net, said, base = load_style(file)
    said["parameters"] = sum(p.numel() for p in net.parameters())
    said["strength"] = "0 to 1" if base else "1 only: its base is not known"
    print(json.dumps(said, indent=2, ensure_ascii=False))


def _painter(style, trust_pickle, *args):
    "A Stylizer, of a pickle only when it is trusted."
    if style.endswith(".pkl") and not trust_pickle:
        raise FaststyleError(f"{style} can run code when loaded: --trust-pickle if it is yours.")
    from .stylizer import Stylizer

    return Stylizer(style, *args)


def _file_and_name(style):
    "FILE or FILE:NAME, of a style in it; a file's own name may have a colon too."
    if Path(style).exists() or ":" not in style:
        return style, None
    path, _, name = style.rpartition(":")
    return path, name


def _mix(shares, rest):
    "NAME=.3 … as {name: weight}; what is missing to 1 is the style `rest`."
    mix = {}
    for share in shares:
        name, _, weight = share.rpartition("=")
        try:
            mix[name] = mix.get(name, 0) + float(weight)
        except ValueError:
            raise FaststyleError(f"--mix {share}: NAME=WEIGHT, like starry_night=.3.") from None
    left = 1 - sum(mix.values())
    return mix | {rest: mix.get(rest, 0) + left} if left > 1e-6 else mix


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
