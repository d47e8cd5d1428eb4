"""Seconds to paint an image, compared with pytorch/examples' own network with the same weights.

    python -m benchmarks.inference.painting PHOTO --peer EXAMPLES/fast_neural_style/neural_style

The peer's network runs as in its own `stylize`: eager, in float32. `Stylizer` runs with its
defaults. All paint the same photo and take turns. The peer runs in its own process, where our code
doesn't affect how memory is allocated. The table shows medians. The error is the mean difference
between a built-in style and the peer's image with the same weights, out of 255. The slim network is
compared with itself in float32. "512 px, file to file" includes reading and writing a JPEG, each by
its own functions.
"""

import argparse
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import torch

from benchmarks.core.roofline import operations, rates
from benchmarks.report import report
from faststyle_fastai.all import Stylizer, read_picture, save_picture, to_examples
from faststyle_fastai.core.assets import builtin_path
from faststyle_fastai.images.sizes import resized_tensor
from faststyle_fastai.models.stylefile import load_style

SIZES = {"512 px": (512, 512), "1080p": (1920, 1080), "4K": (3840, 2160)}
STYLE = "great_wave"
SLIM = builtin_path("gallery", "slim")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo")
    parser.add_argument("--peer", help="Folder fast_neural_style/neural_style of pytorch/examples.")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    peak = max(rate for by_type in rates().values() for rate in by_type.values())
    full, slim = Stylizer(STYLE), Stylizer(SLIM)
    exact = [Stylizer(style, precision="float32") for style in (STYLE, SLIM)]
    for paint in (full, slim, *exact):
        paint.info = paint.info | {"palettes": {}}  # the peer has none
    networks = {
        "full, float32": partial(timed, exact[0].paint),
        "full": partial(timed, full.paint),
        "slim": partial(timed, partial(slim.paint, style=0)),
    }
    rows, picture = [], read_picture(args.photo)
    with ExitStack() as stack:
        if args.peer:
            context = multiprocessing.get_context("spawn")
            pool = stack.enter_context(context.Pool(1, load_peer, (args.peer,)))
            networks = {"pytorch/examples": lambda x: pool.apply(run_peer, (x,))} | networks
        else:
            print("No --peer folder: the peer's rows are left out.")
        for name, size in SIZES.items():
            x = resized_tensor(picture, size)
            took = {network: [] for network in networks}
            for _ in range(args.rounds + 1):  # the first round warms up
                for network, run in networks.items():
                    took[network].append(run(x)[0])
            seconds = {network: statistics.median(times[1:]) for network, times in took.items()}
            wanted = next(iter(networks.values()))(x)[1], exact[1].paint(x, 0)
            work = {"slim": operations(lambda x=x: slim.net(x))}
            for network, run in networks.items():
                off = (run(x)[1] - wanted[network == "slim"]).abs().mean().item() * 255
                done = work.setdefault(network, operations(lambda x=x: full.net(x)))
                rows.append(
                    {
                        "picture": name,
                        "network": network,
                        "s": seconds[network],
                        "times as fast": next(iter(seconds.values())) / seconds[network],
                        "error, of 255": off,
                        "of the machine's peak": f"{done / seconds[network] / peak:.0%}",
                    }
                )
                print(rows[-1], flush=True)
        rows += file_to_file(full, picture.resize(SIZES["512 px"]), args.rounds, args.peer and pool)
    facts = {"first picture": first_picture(args.photo), "help": shell("--help")}
    report("painting", rows, per_cpu=True, **facts, rounds=args.rounds, peak=peak)


def file_to_file(paint, picture, rounds, pool):
    "Rows for painting a JPEG into another one."
    with tempfile.TemporaryDirectory() as folder:
        source, out = str(Path(folder) / "photo.jpg"), str(Path(folder) / "out.jpg")
        picture.save(source, quality=95)
        networks = {"pytorch/examples": lambda: pool.apply(run_peer_file, (source, out))}
        networks = (networks if pool else {}) | {
            "full": lambda: timed(lambda path: save_picture(paint(path), out), source)[0]
        }
        took = {network: [] for network in networks}
        for _ in range(2 * rounds + 1):
            for network, run in networks.items():
                took[network].append(run())
    seconds = {network: statistics.median(times[1:]) for network, times in took.items()}
    first = next(iter(seconds.values()))
    row = {"picture": "512 px, file to file", "error, of 255": None, "of the machine's peak": None}
    return [row | {"network": n, "s": s, "times as fast": first / s} for n, s in seconds.items()]


def timed(run, x):
    "Seconds of a run, and its result."
    began = time.perf_counter()
    painted = run(x)
    return time.perf_counter() - began, painted


PEER = []  # the peer's network, in its own process


def load_peer(folder):
    "Load pytorch/examples' network with our weights."
    sys.path.insert(0, folder)
    from transformer_net import TransformerNet

    net, info, _ = load_style(builtin_path("gallery", "full"))
    PEER.append(TransformerNet().eval())
    PEER[0].load_state_dict(to_examples(net.state_dict(), info["styles"].index(STYLE)))


@torch.no_grad()
def run_peer(x):
    "Run the peer like `timed`, on an image in [0, 1]."
    return timed(lambda x: PEER[0](x * 255).clamp(0, 255) / 255, x)


@torch.no_grad()
def run_peer_file(source, out):
    "Seconds of the peer's `stylize` from one file to another, without loading the network."
    from torchvision.transforms.functional import to_tensor
    from utils import load_image, save_image

    def stylize(path):
        save_image(out, PEER[0](to_tensor(load_image(path)).mul(255)[None])[0])

    return timed(stylize, source)[0]


def first_picture(photo):
    "Seconds from the shell to an image of 512 px, imports included."
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.jpg"
        return shell(
            "stylize", photo, "--style", STYLE, "--size", "512", "-o", str(out), "--overwrite"
        )


def shell(*words):
    took = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "faststyle_fastai", *words], check=True, stdout=-3)
        took.append(time.perf_counter() - began)
    return statistics.median(took)


if __name__ == "__main__":
    main()
