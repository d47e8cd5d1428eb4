"faststyle …: parses, calls one function, prints where the result lies."

import json
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from . import __version__
from .cli_bulk import bulk
from .cli_optimize import as_typed, optimize
from .cli_stylize import grid, painter, stylize
from .cli_train import add_style, demo, pretrain, train
from .cli_video import video
from .cli_web import camera, web
from .errors import FaststyleError, one_line
from .options import Device, Force, Precision, TrustPickle, Weights, wrote

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fast neural style transfer that anyone can train and run.",
)


for command in (
    demo,
    pretrain,
    train,
    add_style,
    stylize,
    grid,
    video,
    optimize,
    web,
    camera,
    bulk,
):
    app.command()(command)


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
    precision: Precision = "auto",
):
    "Measure a style: content, style, and how many iterations of optimisation it is worth."
    from .backbones import perceptual_backbone
    from .evaluate import evaluate_autoencoder, evaluate_style, yardstick
    from .folders import first_pictures
    from .images import check_format, save_picture
    from .runfolder import write_json
    from .sheets import contact_sheet

    paint = painter(file, trust_pickle, device, precision)
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
        theirs = {"others": others} if others else None
        rows, sheet = evaluate_style(paint.paint, found, loss, size, iterations, theirs)
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


@app.command()
def export(
    file: Annotated[
        str, typer.Argument(help="A style that ships or gallery, a .safetensors, a run, FILE:NAME.")
    ],
    onnx: Annotated[Path, typer.Option(help="An .onnx to write.")],
    weights: Annotated[
        str, typer.Option(help="float32; half, int8: files of a half and a third.")
    ] = "float32",
    force: Force = False,
    trust_pickle: TrustPickle = False,
):
    "A network for other programs: one style, or all of a file's as an input."
    from .export import export_onnx
    from .runfolder import may_write_file

    may_write_file(onnx, force, ".onnx")
    wrote(export_onnx(painter(file, trust_pickle), onnx, weights))


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


def main():
    "Run the command line; whatever goes wrong is one line on stderr."
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    if sys.argv[1:2] == ["optimize"]:
        sys.argv[1:] = as_typed(sys.argv[1:])
    for noise in (FutureWarning, DeprecationWarning):  # of the libraries, to their developers
        warnings.simplefilter("ignore", noise)
    warnings.showwarning = lambda text, *_: print(f"warning: {text}", file=sys.stderr)
    try:
        app()
    except Exception as error:
        if debug:
            raise
        print(f"error: {one_line(error)}", file=sys.stderr)
        raise SystemExit(1) from None


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
):
    if version:
        print(__version__)
        raise typer.Exit
