"The command that optimizes pixels directly."

import math
import re
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, BadParameter, Option

from ..core.errors import UsageError
from ..core.terminal import progress, tell
from ..core.values import count, either
from ..optimization.pixel_recipes import OPTIMIZATIONS, optimization_plan
from . import options, training_options
from .checks import check_paintings
from .options import option
from .training_options import BACKBONE, CONTENT_LAYERS, STROKES, STYLE_LOSS, named, override, weight

STYLE_RATIO = "Weight of the style loss relative to the content loss."
STYLE_LOSSES = "Style loss: w2, w2_relative, gram, gram_mean, gram_scaled or gram_sum."
END_SCALE = "Longer side in px to end at. N+ means as many pixels as an N x N square."
ITERATIONS = "Iterations at each later size. --initial-iterations is for the first."
INIT = "Start: content, gray, uniform, normal, style_stats, blurred, or stylized:STYLE."
STYLE_SIZE = "Longer side of the paintings in px. Replaces --style-scale-fac."
PLAN = {  # see pixel_recipes.Optimization
    "content_weight": weight("Weight of the content loss."),
    "tone_weight": weight("Weight of the tone loss, which preserves light and dark."),
    "tv_weight": weight("Weight of the total variation. Higher is smoother."),
    "style_weight": weight(STYLE_RATIO, "--style-ratio"),
    "content_layers": CONTENT_LAYERS,
    "style_layers": STYLE_LOSS["style_layers"],
    "content_loss": named("Content loss: mse, relative, normalized or scaled."),
    "style_loss": named(STYLE_LOSSES),
    "likeness": override(float, "SHARE", f"{options.LIKENESS}0.75.", min=0, max=1),
    "strokes": STROKES,
    "min_scale": override(int, "PX", "Longer side in px to start at."),
    "end_scale": override(str, "PX", END_SCALE, "-s", "--end-scale"),
    "initial_iterations": override(int, "N", "Iterations at the first size.", min=1),
    "iterations": override(int, "N", ITERATIONS, "-i", "--iterations", min=1),
    "step_size": override(float, "NUMBER", "Step size of Adam."),
    "avg_decay": override(
        float, "NUMBER", "Decay of the running average of iterates.", min=0, max=0.9999
    ),
    "init": override(str, "START", INIT),
    "style_scale_fac": override(
        float, "NUMBER", "Size of the paintings relative to the photo.", min=0.01
    ),
    "style_size": override(int, "PX", STYLE_SIZE, min=1),
    "pooling": named("Pooling: max, average, plain average or l2."),
    "optimizer": named("Optimizer: adam, lbfgs, or wolfe (L-BFGS with a line search)."),
    **BACKBONE,
}
CONTENT = "Photo: a file or a URL."
STYLES = "One painting, or several to blend. A folder, or NAME=FILE,FILE,…, counts as one."
PAINTINGS = Argument(help=STYLES, metavar="PAINTING…", show_default=False, callback=check_paintings)
RECIPE = f"Recipe: {either(OPTIMIZATIONS)}. All but neighbors are published ones."
STYLE_WEIGHTS = "Weights of the paintings. With --mask, they blend only the black areas."
MASK = "Gray image. White areas get the first PAINTING, black areas the others."
DEPTH = "Bits per color channel, 8 or 16. Default: 16 for .tif, otherwise 8."
PROOF = "Printer profile (.icc). Restricts the colors and adds a preview, .proof.png."
WEB = "Serve a web page to watch and stop the optimization."
DEVICE = "Device, such as cpu or cuda. With cuda:0,cuda:1, two GPUs share the backbone."


@options.takes(PLAN)
def optimize(
    content: Annotated[str, Argument(metavar="PHOTO", help=CONTENT, show_default=False)],
    styles: Annotated[list[str], PAINTINGS],
    out: options.Output = Path("out.png"),
    recipe: Annotated[str, option("RECIPE", RECIPE)] = "neighbors",
    style_weights: Annotated[list[float] | None, option("WEIGHT", STYLE_WEIGHTS)] = None,
    mask: Annotated[str | None, option("FILE", MASK)] = None,
    save_every: Annotated[int, option("N", "Iterations between saves.", min=1)] = 50,
    resume: Annotated[bool, Option("--resume", help="Resume from the last save.")] = False,
    force: options.Force = False,
    depth: Annotated[int | None, option("N", DEPTH, "--bit-depth")] = None,
    proof: Annotated[Path | None, option("FILE", PROOF)] = None,
    web: Annotated[bool, Option("--web", help=WEB)] = False,
    host: options.Host = options.HOST,
    port: options.Port = options.PORT,
    browser: Annotated[bool, Option("--browser", help="Open the page in a browser.")] = False,
    allow_host: options.AllowHosts = None,
    device: Annotated[str | None, option("DEVICE", DEVICE, callback=options.check_device)] = None,
    precision: options.Precision = "auto",
    seed: training_options.Seed = 0,
    quiet: options.Quiet = False,
    **overrides: Any,
):
    "Repaint one photo by optimizing its pixels directly: slower, but the best quality."
    from ..images.discovery import works_of
    from ..images.files import read_picture
    from ..optimization.optimize import optimize_to_file
    from ..strokes.thick_paint import count_in_strokes

    if not web and (browser or allow_host or (host, port) != (options.HOST, options.PORT)):
        raise UsageError("--host, --port, --browser and --allow-host need --web.")
    if end_scale := overrides.get("end_scale"):
        overrides["end_scale"] = pixels_of(end_scale, read_picture(content).size)
    weights = overrides.pop("weights", None)
    plan = optimization_plan(recipe, **overrides)
    if web:
        from ..web.watch import live_page
    paintings, init, start = [works_of(style) for style in styles], overrides.get("init"), None
    if init and init.startswith("stylized:"):
        from ..inference.stylizer import Stylizer

        first = device and device.split(",")[0]
        network = Stylizer(init.removeprefix("stylized:"), first, precision, trust_pickle=False)
        start = network(content)
    if not (quiet or resume) and (n := count_in_strokes(paintings, plan.strokes)):
        tell(f"Painting {count(n, 'painting')} in strokes of thick paint first.")
    page = live_page(host, port, browser, allow_host) if web else nullcontext()
    with page as show:

        def callback(iterate, work):
            if not quiet:
                print_step(iterate)
            return show and show(iterate, work)

        written = optimize_to_file(
            content, paintings, out, style_weights, recipe, weights, mask, save_every=save_every,
            resume=resume, force=force, seed=seed, device=device, proof=proof, depth=depth,
            precision=precision, callback=callback, start=start, **overrides,
        )  # fmt: skip
    options.print_outputs(*written)


def pixels_of(scale, size):
    "Parse N or N+ into px of the longer side, for an image of `size`."
    number = scale.removesuffix("+")
    if not number.isdecimal():
        raise BadParameter(f"--end-scale {scale} must be a number of px, optionally followed by +.")
    if scale == number:
        return int(number)
    return int(math.sqrt(max(size) / min(size)) * int(number))


def print_step(iterate):
    "Print a line of progress."
    i, tty = iterate.i, sys.stderr.isatty()
    if not (tty or i == iterate.i_max or i % 50 == 0):
        return
    line = f"{iterate.width}x{iterate.height}  {i}/{iterate.i_max}  loss {iterate.loss:.4g}"
    line += f"  {1 / iterate.seconds:.1f} it/s"
    progress(line)


def as_typed(words: list[str]) -> list[str]:
    """Rewrite options as users of crowsonkb's program write them.

    `-sw 2 1` becomes `--style-weights 2 --style-weights 1`, and `--devices cuda:0 cuda:1` becomes
    `--device cuda:0,cuda:1`.
    """
    typed: list[str] = []
    option = ""  # whose values follow
    for name, equals, value in (word.partition("=") for word in words):
        word = ALIASES.get(name, name) + equals + value
        last = typed[-1] if typed else ""
        if last != option and option in SEVERAL and SEVERAL[option].fullmatch(word):
            if option == "--device":
                typed[-1] += f",{word}"
            else:
                typed += [option, word]
        else:
            typed.append(word)
            if last != option or word in SEVERAL:
                option = word if word in SEVERAL else ""
    return typed


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
SEVERAL = {  # option -> each of its values
    "--style-weights": re.compile(r"(\d+\.?\d*|\.\d+)(e[+-]?\d+)?"),
    "--device": re.compile(r"(cpu|mps|cuda|xpu)(:\d+)?"),
}
