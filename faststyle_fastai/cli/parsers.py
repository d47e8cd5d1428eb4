"Values of options, parsed."

from typing import Any

from typer import BadParameter


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
