"Devices and precision."

import os
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from .atomic import warn_once
from .errors import UsageError
from .values import known

__all__ = [
    "autocast_dtype", "best_device", "computing", "finishing_device", "named_devices", "on_cpu",
    "use_device",
]  # fmt: skip

GPUS = "cuda", "mps", "xpu"
PRECISIONS = "auto", "float32", "bfloat16", "float16"
TENSOR_CORES = 7, 0  # the first compute capability that is faster in float16


def best_device() -> torch.device:
    "The available accelerator, or the CPU."
    device = torch.accelerator.is_available() and torch.accelerator.current_accelerator()
    if device and device.type == "cuda" and not has_kernels():
        warn_once(
            f"The installed PyTorch does not support {torch.cuda.get_device_name()}, so the CPU is "
            f"used. Install a PyTorch for your GPU: https://pytorch.org/get-started."
        )
        device = None
    return device or torch.device("cpu")


def use_device(
    name: torch.device | str | None = None,  # None: the best
) -> torch.device:
    "A device by name; an NVIDIA GPU becomes the current one. `ValueError` if PyTorch has none."
    try:
        device = torch.device(name or best_device())
    except RuntimeError:
        raise UsageError(f"Unknown device '{name}'. Use cpu, cuda, cuda:N, mps or xpu.") from None
    if device.type in GPUS and not getattr(torch, device.type).is_available():
        raise ValueError(f"PyTorch finds no {device.type} device here. Leave out the device.")
    if device.type in GPUS and (device.index or 0) >= getattr(torch, device.type).device_count():
        raise ValueError(f"PyTorch finds no {device} here. Choose a lower number.")
    if device.type == "cuda":  # by its number, as the current one may become another
        number = torch.cuda.current_device() if device.index is None else device.index
        torch.cuda.set_device(device := torch.device("cuda", number))
    return device


def has_kernels() -> bool:
    "Whether the installed PyTorch was compiled for this GPU, or for an older one of its kind."
    if torch.version.hip:  # AMD's architecture names have no order
        return True
    major, minor = torch.cuda.get_device_capability()
    for name in torch.cuda.get_arch_list():  # sm_90 is machine code, compute_90 is for newer GPUs
        kind, number = name.rstrip("af").split("_")
        if int(number) <= 10 * major + minor and (kind == "compute" or int(number) // 10 == major):
            return True
    return False


def autocast_dtype(
    device: torch.device | str,
    precision: str = "auto",  # auto, float32, bfloat16 or float16
) -> torch.dtype | None:
    """The type to compute in; None: float32.

    `"auto"` reads the environment variable FASTSTYLE_PRECISION. If it is unset, bfloat16 is used
    where the device supports it natively, and float16 on older NVIDIA cards with tensor cores.
    Raises `ValueError` for another name.
    """
    if precision == "auto":
        precision = os.environ.get("FASTSTYLE_PRECISION", "auto")
    known("precision", precision, PRECISIONS)
    if precision != "auto":
        return None if precision == "float32" else getattr(torch, precision)
    device = torch.device(device)
    if computes_bfloat16(device):
        return torch.bfloat16
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= TENSOR_CORES:
        slow = "GTX 16" in torch.cuda.get_device_name(device)  # has none, and its halves overflow
        return None if slow else torch.float16
    return None


def computes_bfloat16(device: torch.device) -> bool:
    "Whether `device` supports bfloat16 natively, without emulation."
    if device.type == "cuda":
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not torch.cpu._is_avx512_bf16_supported():
        return False
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()  # False if ONEDNN_MAX_CPU_ISA disables it


def computing(
    device: torch.device,
    dtype: torch.dtype | None,  # see autocast_dtype
) -> ExitStack:
    """A context that computes in `dtype`.

    Convolutions in float32 must not become TF32, which has ten bits of mantissa. cuDNN must not try
    out algorithms, which takes seconds for each new image size.
    """
    contexts = ExitStack()
    if device.type == "cuda":
        contexts.enter_context(convolving(exact=dtype is None))
    contexts.enter_context(torch.autocast(device.type, dtype or torch.bfloat16, dtype is not None))
    return contexts


@contextmanager
def convolving(exact):
    "Convolutions by cuDNN without trials and, if `exact`, without TF32; then as before."
    cudnn: Any = torch.backends.cudnn
    if not hasattr(cudnn, "conv"):  # before PyTorch 2.9
        with cudnn.flags(True, deterministic=cudnn.deterministic, allow_tf32=not exact):
            yield
        return
    before = cudnn.benchmark, cudnn.conv.fp32_precision
    try:
        cudnn.benchmark = False
        if exact:
            cudnn.conv.fp32_precision = "ieee"
        yield
    finally:
        cudnn.benchmark, cudnn.conv.fp32_precision = before


def on_cpu(x: torch.Tensor) -> bool:
    "Whether `x` is on a CPU, where the fastest operations differ from those of a GPU."
    return x.device.type == "cpu"


def finishing_device(device: torch.device) -> torch.device:
    "Where to prepare and finish images: on an NVIDIA GPU, otherwise on the CPU."
    return device if device.type == "cuda" else torch.device("cpu")


def named_devices(
    names: torch.device | str | None,  # a comma separates two of the same kind; None: the best
) -> list[torch.device]:
    "Devices by name; `ValueError` for more than two, or for different kinds."
    devices = [use_device(d) for d in str(names or best_device()).split(",")]
    if len(devices) > 2 or len({device.type for device in devices}) > 1:
        raise UsageError(f"Invalid device '{names}'. Give one device, or two of the same kind.")
    use_device(devices[0])
    return devices
