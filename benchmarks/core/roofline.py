"""The highest rates of this machine: matrix products and convolutions in float32 and bfloat16.

    python -m benchmarks.core.roofline

Each rate is the best of many trials, on shapes that suit the processor. Other scripts report the
share of it that they reach.
"""

import argparse
import time

import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.report import report
from faststyle_fastai.core.devices import best_device, computes_bfloat16

SECONDS = 2  # of trials for each rate


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    report("roofline", [{"GFLOP/s": kind, **by_type} for kind, by_type in rates().items()])


def rates(device: torch.device | None = None) -> dict[str, dict[str, float]]:
    "Rates in GFLOP/s: kind -> type -> rate."
    device = device or best_device()
    types = [torch.float32, torch.bfloat16][: 1 + computes_bfloat16(device)]
    found = {"matrix product, 2048": {}, "convolution, 128 channels, 3x3": {}}
    for dtype in types:
        name = str(dtype).removeprefix("torch.")
        a, b = (torch.rand(2048, 2048, dtype=dtype, device=device) for _ in range(2))
        x, w = (
            torch.rand(*shape, dtype=dtype, device=device).to(memory_format=torch.channels_last)
            for shape in ((4, 128, 64, 64), (128, 128, 3, 3))
        )
        matrix, convolution = found.values()
        matrix[name] = best(lambda a=a, b=b: a @ b, device)
        convolution[name] = best(lambda x=x, w=w: F.conv2d(x, w, padding=1), device)
    return found


@torch.inference_mode()
def best(run, device) -> float:
    "The highest rate of many trials in GFLOP/s."
    work, quickest, end = operations(run), float("inf"), time.monotonic() + SECONDS
    while time.monotonic() < end:
        began = time.perf_counter()
        for _ in range(3):
            run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        quickest = min(quickest, (time.perf_counter() - began) / 3)
    return work / quickest


@torch.no_grad()
def operations(run) -> float:
    "Multiplications and additions of a function, in billions."
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() / 1e9


if __name__ == "__main__":
    main()
