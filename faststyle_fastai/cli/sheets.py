"The commands that paint one photo in several styles, as one image."

import os
import sys
from pathlib import Path
from typing import Annotated, Any

from typer import Argument

from ..core.atomic import may_write_file
from ..core.errors import FaststyleError
from ..core.terminal import progress
from ..core.values import either
from ..images.formats import is_painting
from ..inference.options import AREAS
from . import options
from .checks import check_style
from .loading import load_stylizer
from .options import option

STYLE = (
    "A built-in style, a painting, or FILE:NAME. Repeat for two styles (a row) or four (a square). "
    "Trained styles must be of one file."
)
OUT = "Output image."
SHEET_STYLE = "A folder of paintings, a run folder, or a file with several styles."


def grid(
    picture: Annotated[str, Argument(help="Photo: a file or a URL.", metavar="INPUT")],
    style: Annotated[list[str], option("STYLE", STYLE, callback=check_style)],
    out: options.Output,
    size: Annotated[int | None, option("PX", "Short side to paint at in px.", min=8)] = None,
    area: Annotated[str, option("WHAT", f"What to paint: {either(AREAS)}.", "--paint")] = "all",
    force: options.Force = False,
    trust_pickle: options.TrustPickle = False,
    device: options.Device = None,
    precision: options.Precision = "auto",
):
    "Paint one photo in mixtures of two or four styles, five images per side."
    from ..images.saving import check_format, save_picture
    from ..inference.builtin import find_style
    from ..inference.people import painted_area

    settings = options.painting({"area": area})
    may_write_file(check_format(out), force)
    names: list[Any] = list(style)
    also = style[1:]
    if not any(map(is_painting, style)):
        files, named = zip(*map(find_style, style))
        if len(set(files)) > 1:
            raise FaststyleError(
                "Styles of different files cannot be mixed: choose styles of one file."
            )
        names, also = [name or 0 for name in named], []
    paint = load_stylizer(style[0], trust_pickle, device, precision, also)
    from ..inference.grid import style_grid

    if not paint.styles:
        raise FaststyleError(
            f"{style[0]} is an autoencoder without styles to mix: choose a trained style."
        )
    mask = painted_area(picture, settings, name=picture)
    options.print_outputs(
        save_picture(style_grid(paint, picture, names, size=size, mask=mask), out)
    )


def sheet(
    picture: Annotated[str, Argument(help="Photo: a file or a URL.", metavar="INPUT")],
    out: Annotated[Path, option("FILE", OUT, "-o", "--output")],
    style: Annotated[str, option("STYLES", SHEET_STYLE)] = "gallery",
    size: Annotated[int, option("PX", "Longer side of each image in px.", min=8)] = 480,
    force: options.Force = False,
    trust_pickle: options.TrustPickle = False,
    device: options.Device = None,
    precision: options.Precision = "auto",
):
    "Paint one photo in all built-in styles, or in all paintings of a folder."
    from ..images.discovery import works_of
    from ..images.saving import check_format, save_picture
    from ..inference.builtin import NETWORKS
    from ..models.stylefile import MODEL

    may_write_file(check_format(out), force)
    folder = style not in NETWORKS and os.path.isdir(style)
    works = folder and not (Path(style) / MODEL).is_file()
    first, *others = works_of(style) if works else [style]
    paint = load_stylizer(first, trust_pickle, device, precision, others, quiet=True)
    from ..inference.grid import each_style, style_sheet

    if not paint.styles:
        raise FaststyleError(f"{style} is an autoencoder without styles: choose a trained style.")
    images = []
    for each in each_style(paint, picture, size):
        images.append(each)
        if sys.stderr.isatty():
            progress(f"painted {len(images) - 1} styles")
    options.print_outputs(save_picture(style_sheet(images), out))
