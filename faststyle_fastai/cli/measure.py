"The commands that measure and list styles."

import json
from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import FaststyleError
from .checks import check_folder, check_style
from .loading import load_stylizer
from .options import Device, Precision, TrustPickle, Weights, print_outputs


def evaluate(
    file: Annotated[
        str,
        typer.Argument(
            metavar="STYLE",
            help="A built-in style, a painting, a .safetensors file, a run folder, or FILE:NAME.",
            callback=check_style,
        ),
    ],
    photos: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder of photos that the style was not trained on.",
            callback=check_folder,
        ),
    ],
    style: Annotated[
        Path | None,
        typer.Option(
            "--painting",
            metavar="FILE",
            help="Painting of the style. Not needed for built-in styles and autoencoders.",
        ),
    ] = None,
    backbone: Annotated[
        str, typer.Option(metavar="BACKBONE", help="Reference backbone: vgg19 or lite.")
    ] = "vgg19",
    weights: Weights = None,
    size: Annotated[
        int, typer.Option(min=16, metavar="PX", help="Short side of the photos in px.")
    ] = 256,
    images: Annotated[
        int, typer.Option("--num-photos", metavar="N", min=1, help="Number of photos.")
    ] = 8,
    iterations: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="L-BFGS iterations to compare with, or 0 for none."),
    ] = 30,
    others: Annotated[
        Path | None,
        typer.Option(
            "--compare-with",
            metavar="FILE",
            help="Folder of another program's results for the same photos, with the same names.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="File for a contact sheet."),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="File for the measurements as JSON."),
    ] = None,
    trust_pickle: TrustPickle = False,
    device: Device = None,
    precision: Precision = "auto",
):
    "Measure a style's losses and compare it with direct optimization."
    from ..core.assets import ASSETS
    from ..core.provenance import write_json
    from ..images.discovery import first_pictures
    from ..images.files import check_format, save_picture
    from ..images.formats import is_painting
    from ..images.sheets import contact_sheet
    from ..inference.builtin import find_style, style_thumbnail
    from ..perceptual.backbones import perceptual_backbone
    from ..perceptual.evaluate import evaluate_autoencoder, evaluate_style, reference_loss

    paint = load_stylizer(file, trust_pickle, device, precision)
    if out:
        check_format(out)
    if is_painting(file):
        style = style or file
    elif paint.named and find_style(file)[0].parent == ASSETS:
        style = style or style_thumbnail(paint.named)
    if paint.styles and not style:
        raise FaststyleError(f"Evaluating {file} requires its painting: add --painting FILE.")
    if not paint.styles and (style or others):
        raise FaststyleError(f"{file} is an autoencoder: remove --painting and --compare-with.")
    if paint.named is None and len(paint.styles) > 1:
        raise FaststyleError(
            f"{file} has the styles {', '.join(paint.styles)}. Choose one as {file}:NAME."
        )
    found, reference = first_pictures(photos, images), perceptual_backbone(backbone, weights)
    if not found:
        raise FileNotFoundError(f"No readable photos in {photos}.")
    if paint.styles:
        loss = reference_loss(reference, style).to(paint.device)
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
        print(f"worth {'≥ ' * (worth >= iterations)}{worth:.1f} iterations of optimization")
    if table:
        facts = {"file": file, "style": style and str(style), "iterations": iterations}
        facts |= {"backbone": backbone, "weights": weights and str(weights), "size": size}
        facts["photos"] = [str(path) for path in found]
        write_json({**facts, "rows": rows}, table)
        print_outputs(table)
    if out:
        print_outputs(save_picture(contact_sheet(sheet), out))


def styles(
    out: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="File for an image of all of them."),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="PAINTING",
            help="Sort the styles by their similarity to this painting.",
            callback=check_style,
        ),
    ] = None,
):
    "List the built-in styles."
    from ..inference.builtin import BUILTIN_STYLES, gallery_sheet

    width, order, alike = max(map(len, BUILTIN_STYLES)), BUILTIN_STYLES, {}
    if like:
        from ..inference.first_sight import nearest_styles

        order = alike = nearest_styles(like)
    for name in order:
        likeness = f"{alike[name]:+.2f}  " if like else ""
        print(f"{likeness}{name:<{width}}  {BUILTIN_STYLES[name]}")
    if out:
        from ..images.files import save_picture

        print_outputs(save_picture(gallery_sheet(), out))


def info(
    file: Annotated[
        str,
        typer.Argument(metavar="STYLE", help="Built-in style, .safetensors file, or run folder."),
    ],
):
    "Print the metadata of a style file as JSON."
    from ..inference.builtin import BUILTIN_STYLES, find_style
    from ..models.stylefile import builtin_path, load_style

    path, name = find_style(file)
    net, said, base = load_style(path)
    if name not in (None, *said["styles"]):
        raise FaststyleError(
            f"{path} has no style '{name}'. Available: {', '.join(said['styles'])}."
        )
    if path == builtin_path("gallery", "full") and name:
        said |= {"styles": [name], "painting": BUILTIN_STYLES[name]}
    said["parameters"] = sum(p.numel() for p in net.parameters())
    said["strength"] = "0 to 1" if base else "1 only: the file has no base network"
    print(json.dumps(said, indent=2, ensure_ascii=False))
