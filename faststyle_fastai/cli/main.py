"The `faststyle` command line: each command parses, calls one function and prints the output path."

import os
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from .. import __version__
from ..core.errors import Stopped, UsageError, format_error
from ..core.extras import EXTRAS, extra
from ..core.interrupts import SIGNALS
from ..core.terminal import one_line
from ..core.values import is_finite, typed
from .bulk import bulk
from .convert import export, import_
from .doctor import doctor
from .help import Command, Group, in_options
from .measure import evaluate, info, styles
from .optimize import as_typed, optimize
from .pipes import piped
from .sheets import grid, sheet
from .stylize import stylize
from .train import add_style, demo, pretrain, train
from .video import video
from .web import camera, web

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fast neural style transfer that anyone can train and run.",
)


COMMANDS: dict[str, dict[Callable, tuple[str, ...]]] = {  # help panel -> command -> examples
    "Paint": {
        stylize: (
            "faststyle stylize me.jpg --style woman_with_hat -o me-hat.jpg",
            "faststyle stylize holiday/ --style the_scream --mix mondrian=.4 -o painted/",
            "faststyle stylize --watch exports/ --style udnie -o painted/",
        ),
        sheet: ("faststyle sheet me.jpg -o sheet.jpg",),
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
        import_: ("faststyle import PEER.pth -o OUT.safetensors",),
    },
}


# Exit statuses: a stop by Ctrl-C, a call that is wrong, anything else.
STATUS = {Stopped: 130, UsageError: 2, Exception: 1}
NEEDS = {web: "web", camera: "web", video: "video", bulk: "bulk", export: "onnx"}  # -> an extra


def checked(command):
    "The command, after the checks that all commands share."

    @wraps(command)
    def run(**options):
        for name, value in options.items():
            if name != "settings" and not is_finite(value):  # which typer's ranges allow
                why = in_options(f"{name}={typed(value)}. Use a number below 9e18.")
                raise typer.BadParameter(why)
        if options.get("out") == Path("-") and command is not stylize:
            raise typer.BadParameter("-o - : only stylize writes to a pipe. Give a file or folder.")
        need = None if options.get("virtual") else NEEDS.get(command)
        if need and not find_spec(EXTRAS[need]):
            extra(EXTRAS[need], need)
        with piped(options) if command is stylize else nullcontext(options) as options:
            return command(**options)

    return run


def register(command, panel, examples):
    name = command.__name__.strip("_").replace("_", "-")
    epilog = "\n\n".join(("For example:", *examples))
    how = {"rich_help_panel": panel, "epilog": epilog, "short_help": command.__doc__}
    app.command(name, cls=Command, **how)(checked(command))


for panel, commands in COMMANDS.items():
    for command, examples in commands.items():
        register(command, panel, examples)


def main():
    "Run the command line; an error is printed as one line on stderr."
    for stream in (sys.stdout, sys.stderr):  # Windows encodings lack some characters
        if hasattr(stream, "reconfigure"):  # unless a program has replaced it
            stream.reconfigure(encoding="utf-8", errors="replace")
    sys.argv[1:] = map(with_home, sys.argv[1:])
    debug, verbose = take("--debug"), take("-v", "--verbose")
    if sys.argv[1:2] == ["help"]:
        sys.argv[1:] = [*sys.argv[2:], "--help"]
    if sys.argv[1:2] == ["optimize"]:
        sys.argv[1:] = as_typed(sys.argv[1:])
    if verbose:
        print(machine(), file=sys.stderr)
    else:
        for noise in (FutureWarning, DeprecationWarning):  # meant for the libraries' developers
            warnings.simplefilter("ignore", noise)
    for number in SIGNALS:  # `kill` and a closed terminal keep work, as Ctrl-C does
        if signal.getsignal(number) is not signal.SIG_IGN:  # of nohup
            signal.signal(number, signal.default_int_handler)
    warnings.showwarning = lambda text, *_: print(f"warning: {one_line(text)}", file=sys.stderr)
    try:
        if "" in sys.argv[1:]:  # it would be the current folder
            raise UsageError("An argument is empty. Is it a variable that is not set?")
        app()
    except Exception as error:
        if debug:
            raise
        print(f"error: {in_options(format_error(error))}", file=sys.stderr)
        kinds = (kind for kind in STATUS if isinstance(error, kind))
        raise SystemExit(STATUS[next(kinds)]) from None


def with_home(word):
    "Replace ~ by the home folder where shells do not: in quotes and after --style=."
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return option + equals + (os.path.expanduser(value) if value.startswith("~/") else value)


def take(*names):
    "Remove an option from anywhere in the command line; return whether it was given."
    words = sys.argv[1:]
    sys.argv[1:] = [word for word in words if word not in names]
    return sys.argv[1:] != words


def machine():
    "Versions, device and precision, for `--verbose`."
    from ..core.devices import autocast_dtype, best_device
    from ..core.provenance import versions

    device = best_device()
    precision = str(autocast_dtype(device) or "float32").removeprefix("torch.")
    details = {**versions(), "device": device, "precision": precision}
    return ", ".join(f"{name} {value}" for name, value in details.items())


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, Option("-V", "--version", help="Print the version.")] = False,
    debug: Annotated[
        bool, Option("--debug", help="Show the traceback of an error. Works anywhere.")
    ] = False,
    verbose: Annotated[
        bool,
        Option("-v", "--verbose", help="Print versions, device and all warnings. Works anywhere."),
    ] = False,
):
    if version:
        print(__version__)
        raise typer.Exit
