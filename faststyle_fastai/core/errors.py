"Messages for people: one-line errors that say what is wrong and what to do, and progress."

import json
import math
import re
import sys
from importlib import import_module
from numbers import Integral, Real
from types import ModuleType

__all__ = [
    "FaststyleError",
    "NonFiniteLoss",
    "check_numbers",
    "extra",
    "format_error",
    "install_line",
    "is_finite",
    "one_line",
    "printable",
]

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # also halves of UTF-16 pairs


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
    text = one_line(error)
    if isinstance(error, MemoryError):
        return text or "Not enough memory. Close other programs, or use smaller images."
    if isinstance(error, (FaststyleError, ValueError, OSError)):
        return text
    return f"{type(error).__name__}: {text} (--debug shows the traceback)"


def one_line(message) -> str:
    return printable(" ".join(str(message).split()))


def printable(text: str) -> str:
    "Escape control characters, as \\x1b: names from files and servers must not steer a terminal."
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def known(
    kind: str,  # what the table lists, for the message
    name: str,  # the row to look up
    table,
) -> str:
    "`name`, if `table` contains it; otherwise `ValueError` lists the choices."
    if name not in table:
        raise ValueError(f"Unknown {kind} '{name}'. Choose one of {', '.join(table)}.")
    return name


def either(names) -> str:
    "List names: a, b or c."
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def is_finite(value) -> bool:
    "Whether all numbers in a value, list or dict are finite; integers have at most 64 bits."
    if isinstance(value, (list, tuple, dict)):
        return all(map(is_finite, value.values() if isinstance(value, dict) else value))
    if isinstance(value, Integral):
        return -(2**63) <= value < 2**63
    return not isinstance(value, Real) or math.isfinite(value)


def check_numbers(**given):
    "Check settings that are numbers, or None: `ValueError` for negative ones, NaN and infinity."
    for name, value in given.items():
        parts = value.values() if isinstance(value, dict) else [value]
        if not is_finite(value) or any(isinstance(part, Real) and part < 0 for part in parts):
            raise ValueError(f"Invalid {name}={value}. Use a finite number, at least 0.")


def clock(seconds: float) -> str:
    "Hours, minutes and seconds: 1:05 for 65, 2:00:00 for 7200."
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def progress(line: str, last: bool = False):
    "Print a line to stderr; on a terminal it replaces the previous one."
    tty = sys.stderr.isatty()
    line = printable(line)
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
