"faststyle …: parses, calls one function, prints where the result lies."

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Annotated

import typer

from . import __version__
from .cli_optimize import optimize
from .cli_train import add_style, demo, pretrain, train
from .errors import FaststyleError
from .options import Device, Force, Quiet, TrustPickle, Weights, wrote

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fast neural style transfer that anyone can train and run.",
)


for command in (demo, pretrain, train, add_style, optimize):
    app.command()(command)


@app.command()
def stylize(
    inputs: Annotated[
        list[str],
        typer.Argument(help="Pictures, folders, globs, http(s) addresses.", metavar="INPUT…"),
    ],
    style: Annotated[
        str, typer.Option(help="One that ships, a .safetensors, a run folder, FILE:NAME.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="A picture, or a folder for several.")],
    strength: Annotated[float, typer.Option(min=0, max=1, help="0 the photo, 1 the style.")] = 1.0,
    mix: Annotated[
        list[str] | None,
        typer.Option(help="NAME=.3, a style to mix in, or several; the rest is --style's."),
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="A gray picture: white is painted, black stays the photo.")
    ] = None,
    black: Annotated[
        str | None, typer.Option(help="NAME of the style where the mask is black.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=8, help="Short side to paint at, px: broader strokes.")
    ] = None,
    keep_colors: Annotated[
        bool, typer.Option("--keep-colors", help="The photo's colours.")
    ] = False,
    grain: Annotated[
        float, typer.Option(min=0, help="Noise that lets flat areas take strokes.")
    ] = 0.02,
    depth: Annotated[int, typer.Option(help="Bits of a colour: 8, or 16 (.png, .tif).")] = 8,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave out what is there already.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="An input may be written over.")] = False,
    megapixels: Annotated[
        float, typer.Option("--max-megapixels", min=0.001, help="Refuse larger pictures.")
    ] = 179,
    trust_pickle: TrustPickle = False,
    device: Device = None,
    quiet: Quiet = False,
):
    "Repaint pictures with a trained style."
    if black and not mask:
        raise typer.BadParameter("--black is the style of what a --mask leaves: give both.")
    from .folders import targets_for
    from .images import exif_of, limit_pixels, save_picture
    from .progress import clock

    limit_pixels(megapixels)
    jobs = targets_for(inputs, out, depth, force)
    if skip_existing:
        jobs = [(source, target) for source, target in jobs if not target.exists()]
    paint, failed = _painter(style, trust_pickle, device, grain), []
    from .stylizer import read_mask

    styles = _mix(mix, paint.named or 0) if mix else None
    for asked in (styles, black):  # a wrong name or mask is one error, not one a picture
        paint.rows(asked)
    mask = mask and read_mask(mask)
    began = time.monotonic()
    for i, (source, target) in enumerate(jobs, 1):
        try:
            painted = paint(source, styles, strength, size, keep_colors, mask, black, tensor=True)
            save_picture(painted, target, depth, exif_of(source))
        except KeyboardInterrupt:
            raise FaststyleError(f"stopped after {i - 1} of {len(jobs)} pictures.") from None
        except Exception as error:  # one picture's: the others are painted
            if len(jobs) == 1:
                raise
            failed.append(str(source))
            print(f"error: {_one_line(error)}", file=sys.stderr)
        else:
            if not quiet and len(jobs) > 1:
                left = (time.monotonic() - began) / i * (len(jobs) - i)
                print(f"{i}/{len(jobs)} {source}  {clock(left)} left", file=sys.stderr)
            wrote(target)
    if failed:
        raise FaststyleError(f"{len(failed)} of {len(jobs)} pictures failed: {', '.join(failed)}.")


@app.command()
def evaluate(
    file: Annotated[
        str, typer.Argument(help="A style that ships, a .safetensors, a run folder, FILE:NAME.")
    ],
    photos: Annotated[Path, typer.Option(help="A folder of photos it was not trained on.")],
    style: Annotated[
        Path | None, typer.Option(help="The painting; an autoencoder has none.")
    ] = None,
    backbone: Annotated[str, typer.Option(help="The reference: vgg19 or lite.")] = "vgg19",
    weights: Weights = None,
    size: Annotated[int, typer.Option(min=16, help="Short side of the photos, px.")] = 256,
    images: Annotated[int, typer.Option(min=1, help="How many photos.")] = 8,
    iterations: Annotated[
        int, typer.Option(min=0, help="Of L-BFGS to compare with; 0: none.")
    ] = 30,
    search: Annotated[
        bool, typer.Option("--line-search", help="L-BFGS with one: slower, and a sterner judge.")
    ] = False,
    others: Annotated[
        Path | None,
        typer.Option(
            help="A folder of another program's pictures of the same photos, named alike."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A contact sheet.")] = None,
    table: Annotated[Path | None, typer.Option("--json", help="The figures as JSON.")] = None,
    trust_pickle: TrustPickle = False,
    device: Device = None,
):
    "Measure a style: content, style, and how many iterations of optimisation it is worth."
    from .backbones import perceptual_backbone
    from .evaluate import evaluate_autoencoder, evaluate_style, yardstick
    from .folders import first_pictures
    from .images import check_format, save_picture
    from .runfolder import write_json
    from .sheets import contact_sheet

    paint = _painter(file, trust_pickle, device)
    if out:
        check_format(out)
    if paint.styles and not style:
        raise FaststyleError(f"{file} paints: --style PAINTING to compare it with.")
    if not paint.styles and (style or others):
        raise FaststyleError(f"{file} redraws photos: no --style, no --others.")
    if paint.named is None and len(paint.styles) > 1:
        raise FaststyleError(f"{file} has the styles {', '.join(paint.styles)}: {file}:NAME.")
    found, reference = first_pictures(photos, images), perceptual_backbone(backbone, weights)
    if not found:
        raise FileNotFoundError(f"no readable photo in {photos}.")
    if paint.styles:
        loss = yardstick(reference, style).to(paint.device)
        rows, sheet = evaluate_style(
            paint.paint, found, loss, size, iterations, search, others=others
        )
    else:
        reference.to(paint.device)
        row, sheet = evaluate_autoencoder(paint.paint, found, reference, size)
        rows = {"network": row}
    columns = [key for key in rows["network"] if key != "iterations"]
    print(f"{'':<14}" + "".join(f"{key:>9}" for key in columns))
    for name, row in rows.items():
        print(f"{name:<14}" + "".join(f"{row[key]:9.3f}" for key in columns))
    if "iterations" in rows["network"]:
        worth = rows["network"]["iterations"]
        print(f"worth {'≥ ' * (worth >= iterations)}{worth:.1f} iterations of optimisation")
    if table:
        facts = {"file": file, "style": style and str(style), "iterations": iterations}
        facts["line search"] = search
        facts |= {"backbone": backbone, "weights": weights and str(weights), "size": size}
        facts["photos"] = [str(path) for path in found]
        write_json({**facts, "rows": rows}, table)
        wrote(table)
    if out:
        wrote(save_picture(contact_sheet(sheet), out))


@app.command()
def styles(
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="A picture of all of them.")
    ] = None,
):
    "List the styles that ship."
    from .gallery import GALLERY, gallery_sheet

    width = max(map(len, GALLERY))
    for name, painting in GALLERY.items():
        print(f"{name:<{width}}  {painting}")
    if out:
        from .images import save_picture

        wrote(save_picture(gallery_sheet(), out))


@app.command()
def info(
    file: Annotated[str, typer.Argument(help="A style that ships, a .safetensors, a run folder.")],
):
    "What a style's file says of itself."
    from .gallery import find_style
    from .stylefile import load_style

    path, name = find_style(file)
    net, said, base = load_style(path)
    if name not in (None, *said["styles"]):
        raise FaststyleError(
            f"{path} has no style '{name}': there are {', '.join(said['styles'])}."
        )
    said["parameters"] = sum(p.numel() for p in net.parameters())
    said["strength"] = "0 to 1" if base else "1 only: its base is not known"
    print(json.dumps(said, indent=2, ensure_ascii=False))


@app.command("import")
def import_(
    peer: Annotated[
        Path, typer.Argument(help="A .pth of pytorch/examples' fast_neural_style.", metavar="PEER")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="A .safetensors.")],
    name: Annotated[str | None, typer.Option(help="Of the style; default: the file's.")] = None,
    force: Force = False,
):
    "Another program's network as one of ours, without running code."
    from .runfolder import may_write_file
    from .stylefile import import_style

    may_write_file(out, force)
    wrote(import_style(peer, out, name))


def _painter(style, trust_pickle, *args):
    "A Stylizer, of a pickle only when it is trusted."
    from .gallery import find_style

    if find_style(style)[0].suffix == ".pkl" and not trust_pickle:
        raise FaststyleError(f"{style} can run code when loaded: --trust-pickle if it is yours.")
    from .stylizer import Stylizer

    return Stylizer(style, *args)


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
