"""Everything that depends on a GPU, measured on the one at hand.

    python -m benchmarks.gpu --photos DIR --style PAINTING [--peer EXAMPLES/.../neural_style]

Training steps of recipe `fast` at several batch sizes: their time, the operations and copies that
the profiler sees, and their share of the bfloat16 rate of a large matrix product on the same card.
With `--peer`, also pytorch/examples' own training loop. Then a style trained for `--seconds`,
photos of several sizes, a 1080p film without decoding and encoding, and its time on the CPU.
Without a GPU everything runs on the CPU, which shows that the script works and nothing more.
"""

import argparse
import statistics
import tempfile
import time
import warnings
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import torch
from fastai.torch_core import set_seed
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.report import report
from benchmarks.training.throughput import BS, SIZE, Clock, peer, pictures
from faststyle_fastai.all import StyleDataLoaders, Stylizer, style_learner, train
from faststyle_fastai.core.devices import best_device
from faststyle_fastai.inference.options import PaintOptions
from faststyle_fastai.video.frame_painter import FramePainter
from faststyle_fastai.video.reader import VideoFrame

SIDES = {
    "512 px": (512, 512),
    "1080p": (1080, 1920),
    "12 MP": (3000, 4000),
    "100 MP": (8660, 11547),
}
# What waits for a GPU, and what would wait for one, on a CPU
WAITS = ("cudaStreamSynchronize",)
COPIES = "aten::_local_scalar_dense", "aten::nonzero"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    parser.add_argument("--style", required=True, help="A painting.")
    parser.add_argument("--peer", help="Folder fast_neural_style/neural_style of pytorch/examples.")
    parser.add_argument("--batches", type=int, nargs="+", default=[2, 4, 32])
    parser.add_argument("--steps", type=int, default=30, help="Training steps of each batch size.")
    parser.add_argument("--seconds", type=float, default=30, help="Time to train a style.")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--frames", type=int, default=100, help="Frames of the film.")
    parser.add_argument("-o", "--output", default="gpu-style", help="Run folder of the style.")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    set_seed(0)
    device = best_device()
    rows = [{"what": "bfloat16 product, TFLOP/s", "value": peak(device)}]
    rows += [row for bs in args.batches for row in steps(args, bs, rows[0]["value"])]
    if args.peer:
        with tempfile.TemporaryDirectory() as folder:
            photos, style = pictures(args.photos, Path(folder), BS * args.steps)
            ticks = peer(args.peer, photos, style, Path(folder), accel=device.type == "cuda")
        value = BS / statistics.median(ticks[len(ticks) // 2 :])
        rows.append({"what": "pytorch/examples, photos/s", "value": value})
    begun = time.perf_counter()
    train(args.photos, args.style, args.output, minutes=args.seconds / 60, force=True, quiet=True)
    rows.append({"what": "own style, s with its start", "value": time.perf_counter() - begun})
    paint = Stylizer(args.output)
    for name in args.sides:
        work = partial(paint, torch.rand(1, 3, *SIDES[name]), tensor=True, stroke="fine")
        seconds = timed(work, device, 3)
        rows.append({"what": f"photo of {name}, s", "value": seconds})
    rows += film(paint, device, args.frames)
    card = torch.cuda.get_device_name() if device.type == "cuda" else "no GPU"
    report("gpu", rows, card=card, size=SIZE)


def timed(call, device, times):
    "Median seconds of a call, after one to warm up."
    seconds = []
    for _ in range(times + 1):
        begun = time.perf_counter()
        call()
        wait(device)
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds[1:])


def wait(device):
    if device.type != "cpu":
        torch.accelerator.synchronize()


def peak(device):
    "TFLOP/s of a large product in bfloat16."
    n = 8192 if device.type == "cuda" else 1024
    a, b = (torch.rand(n, n, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * n**3 / timed(lambda: a @ b, device, 10) / 1e12


def is_operation(event):
    "Whether a profiler's event is one of PyTorch's operations; None is not."
    return event is not None and event.name.startswith("aten::")


def steps(args, bs, most):
    "Training steps of one batch size."
    dls = StyleDataLoaders.from_folder(args.photos, SIZE, bs, bs * args.steps, max_valid=1)
    learn, clock = style_learner(dls, args.style, small=0), Clock()
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, 1e-3, cbs=clock)
    wait(dls.device)
    ticks = clock.ticks[len(clock.ticks) // 2 :]
    rate = bs * (len(ticks) - 1) / (ticks[-1] - ticks[0])
    x = dls.train.one_batch()
    learn.model.train()

    def step():
        with torch.autocast(dls.device.type, torch.bfloat16):
            learn.loss_func(learn.model(x[0]).float(), x[0]).backward()
        learn.opt.step()
        learn.opt.zero_grad()

    step()
    with FlopCounterMode(display=False) as flops:
        step()
    activities = [ProfilerActivity.CPU]
    if dls.device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as seen:
        step()
        wait(dls.device)
    events = [event for event in seen.events() if event.name.startswith(("aten::", "cuda"))]
    outer = [e for e in events if is_operation(e) and not is_operation(e.cpu_parent)]
    on_gpu = any(event.name.startswith("cuda") for event in events)
    waits = sum(event.name in (WAITS if on_gpu else COPIES) for event in events)
    share = flops.get_total_flops() * rate / bs / 1e12 / most
    name = f"training, batches of {bs}"
    return [
        {"what": f"{name}, photos/s", "value": rate},
        {"what": f"{name}, share of the product's rate", "value": share},
        {"what": f"{name}, outermost operations", "value": len(outer)},
        {"what": f"{name}, waits for the GPU", "value": waits},
    ]


def film(paint, device, n):
    "Frames per second of a 1080p film, and the CPU's time for each, in memory."
    work = FramePainter(paint, PaintOptions(stroke="fine"))
    frames = np.random.default_rng(0).integers(0, 256, (8, 1080, 1920, 3), np.uint8)
    work(VideoFrame(frames[0], Fraction(0), Fraction(1, 25)))
    begun, cpu = time.perf_counter(), time.process_time()
    for i in range(1, n):
        work(VideoFrame(frames[i % 8], Fraction(i, 25), Fraction(1, 25)))
    wait(device)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return [
        {"what": "film of 1080p, frames/s", "value": (n - 1) / seconds},
        {
            "what": "film of 1080p, ms of CPU a frame",
            "value": cpu / (n - 1) * 1e3,
        },
    ]


if __name__ == "__main__":
    main()
