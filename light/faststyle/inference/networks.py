"The networks, as ONNX programs that are loaded once they are needed."

from functools import lru_cache

import onnxruntime

from ..core.assets import ASSETS
from ..core.errors import UsageError
from ..core.values import known

__all__ = ["DEVICES", "check_device", "run"]

DEVICES = {  # device -> ONNX Runtime's name of it
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "webgpu": "WebGpuExecutionProvider",
}


def check_device(
    name: str | None,  # a row of `DEVICES`; None: cpu
) -> str:
    "A device that the installed ONNX Runtime has; `ValueError` otherwise."
    name = known("device", name or "cpu", DEVICES)
    there = onnxruntime.get_available_providers()
    if DEVICES[name] not in there:
        have = ", ".join(device for device, provider in DEVICES.items() if provider in there)
        raise UsageError(f"The installed onnxruntime has no {name}, only {have}.")
    return name


def run(
    name: str,  # of a program
    device: str,
    **inputs,  # arrays
) -> list:  # arrays
    "What a program makes of its inputs."
    return session(name, device).run(None, inputs)


@lru_cache
def session(name, device):
    how = onnxruntime.SessionOptions()
    how.log_severity_level = 3  # errors
    providers = list(dict.fromkeys([DEVICES[device], DEVICES["cpu"]]))
    return onnxruntime.InferenceSession(ASSETS / f"{name}.onnx", how, providers)
