"The command that optimises pixels."

import math
import re
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from .errors import progress
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
    wrote,
)

PAGE = "host", "port", "browser", "allow_host"


def optimize(
    content: Annotated[
        str, typer.Argument(help="The photo: a file or an address.", show_default=False)
    ],
    styles: Annotated[
        list[str],
        typer.Argument(help="Paintings, blended.", metavar="STYLE…", show_default=False),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", "--output")] = Path("out.png"),
    recipe: Annotated[
        str, typer.Option(help="fast, ours; crowson, crowson_2021 or gatys, with their numbers.")
    ] = "fast",
    style_weights: Annotated[
        list[float] | None,
        typer.Option(
            "-sw",
            "--style-weights",
            help="Of each painting, one each; by a --mask the first has its part.",
        ),
    ] = None,
    content_weight: Annotated[float | None, typer.Option("-cw", "--content-weight")] = None,
    tone_weight: Annotated[
        float | None, typer.Option(min=0, help="Of keeping light and dark.")
    ] = None,
    tv_weight: Annotated[
        float | None, typer.Option("-tw", "--tv-weight", help="Of smoothness.")
    ] = None,
    style_weight: Annotated[
        float | None,
        typer.Option("--style-ratio", help="Of the whole style loss, beside the content's."),
    ] = None,
    content_layers: ContentLayers = None,
    style_layers: StyleLayers = None,
    min_scale: Annotated[
        int | None, typer.Option("-ms", "--min-scale", help="px of the longer side to begin at.")
    ] = None,
    end_scale: Annotated[
        str | None,
        typer.Option(
            "-s", "--end-scale", help="px to end at; N+: with as many pixels as an N x N square."
        ),
    ] = None,
    initial_iterations: Annotated[
        int | None, typer.Option("-ii", "--initial-iterations", min=1, help="At the first size.")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option("-i", "--iterations", min=1, help="At each size after it.")
    ] = None,
    step_size: Annotated[float | None, typer.Option("-ss", "--step-size", help="Adam's.")] = None,
    avg_decay: Annotated[
        float | None,
        typer.Option("-ad", "--avg-decay", min=0, max=0.9999, help="Of the mean of iterates."),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(help="content, gray, uniform, normal, style_stats, or stylized:STYLE."),
    ] = None,
    style_scale_fac: Annotated[
        float | None, typer.Option(min=0.01, help="The paintings' size, of the photo's.")
    ] = None,
    style_size: Annotated[int | None, typer.Option(min=1, help="px of it instead.")] = None,
    content_loss: Annotated[str | None, typer.Option(help="mse, relative or scaled.")] = None,
    style_loss: Annotated[
        str | None,
        typer.Option(help="w2, w2_relative, gram, gram_mean, gram_scaled, gram_sum or mean_std."),
    ] = None,
    pooling: Annotated[str | None, typer.Option(help="max, average or l2.")] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="adam, lbfgs, or wolfe, L-BFGS with a line search.")
    ] = None,
    backbone: BackboneName = None,
    weights: Weights = None,
    mask: Annotated[
        Path | None,
        typer.Option(help="A gray picture: white gets the first STYLE, black the others."),
    ] = None,
    save_every: Annotated[int, typer.Option(min=1, help="Iterations between saves.")] = 50,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last save.")] = False,
    force: Force = False,
    depth: Annotated[
        int | None,
        typer.Option(help="Bits of a color, 8 or 16. Default: 16 for a .tif (extra deep), else 8."),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(help="A printer's .icc: paint in what it can print, show it as .proof.png."),
    ] = None,
    web: Annotated[bool, typer.Option("--web", help="A page to watch it and to stop it.")] = False,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    browser: Annotated[bool, typer.Option("--browser", help="Open the page.")] = False,
    allow_host: AllowHosts = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device", "--devices", help="cpu, cuda, …; cuda:0,cuda:1 share the backbone."
        ),
    ] = None,
    precision: Precision = "auto",
    seed: Annotated[int, typer.Option("-r", "--seed", "--random-seed")] = 0,
    quiet: Quiet = False,
):
    "Repaint a photo by optimising its pixels: the slow way, and the best a style can look."
    given = locals()
    quiet, web, *place = (given.pop(name) for name in ("quiet", "web", *PAGE))
    from .images import read_picture
    from .optimize import optimize_to_file

    given["end_scale"] = end_scale and pixels_of(end_scale, read_picture(content).size)
    if web:
        from .web import live_page
    with live_page(*place) if web else nullcontext() as show:

        def callback(iterate, work):
            if not quiet:
                say(iterate)
            return show and show(iterate, work)

        written = optimize_to_file(**given, callback=callback)
    wrote(*written)


def pixels_of(scale, size):
    "512, or what 512+ means for a picture of a size."
    number = scale.removesuffix("+")
    if not number.isdigit():
        raise typer.BadParameter(f"--end-scale {scale}: a number of px, or one followed by a +.")
    if scale == number:
        return int(number)
    return int(math.sqrt(max(size) / min(size)) * int(number))


def say(iterate):
    "A line of progress."
    i, tty = iterate.i, sys.stderr.isatty()
    if not (tty or i == iterate.i_max or i % 50 == 0):
        return
    line = f"{iterate.width}x{iterate.height}  {i}/{iterate.i_max}  loss {iterate.loss:.4g}"
    line += f"  {1 / iterate.seconds:.1f} it/s"
    progress(line, i == iterate.i_max)


def as_typed(words: list[str]) -> list[str]:
    """Several values after one option, as crowsonkb's users write them, as options take them.

    `-sw 2 1` becomes `-sw 2 -sw 1`, `--devices cuda:0 cuda:1` becomes `--devices cuda:0,cuda:1`.
    """
    found, option = [], None
    for word in words:
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


WEIGHTS, NUMBER = ("-sw", "--style-weights"), re.compile(r"(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")
DEVICES, DEVICE = ("--devices", "--device"), re.compile(r"(cpu|mps|cuda|xpu)(:\d+)?")
