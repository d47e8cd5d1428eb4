"The commands that give styles to other programs and people, and take them."

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from typer import Argument

from ..core.atomic import atomic_write, may_write_file
from ..core.errors import FaststyleError, UsageError
from ..core.extras import extra, install_line
from . import options
from .loading import load_mixture, load_stylizer
from .options import option

STUDIO = "studio"
FILE = (
    "Style: a built-in style, gallery (all of them), a .safetensors file, a run folder, FILE:NAME, "
    "a painting, or studio: the page with everything."
)
OUT = (
    "Output file: .onnx for other programs, or .html, a page that paints in any browser. For the "
    "studio also a folder: an app to put on a web server."
)
DTYPE = (
    "Type of the weights in an .onnx file: float32, half (half the size) or int8 (a third). "
    "Default: float32."
)
STYLE = "A built-in style, a painting, a link, or what add-style slim made: FILE:NAME."
SHARE_OUT = "File for a QR code: .svg or .png."
SHARE_STUDIO = "Address of a studio, which a QR code needs."
PEER = "A .pth file of fast_neural_style from pytorch/examples."
NAME = "Name of the style. Default: the file name."


def export(
    file: Annotated[str, Argument(metavar="STYLE", help=FILE)],
    out: Annotated[Path, option("PATH", OUT, "-o", "--output")],
    dtype: Annotated[str | None, option("TYPE", DTYPE)] = None,
    arch: options.SightArch = None,
    force: options.Force = False,
    trust_pickle: options.TrustPickle = False,
):
    "Export one style, or all styles of a file, to ONNX or to a web page; or the studio."
    kind = out.suffix.lower()
    if kind == ".onnx" if file == STUDIO else kind not in (".html", ".onnx"):
        also = "be a folder" if file == STUDIO else "in .onnx"
        raise ValueError(f"{out} must end in .html or {also}.")
    if dtype and kind != ".onnx":
        raise UsageError("--dtype is only for .onnx files.")
    if arch and file == STUDIO:
        raise UsageError("--arch has no effect on the studio.")
    folder = file == STUDIO and kind != ".html"
    if folder and out.is_file():
        raise FaststyleError(f"{out} is a file, not a folder. Choose another -o.")
    from ..inference.html import export_html
    from ..inference.onnx import export_onnx
    from ..inference.studio import FILES, export_studio

    for each in [out / name for name in FILES] if folder else [out]:
        may_write_file(each, force)

    if file == STUDIO:
        return options.print_outputs(export_studio(out))
    paint = load_stylizer(file, trust_pickle, arch=arch)
    if kind == ".html":
        return options.print_outputs(export_html(paint, out))
    options.print_outputs(export_onnx(paint, out, dtype or "float32"))


def share(
    style: Annotated[str, Argument(metavar="STYLE", help=STYLE)],
    mix: options.Mix = None,
    out: Annotated[Path | None, option("FILE", SHARE_OUT, "-o", "--output")] = None,
    studio: Annotated[str | None, option("URL", SHARE_STUDIO)] = None,
    force: options.Force = False,
):
    "Print a link that opens the studio in a style, and its QR code."
    from ..inference.links import studio_address, style_link

    address, hints = studio or studio_address(), []
    if out:
        may_write_file(out, force)
        if out.suffix.lower() not in (".svg", ".png"):
            raise UsageError(f"{out}: the name of a QR code must end in .svg or .png.")
        if not address:
            raise UsageError("A QR code needs the address of a studio: give --studio URL.")
    shown = not out and address and sys.stderr.isatty()
    qr: Any = extra("segno", "share") if out or (shown and find_spec("segno")) else None
    paint, named = load_mixture(style, mix, device="cpu", precision="float32", quiet=True)
    link = style_link(paint, named, address.partition("#")[0])
    if paint.at_sight:
        hints.append("The link holds a simplified style. For full brushwork, send the painting.")
    if not address:
        hints.append("Add the link below to the end of a studio's address, or give --studio URL.")
        hints.append("To make a studio: faststyle export studio -o FOLDER.")
    if shown and not qr:
        hints.append(f"For a QR code, {install_line('share')}.")
    print(*hints, sep="\n", end="\n" if hints else "", file=sys.stderr)
    code = qr and qr.make(link, error="l", micro=False)
    if out:
        with atomic_write(out) as temporary:
            code.save(str(temporary), scale=4)
        options.print_outputs(out)
    elif code and code.symbol_size()[0] <= shutil.get_terminal_size()[0]:
        code.terminal(sys.stderr, compact=True)
    options.print_outputs(link)


def import_(
    peer: Annotated[Path, Argument(help=PEER, metavar="PEER")],
    out: options.StyleOutput,
    name: Annotated[str | None, option("NAME", NAME)] = None,
    force: options.Force = False,
):
    "Convert a network of pytorch/examples to a style file without running code."
    from ..models.stylefile import import_style

    may_write_file(out, force, ".safetensors")
    options.print_outputs(import_style(peer, out, name))
