"Weights read from files without running code."

from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

__all__ = ["read_plain", "read_weights"]


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
        raise ValueError(f"{name} is damaged or not from faststyle ({why})") from None


def read_weights(path: Path) -> dict:
    "Read the tensors of a .safetensors or .pth file without running code."
    if not path.is_file():
        raise FileNotFoundError(f"Weights file not found: {path}.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict):
            raise ValueError(f"it holds a {type(state).__name__}")
        return state
    except (SafetensorError, RuntimeError, OSError, EOFError, ValueError) as error:
        why = str(error).splitlines()[0]
        raise ValueError(f"{path} is not a .safetensors or .pth weights file ({why}).") from None
    except Exception as error:  # torch.load also raises pickle's own errors
        raise ValueError(f"{path} cannot be read as weights ({type(error).__name__}).") from None
