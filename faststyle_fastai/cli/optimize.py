"The command that optimizes pixels directly."

import math
import re
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from ..core.terminal import progress
from .options import (
    AllowHosts,
    BackboneName,
    ContentLayers,
    Force,
    Host,
    Port,
    Precision,
    Quiet,
    StyleLayers,
    Weights,
    print_outputs,
)


def optimize(
    content: Annotated[
        str, typer.Argument(metavar="PHOTO", help="Photo: a file or a URL.", show_default=False)
    ],
    styles: Annotated[
        list[str],
        typer.Argument(
            help="One painting, or several to blend.", metavar="PAINTING…", show_default=False
        ),
    ],
    out: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Output file.")
    ] = Path("out.png"),
    recipe: Annotated[
        str,
        typer.Option(
            metavar="RECIPE",
            help="Recipe: fast, or a published one (crowson, crowson_2021 or gatys).",
        ),
    ] = "fast",
    style_weights: Annotated[
        list[float] | None,
        typer.Option(
            "--style-weights",
            metavar="WEIGHT",
            help="Weights of the paintings. With --mask, they blend only the black areas.",
        ),
    ] = None,
    content_weight: Annotated[
        float | None,
        typer.Option("--content-weight", metavar="WEIGHT", help="Weight of the content loss."),
    ] = None,
    tone_weight: Annotated[
        float | None,
        typer.Option(
            metavar="WEIGHT", min=0, help="Weight of the tone loss, which preserves light and dark."
        ),
    ] = None,
    tv_weight: Annotated[
        float | None,
        typer.Option(
            "--tv-weight",
            metavar="WEIGHT",
            help="Weight of the total variation. Higher is smoother.",
        ),
    ] = None,
    style_weight: Annotated[
        float | None,
        typer.Option(
            "--style-ratio",
            metavar="WEIGHT",
            help="Weight of the style loss relative to the content loss.",
        ),
    ] = None,
    content_layers: ContentLayers = None,
    style_layers: StyleLayers = None,
    min_scale: Annotated[
        int | None,
        typer.Option("--min-scale", metavar="PX", help="Longer side in px to start at."),
    ] = None,
    end_scale: Annotated[
        str | None,
        typer.Option(
            "-s",
            "--end-scale",
            metavar="PX",
            help="Longer side in px to end at. N+ means as many pixels as an N x N square.",
        ),
    ] = None,
    initial_iterations: Annotated[
        int | None,
        typer.Option(
            "--initial-iterations", metavar="N", min=1, help="Iterations at the first size."
        ),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(
            "-i", "--iterations", metavar="N", min=1, help="Iterations at each later size."
        ),
    ] = None,
    step_size: Annotated[
        float | None,
        typer.Option("--step-size", metavar="NUMBER", help="Step size of Adam."),
    ] = None,
    avg_decay: Annotated[
        float | None,
        typer.Option(
            "--avg-decay",
            metavar="NUMBER",
            min=0,
            max=0.9999,
            help="Decay of the running average of iterates.",
        ),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="START",
            help="Start: content, gray, uniform, normal, style_stats, or stylized:STYLE.",
        ),
    ] = None,
    style_scale_fac: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER", min=0.01, help="Size of the paintings relative to the photo."
        ),
    ] = None,
    style_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="PX",
            help="Longer side of the paintings in px. Replaces --style-scale-fac.",
        ),
    ] = None,
    content_loss: Annotated[
        str | None, typer.Option(metavar="NAME", help="Content loss: mse, relative or scaled.")
    ] = None,
    style_loss: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Style loss: w2, w2_relative, gram, gram_mean, gram_scaled, gram_sum or mean_std.",
        ),
    ] = None,
    pooling: Annotated[
        str | None, typer.Option(metavar="NAME", help="Pooling: max, average or l2.")
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Optimizer: adam, lbfgs, or wolfe (L-BFGS with a line search)."
        ),
    ] = None,
    backbone: BackboneName = None,
    weights: Weights = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Gray image. White areas get the first PAINTING, black areas the others.",
        ),
    ] = None,
    save_every: Annotated[
        int, typer.Option(metavar="N", min=1, help="Iterations between saves.")
    ] = 50,
    resume: Annotated[bool, typer.Option("--resume", help="Resume from the last save.")] = False,
    force: Force = False,
    depth: Annotated[
        int | None,
        typer.Option(
            "--bit-depth",
            metavar="N",
            help="Bits per color channel, 8 or 16. Default: 16 for .tif (extra deep), otherwise 8.",
        ),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Printer profile (.icc). Restricts the colors and adds a preview, .proof.png.",
        ),
    ] = None,
    web: Annotated[
        bool, typer.Option("--web", help="Serve a web page to watch and stop the optimization.")
    ] = False,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    browser: Annotated[bool, typer.Option("--browser", help="Open the page in a browser.")] = False,
    allow_host: AllowHosts = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="DEVICE",
            help="Device, such as cpu or cuda. With cuda:0,cuda:1, two GPUs share the backbone.",
        ),
    ] = None,
    precision: Precision = "auto",
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed.")] = 0,
    quiet: Quiet = False,
):
    "Repaint one photo by optimizing its pixels directly: slower, but the best quality."
    given = locals()
    quiet, web = given.pop("quiet"), given.pop("web")
    place = {name: given.pop(name) for name in ("host", "port", "browser")}
    place["allow_hosts"] = given.pop("allow_host")
    from ..images.files import read_picture
    from ..optimization.optimize import optimize_to_file

    given["end_scale"] = end_scale and pixels_of(end_scale, read_picture(content).size)
    if web:
        from ..web.server import live_page
    with live_page(**place) if web else nullcontext() as show:

        def callback(iterate, work):
            if not quiet:
                say(iterate)
            return show and show(iterate, work)

        written = optimize_to_file(**given, callback=callback)
    print_outputs(*written)


def pixels_of(scale, size):
    "Parse N or N+ into px of the longer side, for an image of `size`."
    number = scale.removesuffix("+")
    if not number.isdigit():
        raise typer.BadParameter(
            f"--end-scale {scale} must be a number of px, optionally followed by +."
        )
    if scale == number:
        return int(number)
    return int(math.sqrt(max(size) / min(size)) * int(number))


def say(iterate):
    "Print a line of progress."
    i, tty = iterate.i, sys.stderr.isatty()
    if not (tty or i == iterate.i_max or i % 50 == 0):
        return
    line = f"{iterate.width}x{iterate.height}  {i}/{iterate.i_max}  loss {iterate.loss:.4g}"
    line += f"  {1 / iterate.seconds:.1f} it/s"
    progress(line, i == iterate.i_max)


def as_typed(words: list[str]) -> list[str]:
    """Rewrite options as users of crowsonkb's program write them.

    `-sw 2 1` becomes `--style-weights 2 --style-weights 1`, and `--devices cuda:0 cuda:1` becomes
    `--device cuda:0,cuda:1`.
    """
    found, option = [], None
    for word in (ALIASES.get(word, word) for word in words):
        before = found[-1] if found else None
        if option in WEIGHTS and NUMBER.fullmatch(word) and before != option:
            found += [option, word]
        elif option in DEVICES and DEVICE.fullmatch(word) and before != option:
            found[-1] += f",{word}"
        else:
            found.append(word)
            if before != option or word in (*WEIGHTS, *DEVICES):
                option = word if word in (*WEIGHTS, *DEVICES) else None
    return found


ALIASES = {
    "-sw": "--style-weights",
    "-cw": "--content-weight",
    "-tw": "--tv-weight",
    "-ms": "--min-scale",
    "-ii": "--initial-iterations",
    "-ss": "--step-size",
    "-ad": "--avg-decay",
    "-r": "--seed",
    "--random-seed": "--seed",
    "--devices": "--device",
}
WEIGHTS, NUMBER = ("--style-weights",), re.compile(r"(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")
DEVICES, DEVICE = ("--device",), re.compile(r"(cpu|mps|cuda|xpu)(:\d+)?")
