"Weights read from files without running code."

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

__all__ = ["read_weights"]


def read_weights(path: Path) -> dict:
    "Read the tensors of a .safetensors or .pth file without running code."
    if not path.is_file():
        raise FileNotFoundError(f"Weights file not found: {path}.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, OSError, EOFError, ValueError) as error:
        why = str(error).splitlines()[0]
        raise ValueError(f"{path} is not a .safetensors or .pth weights file ({why}).") from None
    except Exception as error:  # torch.load also raises pickle's own errors
        raise ValueError(f"{path} cannot be read as weights ({type(error).__name__}).") from None
