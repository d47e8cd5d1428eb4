"Arguments and options that several commands share, besides those of training."

import re
from collections.abc import Callable
from dataclasses import fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, BadParameter, Option

from ..core.terminal import end_progress, printable
from ..images.shapes import INCH, PAPERS
from ..inference.options import PaintOptions
from .checks import check_device, check_inputs, check_mix, check_paintings, check_style
from .help import in_options


def option(metavar: str | None, description: str, *names: str, **more: Any) -> Any:
    return Option(*names, metavar=metavar, help=description, **more)


INPUTS = "Images, folders, glob patterns or http(s) URLs; - for a pipe."
Inputs = Annotated[list[str], Argument(help=INPUTS, metavar="INPUT…", callback=check_inputs)]
DEVICE = "Device, such as cpu, cuda or cuda:1. Default: the best available."
Device = Annotated[str | None, option("NAME", DEVICE, callback=check_device)]
Quiet = Annotated[bool, Option("--quiet", help="Do not print progress.")]
Output = Annotated[Path, option("FILE", "Output file.", "-o", "--output")]
StyleOutput = Annotated[Path, option("FILE", "Output file (.safetensors).", "-o", "--output")]
LIKENESS = "From 0 (the painting with your subject) to 1 (the photo, painted). Default: "
Likeness = Annotated[
    float | None, option("SHARE", f"{LIKENESS}1, and 0.75 with --refine.", min=0, max=1)
]
PAINTERLY = "Borrow patches of the style's painting instead of running the style's network. Slower."
Painterly = Annotated[bool, Option("--painterly", help=PAINTERLY)]
Painting = Annotated[
    str | None,
    option(
        "FILE",
        "The painting behind your own style, needed for --refine and --painterly.",
        callback=check_paintings,
    ),
]
SkipExisting = Annotated[
    bool, Option("--skip-existing", help="Skip images that already have an output.")
]
WATCH = "Watch the folder INPUT and paint each new photo once. Press Ctrl-C to stop."
Watch = Annotated[bool, Option("--watch", help=WATCH)]
Strip = Annotated[bool, Option("--strip", help="Write no EXIF, GPS, IPTC or XMP metadata.")]
Megapixels = Annotated[
    float, option("N", "Refuse images with more megapixels.", "--max-megapixels", min=0.001)
]
SIGHT_ARCH = "Network for a painting at sight: full (the default) or slim (faster)."
SightArch = Annotated[str | None, option("NAME", SIGHT_ARCH, "--arch")]
STYLE = (
    "A built-in style, a painting (a file or a URL), a run folder or a .safetensors file. "
    "FILE:NAME is one style of a file, NAME=FILE,FILE,… combines paintings. "
    "A share link also works."
)
Style = Annotated[str, option("STYLE", STYLE, callback=check_style)]
MIX = "Style to mix in, and its share. Repeat for several. The style itself gets the rest."
Mix = Annotated[list[str] | None, option("STYLE=.3", MIX, callback=check_mix)]
# How options of painting differ from their field in PaintOptions, which has help and limits.
PAINT: dict[str, dict[str, Any]] = {
    "mask": {"kind": str | None},
    "area": {"name": "--paint"},
    "black": {"kind": str | None, "name": "--background-style", "callback": check_style},
    "tile": {"kind": str},
}


def paint_options(*without: str) -> dict[str, tuple]:
    "A group of options for `takes`: those of painting, except the style and some."

    def typed(field, kind=None, name=None, **more):
        name = name or f"--{field.name.replace('_', '-')}"  # named, a flag has no --no-…
        return Annotated[kind or field.type, Option(name, **field.metadata | more)]

    chosen = [field for field in fields(PaintOptions) if field.name not in ("style", *without)]
    return {f.name: (typed(f, **PAINT.get(f.name, {})), f.default) for f in chosen}


def painting(options: dict[str, Any]) -> PaintOptions:
    "PaintOptions; options that do not go together are a usage error."
    try:
        return PaintOptions(**options)
    except ValueError as error:
        raise BadParameter(in_options(str(error))) from None


def takes(options: dict[str, tuple], last: dict[str, tuple] | None = None) -> Callable:
    "Decorate a command: its `**kwargs` become these options, after its required ones or `last`."

    def added(options):
        return [
            Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for name, (kind, default) in options.items()
        ]

    def decorate(command):
        *declared, _ = signature(command).parameters.values()
        declared = [p.replace(kind=p.KEYWORD_ONLY) for p in declared]
        required = [p for p in declared if p.default is p.empty]
        parameters = required + added(options) + declared[len(required) :] + added(last or {})
        command.__signature__ = Signature(parameters)
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorate


PRECISION = (
    "Precision: float32, bfloat16, float16, or auto: that of FASTSTYLE_PRECISION, or what the "
    "device supports best."
)
Precision = Annotated[str, option("NAME", PRECISION)]
TrustPickle = Annotated[
    bool, Option("--trust-pickle", help="Allow a .pkl file, which can run code when loaded.")
]
Force = Annotated[bool, Option("--overwrite", help="Overwrite existing output.")]
Host = Annotated[str, option("ADDRESS", "Address of the web page.")]
Port = Annotated[int, option("PORT", "Port of the web page.", min=0, max=65535)]
HOST, PORT = "127.0.0.1", 8080
ALLOW_HOSTS = "Additional host name of the page, for example behind a proxy. Repeat for several."
AllowHosts = Annotated[list[str] | None, option("NAME", ALLOW_HOSTS)]
Browser = Annotated[bool, Option(help="Open the page in a browser.")]
UNITS = {"mm": 1, "cm": 10, "in": INCH}  # of lengths, in mm


def paper(text: str) -> tuple[float, float]:
    "Parse a paper's name, or its sides as 30x40cm: the short and the long side in mm."
    sides: tuple[float, ...] = PAPERS.get(text.lower(), (0, 0))
    if found := re.fullmatch(r"(\d+\.?\d*)x(\d+\.?\d*)(mm|cm|in)", text.lower()):
        sides = tuple(float(side) * UNITS[found[3]] for side in found.groups()[:2])
    if not all(sides):
        raise BadParameter(
            f"Unknown paper '{text}'. Use A2 to A6, letter, or a size such as 8x10in."
        )
    return min(sides), max(sides)


def length(text: str) -> float:
    "Parse a length such as 3mm, in mm."
    if not (found := re.fullmatch(r"(\d*\.?\d+)(mm|cm|in)", text.lower())):
        raise BadParameter(f"Unknown length '{text}'. Use a length such as 3mm, 0.3cm or 0.125in.")
    return float(found[1]) * UNITS[found[2]]


def print_outputs(*paths: str | Path) -> None:
    "Print the paths of a command's results, as its last output."
    end_progress()
    for path in paths:
        print(printable(str(path)), flush=True)  # a pipe may wait for it
