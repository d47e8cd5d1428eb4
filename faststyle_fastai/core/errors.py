"Messages for people: one-line errors that say what is wrong and what to do, and progress."

import json
import sys
from importlib import import_module
from types import ModuleType

__all__ = ["FaststyleError", "NonFiniteLoss", "extra", "format_error", "install_line"]


class FaststyleError(RuntimeError):
    "A problem outside the program; the message says what to do."

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message  # fastai rewrites the `args` of exceptions raised in callbacks

    def __str__(self):
        return self.message


class NonFiniteLoss(FaststyleError):
    "The loss became NaN or infinite; the network is back at its last good weights."


def format_error(error: Exception) -> str:
    "An error as one line of text."
    text = " ".join(str(error).split())
    if isinstance(error, (FaststyleError, ValueError, OSError)):
        return text
    return f"{type(error).__name__}: {text} (--debug shows the traceback)"


def known(
    kind: str,  # what the table lists, for the message
    name: str,  # the row to look up
    table,
) -> str:
    "`name`, if `table` contains it; otherwise `ValueError` lists the choices."
    if name not in table:
        raise ValueError(f"Unknown {kind} '{name}'. Choose one of {', '.join(table)}.")
    return name


def clock(seconds: float) -> str:
    "Minutes and seconds: 1:05 for 65."
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02}"


def progress(line: str, last: bool = False):
    "Print a line to stderr; on a terminal it replaces the previous one."
    tty = sys.stderr.isatty()
    text, end = (f"\r{line:<72}", "\n" if last else "") if tty else (line, "\n")
    print(text, end=end, file=sys.stderr, flush=True)


def extra(
    module: str,  # an optional library
    name: str,  # the extra that installs it
) -> ModuleType:
    "Import an optional library, or raise an error that says how to install it."
    try:
        return import_module(module)
    except ImportError as error:
        raise FaststyleError(f"{error}. Install it with {install_line(name)}.") from None


def install_line(extra):
    "The command that installs an extra, from where this package was installed."
    # Imported here because they would take a seventh of the time of --help.
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    try:
        file = distribution("faststyle_fastai").read_text("direct_url.json")
    except PackageNotFoundError:
        file = None
    if not file:  # from a package index
        return f'pip install "faststyle_fastai[{extra}]"'
    source = json.loads(file)
    if source.get("dir_info", {}).get("editable"):
        return f'pip install -e "{url2pathname(urlsplit(source["url"]).path)}[{extra}]"'
    git = "git+" if "vcs_info" in source else ""
    return f'pip install "faststyle_fastai[{extra}] @ {git}{source["url"]}"'
