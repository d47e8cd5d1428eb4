"""Training photos per second, compared with pytorch/examples' own training loop on this machine.

    python -m benchmarks.training.throughput --photos DIR \\
        --peer EXAMPLES/fast_neural_style/neural_style

Training uses batches of 4 at 256 px and one style. The peer's `train()` runs as published except
for random VGG16 weights, which take the same time. Ours runs with the same VGG16 and layers,
then with its defaults. All take turns. The table shows medians over the steps of all
rounds.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import torch
import torchvision
from fastai.callback.core import Callback
from fastai.torch_core import set_seed
from PIL import Image

from benchmarks.report import report
from faststyle_fastai.all import StyleDataLoaders, style_learner
from faststyle_fastai.images.discovery import find_pictures

BS, SIZE = 4, 256
LAYERS = "relu1_2", "relu2_2", "relu3_3", "relu4_3"
SAME = {"recipe": "fast", "backbone": "vgg16", "content_layers": {"relu2_2": 1.0}}
SAME |= {"style_layers": dict.fromkeys(LAYERS, 1.0), "scales": (1,), "small": 0}
SAME |= {"tv_weight": 0.0, "droplets": 0.0}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    parser.add_argument("--peer", help="Folder fast_neural_style/neural_style of pytorch/examples.")
    parser.add_argument(
        "--steps", type=int, default=5, help="Steps per round. The first is not counted."
    )
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    set_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        photos, style = pictures(args.photos, folder, BS * args.steps)
        vgg16 = folder / "vgg16.pth"
        torch.save(torchvision.models.vgg16(weights=None).state_dict(), vgg16)
        jobs = {
            "ours, the same VGG16 and layers": lambda: ours(photos, style, weights=vgg16, **SAME),
            "ours, recipe fast": lambda: ours(photos, style, small=0),
            "ours, recipe fast, slim network": lambda: ours(photos, style, small=0, arch="slim"),
        }
        if args.peer:
            jobs = {"pytorch/examples": lambda: peer(args.peer, photos, style, folder)} | jobs
        else:
            print("No --peer folder: the peer's row is left out.")
        times = {name: [] for name in jobs}
        for _ in range(args.rounds):
            for name, job in jobs.items():
                times[name] += job()[1:]
    median = {name: statistics.median(values) for name, values in times.items()}
    first = next(iter(median.values()))
    rows = [
        {"training step": name, "photos/s": BS / value, "ratio": first / value}
        for name, value in median.items()
    ]
    steps = len(times[next(iter(times))])
    report("throughput", rows, per_cpu=True, bs=BS, size=SIZE, steps=steps)


def pictures(source, folder, n):
    "Copy n photos to a class folder, which the peer needs, and make a style image."
    found = find_pictures(source)[0]
    target = folder / "photos" / "all"
    target.mkdir(parents=True)
    for path in found[:n]:
        shutil.copy(path, target)
    style = folder / "style.jpg"
    Image.open(found[-1]).convert("RGB").resize((SIZE, SIZE)).save(style)
    return target.parent, style


class Clock(Callback):
    "Records the time of each training step, loading included."

    order = 100

    def before_fit(self):
        self.ticks = [time.perf_counter()]

    def after_batch(self):
        if self.training:
            self.ticks.append(time.perf_counter())


def ours(photos, painting, bs=BS, **settings):
    dls = StyleDataLoaders.from_folder(photos, SIZE, bs, valid_pct=0, max_valid=1, device="cpu")
    learn, clock = style_learner(dls, painting, **settings), Clock()
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, 1e-3, cbs=clock)
    return [b - a for a, b in zip(clock.ticks, clock.ticks[1:])]


def peer(path, photos, style, folder, bs=BS, accel=False):
    "Run pytorch/examples' train() for one epoch. Its Adam records the end of each step."
    sys.path.insert(0, path)
    random_vgg = torchvision.models.vgg16
    torchvision.models.vgg16 = lambda weights=None: random_vgg(weights=None)
    try:
        import neural_style

        ticks = [time.perf_counter()]

        class Adam(torch.optim.Adam):
            def step(self, *args, **kwargs):
                super().step(*args, **kwargs)
                ticks.append(time.perf_counter())

        neural_style.Adam = Adam
        neural_style.train(
            SimpleNamespace(
                accel=accel, seed=0, image_size=SIZE, dataset=str(photos), batch_size=bs, lr=1e-3,
                style_image=str(style), style_size=None, epochs=1, content_weight=1e5,
                style_weight=1e10, log_interval=500, checkpoint_model_dir=None,
                save_model_dir=str(folder),
            )
        )  # fmt: skip
    finally:
        sys.path.remove(path)
        torchvision.models.vgg16 = random_vgg
    return [b - a for a, b in zip(ticks, ticks[1:])]


if __name__ == "__main__":
    main()
