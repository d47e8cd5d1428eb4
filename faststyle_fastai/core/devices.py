"Devices and precision."

import os
from contextlib import ExitStack

import torch

from .errors import known

__all__ = ["best_device", "named_devices", "out_of_memory", "precise_or_bfloat16", "uses_bfloat16"]

PRECISIONS = "auto", "float32", "bfloat16"
OUT_OF_MEMORY = "DefaultCPUAllocator", "ALLOC_FAILED", "MPS backend out of memory"


def best_device() -> torch.device:
    "The available accelerator, or the CPU."
    found = torch.accelerator.is_available() and torch.accelerator.current_accelerator()
    return found or torch.device("cpu")


def uses_bfloat16(device: torch.device, precision: str = "auto") -> bool:
    """Whether to compute in bfloat16.

    `"auto"` reads the environment variable FASTSTYLE_PRECISION. If it is unset, bfloat16 is used
    where the device supports it natively. Raises `ValueError` for a value not in `PRECISIONS`.
    """
    if precision == "auto":
        precision = os.environ.get("FASTSTYLE_PRECISION", "auto")
    known("precision", precision, PRECISIONS)
    return computes_bfloat16(device) if precision == "auto" else precision == "bfloat16"


def computes_bfloat16(device: torch.device) -> bool:
    "Whether `device` supports bfloat16 natively, without emulation."
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not torch.cpu._is_avx512_bf16_supported():
        return False
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()  # not if oneDNN is told to do without


def precise_or_bfloat16(device: torch.device, bfloat16: bool) -> ExitStack:
    """A context that computes in bfloat16, or in float32.

    On NVIDIA cards, convolutions in float32 would otherwise be TF32, with ten bits of mantissa.
    cuDNN does not try out algorithms, which takes seconds for each new size of an image.
    """
    contexts = ExitStack()
    if device.type == "cuda":
        contexts.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=bfloat16))
    contexts.enter_context(torch.autocast(device.type, torch.bfloat16, bfloat16))
    return contexts


def named_devices(
    names,  # one, or two of the same kind separated by a comma; None: fastai's default
) -> list[torch.device]:
    "Devices by name; `ValueError` for more than two, or for different kinds."
    from fastai.torch_core import default_device  # keeps fastai out of painting's imports

    devices = [torch.device(d) for d in str(names or default_device()).split(",")]
    if len(devices) > 2 or len({device.type for device in devices}) > 1:
        raise ValueError(f"Invalid device '{names}'. Give one device, or two of the same kind.")
    return devices


def out_of_memory(error: Exception) -> bool:
    "Whether `error` means out of memory; some libraries have no error type of their own for it."
    kinds = MemoryError, torch.OutOfMemoryError
    return isinstance(error, kinds) or any(words in str(error) for words in OUT_OF_MEMORY)
