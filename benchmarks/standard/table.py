"""The field's usual test of networks for any painting: 20 photos, 40 paintings, 512 px.

    python -m benchmarks.standard --set STYLEID/data --peers DIR --weights VGG19 --pictures OUT \\
        [--pairs 40] [--refine 20]

The set is that of jiwoogit/StyleID: `cnt` holds the photos, `sty` the paintings. DIR holds clones
of the repositories in `peers.py`; those that are missing are left out. Each paints with its own
code and weights; AdaIN's and Magenta's need TensorFlow. All figures are computed here.
OUT/NAME/PAINTING/PHOTO.png keeps the images, for `benchmarks.perceptual.jury`; what is there is not
painted again. Seconds, from two files to an image, are medians; all take turns. Memory is what a
painting adds to the peak of a new process.
"""

import argparse
import statistics
from functools import partial
from pathlib import Path

import torch

from benchmarks.report import fresh, in_turns, measured, report
from benchmarks.standard.distances import CONTENT, STYLE, distances
from benchmarks.standard.peers import PEERS, tensor
from faststyle_fastai.all import Stylizer, perceptual_backbone, picture_files, save_picture
from faststyle_fastai.core.assets import ASSETS, builtin_path
from faststyle_fastai.images.files import to_picture
from faststyle_fastai.inference import sight_painter

REFINED = "faststyle, refined"  # on the first tenth of the pairs
OURS = {"faststyle": "full", "faststyle, slim": "slim", REFINED: "full"}  # -> network
ROUNDS = 5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--set", "--peers", "--weights", "--pictures"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=40, help="Of 800; 40 are one per painting.")
    parser.add_argument("--refine", type=float, default=0, help="Seconds of refining, on a tenth.")
    args = parser.parse_args()
    pairs = chosen(args.set, args.pairs)
    clones = {name: args.peers / peer.repository.split("/")[1] for name, peer in PEERS.items()}
    names = [name for name in OURS if args.refine or name != REFINED]
    names += [name for name in PEERS if clones[name].is_dir()]
    paints = {name: painter(name, clones.get(name), args.refine) for name in names}
    backbone, rows = vgg19(args.weights), []
    seconds = in_turns(
        {n: partial(on_pair, paint) for n, paint in paints.items()}, pairs[0], ROUNDS
    )
    for name, paint in paints.items():
        found = []
        for painting, photo in pairs[: len(pairs) // 10] if name == REFINED else pairs:
            file = args.pictures / name / painting.stem / f"{photo.stem}.png"
            if not file.exists():
                save_picture(to_picture(on_pair(paint, (painting, photo))), file)
            found.append(distances(*map(tensor, (file, photo, painting)), backbone))
        row = {"network": name, "published": PEERS[name].published if name in PEERS else ""}
        row |= {key: round(statistics.mean(each[key] for each in found), 3) for key in found[0]}
        row["seconds"] = round(seconds[name], 2)
        row["MB of memory"] = round(fresh(added, name, clones.get(name), args.refine, pairs[0]))
        row["MB of weights"] = round(size(name, clones.get(name)) / 1e6, 1)
        print(row, flush=True)
        rows.append(row)
    layers = [name for name in dict.fromkeys((*STYLE, *CONTENT)) if name in backbone.layers]
    report("standard", rows, pairs=len(pairs), px=512, layers=layers)


def chosen(folder: Path, n: int) -> list[tuple[Path, Path]]:
    "The first n of 800 pairs, in an order that takes all paintings and all photos in turns."
    paintings, photos = picture_files(folder / "sty"), picture_files(folder / "cnt")
    rounds, each = range(len(photos)), range(len(paintings))
    order = [(paintings[i], photos[(7 * i + k) % len(photos)]) for k in rounds for i in each]
    return order[:n]


def painter(name, clone, seconds):
    if clone:
        return torch.no_grad()(PEERS[name].load(clone))
    return partial(ours, arch=OURS[name], seconds=seconds if name == REFINED else 0)


def ours(painting, photo, arch, seconds):
    sight_painter.of_painting.cache_clear()  # its seconds count, too
    return Stylizer(painting, arch=arch)(photo, refine=seconds, tensor=True)


def on_pair(paint, pair):
    return paint(*pair).clamp(0, 1)


def added(name, clone, seconds, pair):
    "MB that one painting adds to the peak of this process."
    return measured(lambda: on_pair(painter(name, clone, seconds), pair))[1]


def size(name, clone):
    "Bytes of the weights that a painting needs."
    if clone:
        return sum(f.stat().st_size for glob in PEERS[name].weights for f in clone.glob(glob))
    files = builtin_path("decoder", OURS[name]), ASSETS / "lite.safetensors"
    return sum(file.stat().st_size for file in files)


def vgg19(weights):
    layers = dict.fromkeys((*STYLE, *CONTENT))
    try:
        return perceptual_backbone("vgg19", weights, layers)
    except ValueError:  # weights that end before relu4_1
        del layers["relu4_1"]
        return perceptual_backbone("vgg19", weights, layers)
