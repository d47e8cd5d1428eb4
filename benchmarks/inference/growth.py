"""How cost grows with the size of an image, the batch size, and the number of styles.

    python -m benchmarks.inference.growth --photos DIR [--most 268]

A built-in style paints images from 0.25 megapixels up to `--most`, each four times as large as the
one before. It paints them whole as long as that fits in 2 GB of memory, then in tiles. The table
shows the seconds and the peak resident memory beyond the decoded image (Linux). Each image is
painted in a new process. Training steps use the slim network at 256 px. The script also draws
nbs/images/growth.png.
"""

import argparse
import statistics
import time
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from PIL import Image

from benchmarks.report import fresh, measured, report
from benchmarks.training.throughput import Clock
from faststyle_fastai.all import StyleDataLoaders, Stylizer, TransformerNet, style_learner
from faststyle_fastai.core.assets import ASSETS
from faststyle_fastai.inference.tiles import NEED, SIDES

STYLE, PAINTING = "great_wave", ASSETS / "composition_vii.jpg"
SMALLEST, MOST = 512, 2 << 30  # side of the first image in px; bytes
BATCHES, STYLES = (1, 2, 4, 8, 16), (1, 2, 4, 8, 16, 32)
PLOT = Path(__file__).parent.parent.parent / "nbs/images/growth.png"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    parser.add_argument("--most", type=float, default=269, help="Largest image in megapixels.")
    args = parser.parse_args()
    sizes, side = [], SMALLEST
    while side**2 <= args.most * 1e6:
        seconds, megabytes = fresh(paint, side)
        sizes.append({"px": f"{side}x{side}", "megapixels": side**2 / 1e6, "s": seconds})
        sizes[-1] |= {"s a megapixel": seconds / side**2 * 1e6, "peak, MB": round(megabytes)}
        print(sizes[-1], flush=True)
        side *= 2
    report("growth_size", sizes)
    rows = [{"batch": bs, "ms a photo": 1000 * fresh(train, args.photos, bs)} for bs in BATCHES]
    report("growth_batch", rows)
    report("growth_styles", [{"styles": n, "ms a picture": 1000 * fresh(mix, n)} for n in STYLES])
    plot(sizes)


def paint(side):
    "Seconds, and MB of memory beyond the image itself, to paint a square image."
    picture = Image.effect_noise((256, 256), 64).convert("RGB").resize((side, side))
    style = Stylizer(STYLE)
    style(picture.resize((256, 256)))
    tile = None if side**2 * NEED < MOST else SIDES[1]  # 512 px
    return measured(lambda: style(picture, stroke="finest", tile=tile))


def train(photos, bs):
    "Seconds per photo of a training step."
    dls = StyleDataLoaders.from_folder(photos, 256, bs, images=bs * 6, max_valid=1, device="cpu")
    learn, clock = style_learner(dls, PAINTING, arch="slim", small=0), Clock()
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, 1e-4, cbs=clock)
    return statistics.median(b - a for a, b in zip(clock.ticks[1:], clock.ticks[2:])) / bs


@torch.inference_mode()
def mix(n):
    "Seconds to paint an image of 512 px in a mix of all styles of a network."
    net, x, took = TransformerNet(n).eval(), torch.rand(1, 3, 512, 512), []
    for _ in range(8):
        began = time.perf_counter()
        net(x, torch.full((1, n), 1 / n))
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:])


def plot(sizes):
    "Plot seconds and memory over megapixels, on logarithmic axes."
    figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    across = [row["megapixels"] for row in sizes]
    for axis, key in zip(axes, ("s", "peak, MB")):
        axis.loglog(across, [row[key] for row in sizes], "o-")
        axis.set(xlabel="megapixels", title=key)
        axis.grid(alpha=0.3)
    figure.savefig(PLOT, dpi=80)


if __name__ == "__main__":
    main()
