"How each command line runs: its checks, errors and exit statuses."

import os
import re
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from importlib.util import find_spec

import typer

from ..core.errors import Stopped, UsageError, format_error
from ..core.extras import EXTRAS, extra
from ..core.interrupts import SIGNALS
from ..core.terminal import one_line, tell
from ..core.values import is_finite, typed
from .help import Group, in_options
from .pipes import piped

__all__ = ["checked", "command_line", "run"]


def command_line(help: str) -> typer.Typer:
    "A command line without commands."
    return typer.Typer(
        cls=Group,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help=help,
    )


FILES = "out", "table", "heights", "save_mask"  # options that name what is written


def checked(
    command: Callable,
    need: str | None = None,  # the extra that it needs
    pipes: bool = False,  # whether it reads and writes them
) -> Callable:
    "The command, after the checks that all commands share."

    @wraps(command)
    def run(**options):
        for name, value in options.items():
            if name != "settings" and not is_finite(value):  # which typer's ranges allow
                why = in_options(f"{name}={typed(value)}. Use a number below 9e18.")
                raise typer.BadParameter(why)
        for name in FILES[pipes:]:
            if str(options.get(name)) == "-":
                flag = "-o" if name == "out" else in_options(f"{name}=").rstrip("=")
                raise typer.BadParameter(
                    f"{flag} - : only stylize -o writes to a pipe. Give a file or folder."
                )
        for flag, name in (("--resume", "resume"), ("--skip-existing", "skip_existing")):
            if options.get(name) and options.get("force"):
                raise UsageError(f"Use either {flag} or --overwrite, not both.")
        if need and not options.get("virtual") and not find_spec(EXTRAS[need]):
            extra(EXTRAS[need], need)
        try:
            with piped(options) if pipes else nullcontext(options) as options:
                return command(**options)
        except KeyboardInterrupt:
            raise Stopped("Stopped.") from None

    return run


def run(
    app: Callable,
    machine: Callable[[], str],  # what --verbose prints
    rewrites: dict[str, Callable] | None = None,  # command -> what becomes of its arguments
) -> None:
    "Run a command line; an error is printed as one line on stderr."
    for stream in (sys.stdout, sys.stderr):  # Windows encodings lack some characters
        if hasattr(stream, "reconfigure"):  # unless a program has replaced it
            stream.reconfigure(encoding="utf-8", errors="replace")
    sys.argv[1:] = map(with_home, sys.argv[1:])
    debug, verbose = take("--debug"), take("-v", "--verbose")
    if sys.argv[1:2] == ["help"]:
        sys.argv[1:] = [*sys.argv[2:], "--help"]
    if rewrite := (rewrites or {}).get(next(iter(sys.argv[1:]), "")):
        sys.argv[1:] = rewrite(sys.argv[1:])
    if not verbose:
        for noise in (FutureWarning, DeprecationWarning):  # meant for the libraries' developers
            warnings.simplefilter("ignore", noise)
    for number in SIGNALS:  # `kill` and a closed terminal keep work, as Ctrl-C does
        if signal.getsignal(number) is not signal.SIG_IGN:  # of nohup
            signal.signal(number, signal.default_int_handler)
    warnings.showwarning = lambda text, *_: tell(f"warning: {one_line(text)}")
    try:
        if verbose:
            print(machine(), file=sys.stderr)
        if any(re.fullmatch(r"(--[\w-]+=)?", word) for word in sys.argv[1:]):  # or this folder
            raise UsageError("An argument is empty. Is it a variable that is not set?")
        if sys.platform == "win32" and any('"' in word for word in sys.argv[1:]):
            raise UsageError('A folder in quotes must not end in a backslash: "C:\\My Photos".')
        app()
    except Exception as error:
        if debug:
            raise
        tell(f"error: {in_options(format_error(error))}")
        status = error.status if isinstance(error, (Stopped, UsageError)) else 1
        raise SystemExit(status) from None


def with_home(word):
    "Replace ~ by the home folder where shells do not: in quotes, and after = and commas."
    folder = rf"(?<![^=,])~(?=[/{re.escape(os.sep)}])"
    return re.sub(folder, lambda _: os.path.expanduser("~"), word)


def take(*names):
    "Remove an option from anywhere in the command line; return whether it was given."
    words = sys.argv[1:]
    sys.argv[1:] = [word for word in words if word not in names]
    return sys.argv[1:] != words
