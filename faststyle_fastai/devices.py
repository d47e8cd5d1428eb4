"Where and in which precision to compute."

import os

import torch

from .errors import known

__all__ = ["best_device", "named_devices", "out_of_memory", "uses_bfloat16"]

PRECISIONS = "auto", "float32", "bfloat16"


def best_device() -> torch.device:
    "The accelerator that is at hand, or the CPU."
    found = torch.accelerator.is_available() and torch.accelerator.current_accelerator()
    return found or torch.device("cpu")


def uses_bfloat16(device: torch.device, precision: str = "auto") -> bool:
    """Whether to compute in bfloat16.

    `"auto"` is what the environment's FASTSTYLE_PRECISION says, else bfloat16 where the device has
    arithmetic of its own for it. Raises `ValueError` for a word that is none of `PRECISIONS`.
    """
    if precision == "auto":
        precision = os.environ.get("FASTSTYLE_PRECISION", "auto")
    known("precision", precision, PRECISIONS)
    return computes_bfloat16(device) if precision == "auto" else precision == "bfloat16"


def computes_bfloat16(device: torch.device) -> bool:
    "Whether `device` has bfloat16 arithmetic of its own, not an emulation."
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()


def named_devices(
    names,  # one, or two of one kind with a comma between; None: fastai's default
) -> list[torch.device]:
    "Devices by their names; `ValueError` for more than two, or two kinds."
    from fastai.torch_core import default_device  # painting begins without fastai

    devices = [torch.device(d) for d in str(names or default_device()).split(",")]
    if len(devices) > 2 or len({device.type for device in devices}) > 1:
        raise ValueError(f"device '{names}': one, or two of one kind.")
    return devices


def out_of_memory(error: Exception) -> bool:
    "Whether it says that memory ended; a CPU's has no kind of its own."
    kinds = MemoryError, torch.OutOfMemoryError
    return isinstance(error, kinds) or "DefaultCPUAllocator" in str(error)
