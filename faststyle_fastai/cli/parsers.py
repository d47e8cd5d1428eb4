"Values of options, parsed."

import re
from typing import Any

from typer import BadParameter

from ..images.shapes import INCH, PAPERS

UNITS = {"mm": 1, "cm": 10, "in": INCH}  # in mm


def layer_parts(text: str) -> dict[str, float | None]:
    "Parse LAYER or LAYER=PART items, separated by commas; a layer without a number gets None."
    parts = {}
    for item in text.split(","):
        name, equals, part = item.strip().partition("=")
        try:
            parts[name] = float(part) if equals else None
        except ValueError:
            raise BadParameter(f"'{item}' must be LAYER or LAYER=NUMBER.") from None
    return parts


def setting(text: str) -> tuple[str, str, Any]:
    "Parse TERM.SETTING=VALUE: a term of the loss, its setting and its value."
    name, equals, value = text.partition("=")
    term, dot, key = name.partition(".")
    if not (dot and equals and value):
        raise BadParameter(f"'{text}' must be TERM.SETTING=VALUE, such as tone.weight=1.")
    if key == "layers":
        return term, key, layer_parts(value)
    try:
        numbers = [float(part) for part in value.split(",")]
    except ValueError:  # a name
        return term, key, value
    if key == "scales" or len(numbers) > 1:
        return term, key, tuple(numbers)
    return term, key, int(value) if value.isdecimal() else numbers[0]


def paper(text: str) -> tuple[float, float]:
    "Parse a paper's name, or its sides as 30x40cm: the short and the long side in mm."
    sides: tuple[float, ...] = PAPERS.get(text.lower(), (0, 0))
    if found := re.fullmatch(r"(\d+\.?\d*)x(\d+\.?\d*)(mm|cm|in)", text.lower()):
        sides = tuple(float(side) * UNITS[found[3]] for side in found.groups()[:2])
    if not all(sides):
        raise BadParameter(
            f"Unknown paper '{text}'. Use A2 to A6, letter, or a size such as 8x10in."
        )
    return min(sides), max(sides)


def length(text: str) -> float:
    "Parse a length such as 3mm, in mm."
    if not (found := re.fullmatch(r"(\d*\.?\d+)(mm|cm|in)", text.lower())):
        raise BadParameter(f"Unknown length '{text}'. Use a length such as 3mm, 0.3cm or 0.125in.")
    return float(found[1]) * UNITS[found[2]]
