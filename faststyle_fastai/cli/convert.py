"The commands that convert styles from and to other programs' formats."

from pathlib import Path
from typing import Annotated

from typer import Argument

from . import options
from .loading import load_stylizer
from .options import option

STUDIO = "studio"


def export(
    file: Annotated[
        str,
        Argument(
            metavar="STYLE",
            help="Style: a built-in style, gallery (all of them), a .safetensors file, a "
            "run folder, FILE:NAME, a painting, or studio: the page with everything.",
        ),
    ],
    out: Annotated[
        Path,
        option(
            "PATH",
            "Output file: .onnx for other programs, or .html, a page that paints in any browser. "
            "For the studio also a folder: an app to put on a web server.",
            "-o",
            "--output",
        ),
    ],
    dtype: Annotated[
        str,
        option(
            "TYPE",
            "Type of the weights in an .onnx file: float32, half (half the size) or int8 "
            "(a third).",
        ),
    ] = "float32",
    arch: options.SightArch = None,
    force: options.Force = False,
    trust_pickle: options.TrustPickle = False,
):
    "Export one style, or all styles of a file, to ONNX or to a web page; or the studio."
    if out.suffix not in ((".html", "") if file == STUDIO else (".html", ".onnx")):
        also = "be a folder" if file == STUDIO else "in .onnx"
        raise ValueError(f"{out} must end in .html or {also}.")
    from ..core.atomic import may_write_file

    may_write_file(out if out.suffix else out / "index.html", force)
    from ..inference.html import export_html
    from ..inference.onnx import export_onnx
    from ..inference.studio import export_studio

    if file == STUDIO:
        return options.print_outputs(export_studio(out))
    paint = load_stylizer(file, trust_pickle, arch=arch)
    if out.suffix == ".html":
        return options.print_outputs(export_html(paint, out))
    options.print_outputs(export_onnx(paint, out, dtype))


def import_(
    peer: Annotated[
        Path,
        Argument(help="A .pth file of fast_neural_style from pytorch/examples.", metavar="PEER"),
    ],
    out: options.StyleOutput,
    name: Annotated[
        str | None, option("NAME", "Name of the style. Default: the file name.")
    ] = None,
    force: options.Force = False,
):
    "Convert a network of pytorch/examples to a style file without running code."
    from ..core.atomic import may_write_file
    from ..models.stylefile import import_style

    may_write_file(out, force, ".safetensors")
    options.print_outputs(import_style(peer, out, name))
