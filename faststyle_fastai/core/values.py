"Checks of values that people give, and lists of their choices."

import math
from numbers import Integral, Real

__all__ = ["check_numbers", "either", "is_finite", "known"]


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
