"The networks, as ONNX programs that are loaded once they are needed."

from functools import lru_cache

import numpy as np
import onnxruntime

from ..core.assets import ASSETS
from ..core.errors import FaststyleError, UsageError
from ..core.values import known

__all__ = ["DEVICES", "check_device", "devices", "run"]

DEVICES = {  # device -> ONNX Runtime's name of it
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "webgpu": "WebGpuExecutionProvider",
}
LESS = b"LESS"  # a program's constant: the share of the style that its weights go without


def check_device(
    name: str | None,  # a row of `DEVICES`; None: cpu
) -> str:
    "A device that the installed ONNX Runtime has; `ValueError` otherwise."
    if known("device", name or "cpu", DEVICES) not in (there := devices()):
        raise UsageError(f"The installed onnxruntime has no {name}, only {', '.join(there)}.")
    return name or "cpu"


def devices() -> list[str]:
    "The rows of `DEVICES` that the installed ONNX Runtime has."
    there = onnxruntime.get_available_providers()
    return [device for device, provider in DEVICES.items() if provider in there]


def run(
    name: str,  # of a program
    device: str,
    less: float = 0.0,  # of the style in a network's weights
    **inputs,  # arrays
) -> list:  # arrays
    "What a program makes of its inputs."
    return session(name, device, less).run(None, inputs)


@lru_cache(maxsize=8)
def session(name, device, less=0.0):
    how = onnxruntime.SessionOptions()
    how.log_severity_level = 3  # errors
    providers = list(dict.fromkeys([DEVICES[device], DEVICES["cpu"]]))
    # ONNX Runtime computes kernels from constants once, from inputs for each image.
    program = (ASSETS / f"{name}.onnx").read_bytes().replace(LESS, np.float32(less).tobytes())
    made = onnxruntime.InferenceSession(program, how, providers)
    if DEVICES[device] not in made.get_providers():  # a library of the device's is missing
        raise FaststyleError(f"The device {device} does not start here. Use --device cpu.")
    return made
