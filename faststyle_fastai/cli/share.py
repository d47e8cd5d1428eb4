"The command that makes a link of a style."

import shutil
import sys
from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter

from ..core.errors import FaststyleError
from . import options
from .checks import check_style
from .loading import load_mixture
from .options import option

FORMATS = ".svg", ".png"
FILMS = (
    "The link holds a painting's style as films take it. For its own strokes, send the painting."
)
NOWHERE = (
    "This package names no site: write the link behind the address of a studio, or give --studio."
)


def share(
    style: Annotated[
        str,
        Argument(
            metavar="STYLE",
            help="A built-in style, a painting, a link, or a style that was added to the slim "
            "network of the built-in ones: FILE:NAME.",
            callback=check_style,
        ),
    ],
    mix: options.Mix = None,
    out: Annotated[
        Path | None, option("FILE", "File for a QR code: .svg or .png.", "-o", "--output")
    ] = None,
    studio: Annotated[
        str | None, option("URL", "Address of a studio. Default: the project's site.")
    ] = None,
    force: options.Force = False,
    trust_pickle: options.TrustPickle = False,
):
    "Print a link that opens the studio in a style, and its QR code."
    if out and out.suffix.lower() not in FORMATS:
        raise BadParameter(f"{out} must end in {' or '.join(FORMATS)}.")
    from ..core.atomic import atomic_write, may_write_file
    from ..core.extras import extra
    from ..inference.links import studio_address, style_link

    address = studio or studio_address()
    if out:
        may_write_file(out, force)
        if not address:
            raise FaststyleError("A QR code needs the address of a studio: give --studio URL.")
        extra("segno", "share")
    paint, named = load_mixture(style, mix, None, trust_pickle, "cpu", "float32", True, None)
    link = style_link(paint, named, address.partition("#")[0])
    if paint.at_sight:
        print(FILMS, file=sys.stderr)
    if not address:
        print(NOWHERE, file=sys.stderr)
    elif out:
        with atomic_write(out) as temporary:
            code(link).save(str(temporary), scale=4)
        options.print_outputs(out)
    elif sys.stderr.isatty():
        show(link)
    options.print_outputs(link)


def code(link):
    "The QR code of a link."
    from ..core.extras import extra

    return extra("segno", "share").make(link, error="l", micro=False)


def show(link):
    "Print the QR code of a link if it fits the terminal."
    try:
        found = code(link)
    except FaststyleError as error:
        return print(f"No QR code: {error}", file=sys.stderr)
    if found.symbol_size()[0] > shutil.get_terminal_size()[0]:
        return print("The QR code is wider than this terminal: -o qr.svg", file=sys.stderr)
    found.terminal(sys.stderr, compact=True)
