"Weights read from files without running code."

from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

__all__ = ["SCALE", "all_finite", "read_plain", "read_weights", "unpacked"]

SCALE = ".scale"  # follows the name of weights in 8 bits


def read_plain(
    file: str | Path | IO[bytes],  # written by torch.save
    name: str | Path,  # for the message
) -> Any:
    "Read tensors and plain values. `ValueError` if the file is damaged or contains code."
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # also pickle's own errors
        why = type(error).__name__
        raise ValueError(f"{name} is damaged or holds code ({why})") from None


def read_weights(path: Path) -> dict:
    "Read the tensors of a .safetensors or .pth file without running code."
    if not path.is_file():
        raise FileNotFoundError(f"Weights file not found: {path}.")
    try:
        state = load_file(path) if path.suffix == ".safetensors" else read_plain(path, path)
    except (SafetensorError, OSError, ValueError) as error:
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{path} is not a .safetensors or .pth weights file ({why}).") from None
    if not isinstance(state, dict):
        raise ValueError(f"{path} holds a {type(state).__name__}, not weights.")
    return state


def unpacked(
    state: dict[str, Tensor],  # in 8 bits, each output channel with a scale; changed in place
) -> dict[str, Tensor]:
    "The weights of convolutions that `tools/` stored in 8 bits."
    for name in [name for name in state if name.endswith(SCALE)]:
        state[name.removesuffix(SCALE)] *= state.pop(name)
    return state


def all_finite(values: Iterable[Tensor]) -> bool:
    "Whether no value is infinite or NaN, with one wait for a GPU."
    return bool(torch.stack([value.isfinite().all() for value in values]).all())
