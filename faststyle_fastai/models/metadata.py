"What a style file says of its network, checked before the network is built."

import json
import re
from collections import Counter

import torch

from ..core.terminal import CONTROL, printable

__all__ = ["check_names", "checked_info"]

FIELDS = {"arch", "styles", "size", "recipe", "base"}
LONGEST = 2**20  # characters


def checked_info(
    said: dict[str, str],  # the metadata of a file
) -> dict:  # styles as a list, size as a number
    "Check the metadata of a network before it is built; `ValueError` says what is wrong."
    if missing := FIELDS - said.keys():
        raise ValueError(f"missing metadata: {', '.join(sorted(missing))}")
    if (length := sum(map(len, said.values()))) > LONGEST:
        raise ValueError(f"{length} characters of metadata, more than {LONGEST}")
    if CONTROL.search("".join(said.values())):
        raise ValueError("control characters in its metadata")
    try:
        styles = json.loads(said["styles"])
    except (ValueError, RecursionError):
        styles = None
    if not isinstance(styles, list) or not all(isinstance(name, str) for name in styles):
        raise ValueError(f"styles is {said['styles'][:40]}, not a list of names")
    check_names(styles)
    size = said["size"]
    if not re.fullmatch("[0-9]{1,5}", size) or not 1 <= int(size) <= 2**16:
        raise ValueError(f"size is {size[:40]} px")
    info = {**said, "styles": styles, "size": int(size)}
    if "palettes" in said:
        info["palettes"] = checked_palettes(said["palettes"])
    return info


def checked_palettes(said: str) -> dict[str, list]:  # style -> [4, 4]
    "The moments of the colors of the paintings, where they are known."
    try:
        palettes = json.loads(said)
        known = [torch.tensor(own, dtype=torch.float32) for own in palettes.values()]
        right = all(own.shape == (4, 4) and own.isfinite().all() for own in known)
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        right = False
    if not right:
        raise ValueError(f"palettes is {said[:40]}, not 4x4 numbers for each style")
    return palettes


def check_names(names: list[str]):
    "Check names of styles, which become parts of file names; `ValueError` for a wrong one."
    for name, count in Counter(names).items():
        if not name.strip() or CONTROL.search(name) or set(name) & set("/\\"):
            raise ValueError(f"Invalid style name '{printable(name[:40])}'.")
        if count > 1:
            raise ValueError(f"{count} styles are named {name}.")
