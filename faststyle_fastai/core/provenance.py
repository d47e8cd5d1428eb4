"Records of a run, as JSON."

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .. import __version__
from .atomic import atomic_write

__all__ = ["versions", "write_json"]


def versions() -> dict[str, str]:
    "Versions of this package and its main dependencies."
    names = "fastai", "torch", "torchvision", "pillow", "safetensors"
    return {"faststyle_fastai": __version__, **{name: version(name) for name in names}}


def write_json(value: Any, path: Path) -> None:
    "Write `value` to a file, indented."
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n")
