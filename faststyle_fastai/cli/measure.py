"The commands that measure and list styles."

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from typer import Argument

from ..core.atomic import may_write_file
from ..core.errors import FaststyleError
from . import options
from .checks import check_folder, check_paintings, check_style
from .loading import load_stylizer
from .options import option

FILE = "A built-in style, a painting, a .safetensors file, a run folder, or FILE:NAME."
PHOTOS = "Folder of photos that the style was not trained on."
STYLE = "Painting of the style. Not needed for built-in styles and autoencoders."
PAINTING = option("FILE", STYLE, "--painting", callback=check_paintings)
WEIGHTS = "Backbone weights (.safetensors or .pth)."
ITERATIONS = "L-BFGS iterations to compare with, or 0 for none."
OTHERS = "Folder of another program's results for the same photos, with the same names."
OUT = "File for a contact sheet."
TABLE = "File for the measurements as JSON."
STYLES_OUT = "File for an image of all of them."
LIKE = "Sort the styles by their similarity to this painting."
INFO_FILE = "Built-in style, .safetensors file, or run folder."


def evaluate(
    file: Annotated[str, Argument(metavar="STYLE", help=FILE, callback=check_style)],
    photos: Annotated[Path, option("DIR", PHOTOS, callback=check_folder)],
    style: Annotated[str | None, PAINTING] = None,
    backbone: Annotated[str, option("BACKBONE", "Reference backbone: vgg19 or lite.")] = "vgg19",
    weights: Annotated[Path | None, option("FILE", WEIGHTS, "--backbone-weights")] = None,
    size: Annotated[int, option("PX", "Short side of the photos in px.", min=16)] = 256,
    images: Annotated[int, option("N", "Number of photos.", "--num-photos", min=1)] = 8,
    iterations: Annotated[int, option("N", ITERATIONS, min=0)] = 30,
    others: Annotated[Path | None, option("DIR", OTHERS, "--compare-with")] = None,
    out: Annotated[Path | None, option("FILE", OUT, "-o", "--output")] = None,
    table: Annotated[Path | None, option("FILE", TABLE, "--json")] = None,
    force: options.Force = False,
    trust_pickle: options.TrustPickle = False,
    device: options.Device = None,
    precision: options.Precision = "auto",
):
    "Measure a style's losses and compare it with direct optimization."
    from ..core.provenance import write_json
    from ..images.discovery import find_pictures
    from ..images.saving import check_format, save_picture
    from ..images.sheets import contact_sheet
    from ..perceptual.backbones import perceptual_backbone
    from ..perceptual.evaluate import evaluate_autoencoder, evaluate_style, reference_loss

    paint = load_stylizer(file, trust_pickle, device, precision)
    if out:
        may_write_file(check_format(out), force)
    if table:
        may_write_file(table, force)
    style = painting_of(file, paint, style, others)
    pictures: list[str | Path] = [*find_pictures(photos, images)[0]]
    reference = perceptual_backbone(backbone, weights)
    if not pictures:
        raise FileNotFoundError(f"No readable photos in {photos}.")
    if style:
        painter = partial(paint, tensor=True) if paint.at_sight else paint.paint  # as stylize does
        loss = reference_loss(reference, style).to(paint.device)
        peers: dict[str, str | Path] | None = {"others": others} if others else None
        rows, sheet = evaluate_style(painter, pictures, loss, size, iterations, peers)
    else:
        reference.to(paint.device)
        row, sheet = evaluate_autoencoder(paint.paint, pictures, reference, size)
        rows = {"network": row}
    print_rows(rows, iterations)
    if table:
        settings = {"file": file, "style": style and str(style), "iterations": iterations}
        settings |= {"backbone": backbone, "weights": weights and str(weights), "size": size}
        known = {k: {m: v if v == v else None for m, v in row.items()} for k, row in rows.items()}
        write_json({**settings, "photos": [str(path) for path in pictures], "rows": known}, table)
        options.print_outputs(table)
    if out:
        options.print_outputs(save_picture(contact_sheet(sheet), out))


def painting_of(file: str, paint, painting: str | None, others: Path | None) -> Any:
    "The painting to measure a style against; None for an autoencoder."
    if not paint.styles:
        if painting or others:
            raise FaststyleError(f"{file} is an autoencoder: remove --painting and --compare-with.")
        return None
    if paint.named is None and len(paint.styles) > 1:
        raise FaststyleError(
            f"{file} has the styles {', '.join(paint.styles)}. Choose one as {file}:NAME."
        )
    known = paint.paintings.get(paint.named)
    if not painting and not isinstance(known, list):  # several works
        painting = known
    if not painting:
        raise FaststyleError(f"Evaluating {file} requires its painting: add --painting FILE.")
    return painting


def print_rows(rows, iterations):
    columns = [key for key in rows["network"] if key != "iterations"]
    width = 2 + max(7, *map(len, columns))
    print(f"{'':<14}" + "".join(f"{key:>{width}}" for key in columns))
    for name, row in rows.items():
        print(f"{name:<14}" + "".join(f"{row[key]:{width}.3f}" for key in columns))
    if (reached := rows["network"].get("iterations")) is not None:
        print(f"worth {'≥ ' * (reached >= iterations)}{reached:.1f} iterations of optimization")


def styles(
    out: Annotated[Path | None, option("FILE", STYLES_OUT, "-o", "--output")] = None,
    like: Annotated[str | None, option("PAINTING", LIKE, callback=check_style)] = None,
    force: options.Force = False,
):
    "List the built-in styles."
    from ..images.saving import check_format, save_picture
    from ..inference.builtin import BUILTIN_STYLES, gallery_sheet

    if out:
        may_write_file(check_format(out), force)
    width, similarity = max(map(len, BUILTIN_STYLES)), {}
    if like:
        from ..inference.first_sight import nearest_styles

        similarity = nearest_styles(like)
    for name in similarity or BUILTIN_STYLES:
        score = f"{similarity[name]:+.2f}  " if like else ""
        print(f"{score}{name:<{width}}  {BUILTIN_STYLES[name]}")
    if out:
        options.print_outputs(save_picture(gallery_sheet(), out))


def info(
    file: Annotated[str, Argument(metavar="STYLE", help=INFO_FILE)],
):
    "Print the metadata of a style file as JSON."
    from ..core.assets import builtin_path
    from ..inference.builtin import BUILTIN_STYLES, find_name, find_style, unknown_style
    from ..models.stylefile import load_style

    path, name = find_style(file)
    net, metadata, base = load_style(path)
    name = name and find_name(name, metadata["styles"])
    if name not in (None, *metadata["styles"]):
        raise ValueError(unknown_style(name, metadata["styles"]))
    if path == builtin_path("gallery", "full") and name:
        palettes = {name: metadata["palettes"][name]}
        metadata |= {"styles": [name], "painting": BUILTIN_STYLES[name], "palettes": palettes}
    metadata["parameters"] = sum(p.numel() for p in net.parameters())
    metadata["strength"] = "0 to 1" if base else "1 only: the file has no base network"
    metadata["palettes"] = metadata.pop("palettes", {})  # many numbers: they come last
    print(json.dumps(metadata, indent=2, ensure_ascii=False))
