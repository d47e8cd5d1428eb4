"Checks of user input, and lists of choices."

import math
import os
from collections.abc import Callable, Collection, Iterable
from functools import wraps
from inspect import signature
from numbers import Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ParamSpec, SupportsFloat, TypeVar, get_args

from .errors import UsageError

__all__ = [
    "check_kind", "check_numbers", "check_range", "count", "either", "is_finite", "known", "typed",
    "with_kinds",
]  # fmt: skip

P = ParamSpec("P")
T = TypeVar("T")
PATH = "a path", (str, os.PathLike)
KINDS: dict[Any, tuple[str, Any]] = {  # annotation -> what it is, and its types
    str: ("text", str), Path: PATH, int: ("a number", SupportsFloat),
    float: ("a number", SupportsFloat), NoneType: ("None", NoneType),
}  # fmt: skip


def check_kind(name: str, value: Any, annotation: Any) -> None:
    "Raise `ValueError` for a value that is no path, text or number where only these can be."
    wanted = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    if Path in wanted:
        wanted = tuple(kind for kind in wanted if kind is not str)  # which is a path, too
    if not all(kind in KINDS for kind in wanted):
        return
    words, types = zip(*(KINDS[kind] for kind in wanted))
    if not isinstance(value, types):
        kind = type(value).__name__
        raise UsageError(f"Invalid {name}={value!r:.80} ({kind}). Use {either(words)}.")


def with_kinds(function: Callable[P, T]) -> Callable[P, T]:
    "Decorate a function so that its arguments are checked against its annotations."
    taken = signature(function)

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        for name, value in taken.bind(*args, **kwargs).arguments.items():
            check_kind(name, value, taken.parameters[name].annotation)
        return function(*args, **kwargs)

    return checked


def known(
    kind: str,  # of the table's rows, for the message
    name: str,  # the row to look up
    table: Collection[str],
) -> str:
    "`name`, if `table` contains it; otherwise `ValueError` lists the choices."
    if not isinstance(name, str) or name not in table:
        raise UsageError(f"Unknown {kind} '{name}'. Choose one of {', '.join(table)}.")
    return name


def count(n: int, noun: str) -> str:
    "A number of things: 1 photo, 2 photos."
    return f"{n} {noun}{'s' * (n != 1)}"


def either(names: Iterable[str]) -> str:
    "List names: a, b or c."
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def is_finite(value: Any) -> bool:
    "Whether all numbers in a value, list or dict are finite, and no larger than 64 bits hold."
    if isinstance(value, (list, tuple, dict)):
        return all(map(is_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, Real) or -(2**63) <= value < 2**63  # type: ignore[operator]


def typed(value: Any) -> str:
    "A value as one types it: 3, 0.5,1 or relu1_1=0.5."
    if isinstance(value, dict):
        return ",".join(f"{name}={typed(part)}" for name, part in value.items())
    if isinstance(value, (list, tuple)):
        return ",".join(map(typed, value))
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def check_range(name: str, value: float | None, least: float, most: float = math.inf) -> None:
    "Raise `ValueError` for a number out of range, and for NaN; None passes."
    if value is not None and not least <= value <= most:
        words = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
        raise UsageError(f"Invalid {name}={typed(value)}. Use a number {words}.")


def check_numbers(**settings: Any) -> None:
    "Raise `ValueError` for negative and huge numbers, NaN and infinity; None passes."
    for name, value in settings.items():
        parts = value.values() if isinstance(value, dict) else [value]
        if not is_finite(value) or any(isinstance(part, Real) and part < 0 for part in parts):
            raise UsageError(
                f"Invalid {name}={typed(value)}. Use a number of at least 0 and below 9e18."
            )
