"The command line of the light distribution. Where the full one is installed, that answers."

import platform
from contextlib import closing
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option

from ..core.errors import FaststyleError, Stopped, UsageError
from ..core.prefetch import map_overlapped
from ..core.terminal import tell
from ..core.values import count
from . import options
from .checks import check_style
from .doctor import try_device
from .help import Command
from .loading import load_mixture
from .options import option
from .plans import check_watched, depth_of, plan, watched
from .running import checked, command_line, run
from .stylize import report, style_name, write

app = command_line("Paint photos in the style of any painting, in seconds.")
COMMAND = {"cls": Command, "rich_help_panel": "Paint"}
MISSING = """train add-style pretrain demo video camera optimize grid sheet strokes web bulk share
export import info evaluate"""


@options.takes(options.paint_options("strokes", "tile", "exact"))
def stylize(
    inputs: options.Inputs,
    style: Annotated[
        str,
        option("STYLE", "A built-in style, or a painting (a file or a URL).", callback=check_style),
    ],
    out: Annotated[
        Path, option("PATH", "Output file, or a folder; - for a pipe (PNG).", "-o", "--output")
    ],
    mix: options.Mix = None,
    depth: Annotated[
        int | None,
        option("N", "Bits per channel: 8, or 16 for .png and .tif.", "--bit-depth"),
    ] = None,
    likeness: Annotated[
        float | None,
        option(
            "SHARE", "From 0 (the painting's light) to 1 (the photo's). Default: 1.", min=0, max=1
        ),
    ] = None,
    skip_existing: options.SkipExisting = False,
    force: options.Force = False,
    watch: options.Watch = False,
    strip: options.Strip = False,
    megapixels: options.Megapixels = 179,
    device: Annotated[
        str | None, option("NAME", "Device: cpu, cuda, coreml, directml or webgpu.")
    ] = None,
    quiet: options.Quiet = False,
    **given: Any,
):
    "Repaint images in a built-in style, or at sight in that of any painting."
    from ..images.files import limit_pixels
    from ..inference.stylizer import mask_of

    settings = options.painting(given)
    limit_pixels(megapixels)
    if watch:
        check_watched(inputs, out, None, skip_existing)
    jobs = [] if watch else plan(inputs, out, depth or 8, force, skip_existing)
    if not (jobs or watch):
        if not quiet:
            tell("All images are painted already.")
        return
    depth = depth or depth_of(jobs, "none")
    # Report a wrong mask or name once, not per image.
    settings = replace(settings, mask=settings.mask and mask_of(settings.mask))
    paint, styles = load_mixture(style, mix, settings.black, device=device, quiet=True)
    if likeness is not None and not paint.at_sight:
        raise UsageError("--likeness needs a painting as --style.")
    for name in (styles, settings.black):
        paint.style_weights(name)
    how = vars(settings) | {"style": styles, "array": depth == 16, "likeness": likeness}
    written: list[Path] = []
    failed: list[str] = []
    save = partial(write, written, depth, None if strip else style_name(paint, styles), None)

    def painted(items):
        return [paint(items[0][0], **how)]

    try:
        for each in watched(inputs[0], out, depth, force, quiet) if watch else [jobs]:
            batches = ([(source, target, source)] for source, target in each)
            with closing(map_overlapped(batches, painted, save)) as results:
                failed += report(results, len(jobs), quiet)
    except KeyboardInterrupt:
        raise Stopped(f"Stopped after {count(len(written), 'image')}.") from None
    if failed:
        raise FaststyleError(f"{len(failed)} of {len(jobs)} images failed: {', '.join(failed)}.")


def styles():
    "List the built-in styles."
    from ..inference.builtin import BUILTIN_STYLES

    for name, work in BUILTIN_STYLES.items():
        print(f"{name:<18}{work}")


def doctor():
    "Say what this machine has, and time paintings on each of its devices."
    from ..inference.networks import devices

    print(f"{machine()}, Python {platform.python_version()}, {platform.platform()}")
    for device in devices():
        try_device(device)


def absent(context: typer.Context):
    raise FaststyleError(
        f"faststyle {context.info_name} needs the full distribution: pip install faststyle_fastai."
    )


app.command("stylize", **COMMAND)(checked(stylize, pipes=True))
app.command("styles", **COMMAND)(styles)
app.command("doctor", rich_help_panel="Help")(doctor)
ANY = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
for name in MISSING.split():
    app.command(name, hidden=True, context_settings=ANY)(absent)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, Option("-V", "--version", help="Print the version.")] = False,
):
    if version:
        from ..version import __version__

        print(__version__)
        raise typer.Exit


def machine() -> str:
    "Versions, for `--verbose`."
    import onnxruntime  # its distribution's name differs by device
    import PIL

    from ..version import __version__

    libraries = f"onnxruntime {onnxruntime.__version__}, pillow {PIL.__version__}"
    return f"faststyle {__version__}, {libraries}"


def main():
    "Run the command line of the fullest distribution that is installed."
    if find_spec("faststyle_fastai"):
        return import_module("faststyle_fastai.cli.main").main()
    run(app, machine)
