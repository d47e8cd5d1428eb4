"The `faststyle` command line: each command parses, calls one function and prints the output path."

from collections.abc import Callable
from typing import Annotated

import typer
from typer import Option

from .. import __version__
from .bulk import bulk
from .convert import export, import_, share
from .doctor import doctor
from .help import Command
from .measure import evaluate, info, styles
from .optimize import as_typed, optimize
from .running import checked, command_line, run
from .sheets import grid, sheet
from .strokes import strokes
from .stylize import stylize
from .train import add_style, demo, pretrain, train
from .video import video
from .web import camera, web

app = command_line("Fast neural style transfer that anyone can train and run.")
COMMANDS: dict[str, dict[Callable, tuple[str, ...]]] = {  # help panel -> command -> examples
    "Paint": {
        stylize: (
            "faststyle stylize me.jpg --style woman_with_hat -o me-hat.jpg",
            "faststyle stylize holiday/ --style the_scream --mix mondrian=.4 -o painted/",
            "faststyle stylize --watch exports/ --style udnie -o painted/",
        ),
        sheet: ("faststyle sheet me.jpg -o sheet.jpg",),
        strokes: (
            "faststyle strokes me-hat.jpg -o me-hat.svg",
            "faststyle strokes me.jpg --style starry_night -o painting.mp4",
        ),
        grid: ("faststyle grid me.jpg --style udnie --style tahiti -o grid.png",),
        video: ("faststyle video in.mp4 --style great_wave -o painted.mp4",),
        camera: ("faststyle camera",),
        optimize: ("faststyle optimize me.jpg painting.jpg -o out.png",),
    },
    "Train": {
        demo: ("faststyle demo",),
        train: (
            "faststyle train PHOTOS --style painting.jpg --minutes 5 -o RUN",
            "faststyle train PHOTOS --style a.jpg --style b.jpg --minutes 20 -o RUN",
        ),
        add_style: ("faststyle add-style RUN --style c.jpg",),
        pretrain: ("faststyle pretrain PHOTOS -o mine.safetensors",),
    },
    "Measure": {
        doctor: ("faststyle doctor",),
        styles: ("faststyle styles -o sheet.png",),
        info: ("faststyle info RUN",),
        evaluate: ("faststyle evaluate RUN --photos PHOTOS --painting painting.jpg",),
    },
    "Deploy": {
        web: ("faststyle web --photos PHOTOS --folder MY_STYLES",),
        bulk: ("faststyle bulk s3://photos s3://painted --style udnie --address auto",),
        export: (
            "faststyle export RUN -o style.html",
            "faststyle export great_wave -o great_wave.onnx",
        ),
        share: (
            "faststyle share great_wave --mix udnie=.4",
            "faststyle share painting.jpg --studio https://example.org/studio.html -o qr.png",
        ),
        import_: ("faststyle import PEER.pth -o OUT.safetensors",),
    },
}
NEEDS = {web: "web", camera: "web", video: "video", bulk: "bulk", export: "onnx"}  # -> an extra


for panel, commands in COMMANDS.items():
    for command, examples in commands.items():
        name = command.__name__.strip("_").replace("_", "-")
        epilog = "\n\n".join(("For example:", *examples))
        added = app.command(
            name, cls=Command, rich_help_panel=panel, epilog=epilog, short_help=command.__doc__
        )
        added(checked(command, NEEDS.get(command), pipes=command is stylize))
DEBUG = "Show the traceback of an error. Works anywhere."
VERBOSE = "Print versions, device and all warnings. Works anywhere."


def machine():
    "Versions, device and precision, for `--verbose`."
    from ..core.devices import autocast_dtype, best_device
    from ..core.provenance import versions

    device = best_device()
    precision = str(autocast_dtype(device) or "float32").removeprefix("torch.")
    details = {**versions(), "device": device, "precision": precision}
    return ", ".join(f"{name} {value}" for name, value in details.items())


def main():
    "Run the command line."
    run(app, machine, {"optimize": as_typed})


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, Option("-V", "--version", help="Print the version.")] = False,
    debug: Annotated[bool, Option("--debug", help=DEBUG)] = False,
    verbose: Annotated[bool, Option("-v", "--verbose", help=VERBOSE)] = False,
):
    if version:
        print(__version__)
        raise typer.Exit
