"""Seconds to repaint a picture, beside pytorch/examples' own network with the same weights.

    python -m benchmarks.painting PHOTO --peer EXAMPLES/fast_neural_style/neural_style

The peer's network runs as its own `stylize` runs it: eager, float32. `Stylizer` paints as it does
by itself; all are given the same photo with the same grain. They alternate in one process; figures
are medians. The error is that of a style that ships against the peer's picture by the same weights,
on the mean, of 255; the light network's is against itself in float32.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from benchmarks.report import report
from benchmarks.roofline import operations, rates
from faststyle_fastai.all import Stylizer, read_picture, resized_tensor, to_examples
from faststyle_fastai.backbones import ASSETS

SIZES = {"512 px": (512, 512), "1080p": (1920, 1080), "4K": (3840, 2160)}
STYLE = "great_wave"
LIGHT = ASSETS / "gallery-light.safetensors"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo")
    parser.add_argument("--peer", help="pytorch/examples' fast_neural_style/neural_style folder")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    peak = max(rate for by_type in rates().values() for rate in by_type.values())
    full, light = Stylizer(STYLE, grain=0), Stylizer(LIGHT, grain=0)
    exact = Stylizer(STYLE, grain=0, precise=True), Stylizer(LIGHT, grain=0, precise=True)
    networks = {
        "full, float32": exact[0].paint,
        "full": full.paint,
        "light": lambda x: light.paint(x, 0),
    }
    if args.peer:
        networks = {"pytorch/examples": peer(args.peer, exact[0])} | networks
    else:
        print("no --peer folder: its rows are left out")
    rows, picture = [], read_picture(args.photo)
    for name, size in SIZES.items():
        x = Stylizer(STYLE).grainy(resized_tensor(picture, size), 1.0)
        took = {network: [] for network in networks}
        for _ in range(args.rounds + 1):  # the first warms up
            for network, run in networks.items():
                began = time.perf_counter()
                run(x)
                took[network].append(time.perf_counter() - began)
        seconds = {network: statistics.median(times[1:]) for network, times in took.items()}
        wanted = next(iter(networks.values()))(x), exact[1].paint(x, 0)
        for network, run in networks.items():
            off = (run(x) - wanted[network == "light"]).abs().mean().item() * 255
            work = operations(lambda run=run, x=x: run(x))
            rows.append(
                {
                    "picture": name,
                    "network": network,
                    "s": seconds[network],
                    "times as fast": next(iter(seconds.values())) / seconds[network],
                    "error, of 255": off,
                    "of the machine's peak": f"{work / seconds[network] / peak:.0%}",
                }
            )
    facts = {"first picture": first_picture(args.photo), "help": shell("--help")}
    report("painting", rows, **facts, rounds=args.rounds, peak=peak)


def peer(folder, exact):
    "pytorch/examples' network with our weights, [0, 1] in and out."
    sys.path.insert(0, folder)
    try:
        from transformer_net import TransformerNet
    finally:
        sys.path.remove(folder)
    net = TransformerNet().eval()
    net.load_state_dict(to_examples(exact.weights, exact.styles.index(STYLE)))

    @torch.no_grad()
    def run(x):
        return net(x * 255).clamp(0, 255) / 255

    return run


def first_picture(photo):
    "Seconds from the shell to a picture of 512 px, with all that is imported."
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.jpg"
        return shell("stylize", photo, "--style", STYLE, "--size", "512", "-o", str(out))


def shell(*words):
    took = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "faststyle_fastai", *words], check=True, stdout=-3)
        took.append(time.perf_counter() - began)
    return statistics.median(took)


if __name__ == "__main__":
    main()
