"What a person is told: of errors one line, what was given, what is wrong, what to do."

import sys
from importlib import import_module
from types import ModuleType

__all__ = ["FaststyleError", "NonFiniteLoss", "extra", "one_line"]


class FaststyleError(RuntimeError):
    "Something outside the program is not as it must be; the text says what to do."

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message  # fastai rewrites `args` of what a callback raises

    def __str__(self):
        return self.message


class NonFiniteLoss(FaststyleError):
    "The loss became NaN or infinite; the network has its last good weights again."


def one_line(error: Exception) -> str:
    "What a person is told of an error."
    text = " ".join(str(error).split())
    if isinstance(error, (FaststyleError, ValueError, OSError)):
        return text
    return f"{type(error).__name__}: {text} (--debug shows where)"


def known(
    kind: str,  # what the table is of
    name: str,  # one of its rows
    table,
) -> str:
    "The name if the table has it; `ValueError` says what it has."
    if name not in table:
        raise ValueError(f"no {kind} '{name}': choose one of {', '.join(table)}.")
    return name


def clock(seconds: float) -> str:
    "1:05 for 65."
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02}"


def progress(line: str, last: bool = False):
    "A line on stderr, where somebody looks written over the one before."
    tty = sys.stderr.isatty()
    text, end = (f"\r{line:<72}", "\n" if last else "") if tty else (line, "\n")
    print(text, end=end, file=sys.stderr, flush=True)


def extra(
    module: str,  # of a library that is not always installed
    name: str,  # the extra that brings it
) -> ModuleType:
    "An optional library, or the line that says how to install it."
    try:
        return import_module(module)
    except ImportError as error:
        raise FaststyleError(f'{error}: pip install "faststyle_fastai[{name}]".') from None
