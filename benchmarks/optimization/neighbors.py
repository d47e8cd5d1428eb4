"""Painting on the image itself: seconds and memory by size, and what the image became.

    python -m benchmarks.optimization.neighbors --set STYLEID/data [--weights VGG19] \\
        [--pairs 20] [--pictures OUT] [--peer CLONE]

`optimize` is timed with its defaults at 512 and 1024 px, `refine=20` on a photo of 12 megapixels;
each runs in a new process; memory is what it adds to its peak. On the first pairs, in the order of
`benchmarks.standard`, the photo, first sight, `refine=20` at two likenesses and the optimization
are compared: local style (distance of each place from the painting's nearest), tone, and structure.
VGG19 measures where its weights are given, otherwise `lite`. OUT keeps the images.

CLONE is nkolkin13/NeuralNeighborStyleTransfer, the published program, timed at 512 px on the CPU.
Its VGG16 is replaced with VGG19 up to relu3_4: the deeper layers are left out, which is faster.
"""

import argparse
import statistics
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import torch

from benchmarks.report import fresh, peak, report
from benchmarks.standard.peers import importing
from benchmarks.standard.table import chosen
from faststyle_fastai.all import (
    Stylizer,
    optimize_style,
    perceptual_backbone,
    read_picture,
    save_picture,
    to_tensor,
)
from faststyle_fastai.perceptual.measures import grid, local_style, structure, tone

LARGE, LAYERS = (4000, 3000), [f"relu3_{i}" for i in range(1, 5)]
WAYS = {
    "the photo": lambda photo, painting: read_picture(photo),
    "at sight": lambda photo, painting: Stylizer(painting)(photo),
    "refined 20 s": lambda photo, painting: Stylizer(painting)(photo, refine=20),
    "likeness .4": lambda photo, painting: Stylizer(painting)(photo, refine=20, likeness=0.4),
    "optimized": lambda photo, painting: optimize_style(photo, painting),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="VGG19 weights.")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--peer", type=Path, help="The published program. Takes minutes.")
    args = parser.parse_args()
    name = "vgg19" if args.weights else "lite"
    backbone = perceptual_backbone(name, args.weights, layers=LAYERS)
    pairs, facts = chosen(args.set, args.pairs), {}
    for title, run in {
        "512 px": partial(optimized, 512),
        "1024 px": partial(optimized, 1024),
        "12 megapixels": large,
    }.items():
        seconds, memory = fresh(measured, run, pairs[0])
        facts |= {f"{title}, s": round(seconds, 1), f"{title}, MB": round(memory)}
        print(title, facts, flush=True)
    if args.peer:
        seconds, memory = fresh(measured, partial(published, args.peer, args.weights), pairs[0])
        facts |= {"published, 512 px, s": round(seconds), "published, 512 px, MB": round(memory)}
        print(facts, flush=True)
    rows = [{"way": way, **row(way, paint, pairs, backbone, args)} for way, paint in WAYS.items()]
    report("neighbors", rows, per_cpu=True, backbone=name, pairs=len(pairs), **facts)


def row(way, paint, pairs, backbone, args):
    "Means over the pairs."
    found: dict[str, list[float]] = {}
    for painting, photo in pairs:
        out = args.pictures and args.pictures / way / painting.stem / f"{photo.stem}.png"
        if out and out.exists():
            picture = read_picture(out)
        else:
            picture = paint(photo, painting)
            if out:
                save_picture(picture, out)
        x, work = to_tensor(picture), to_tensor(read_picture(painting))
        original = to_tensor(read_picture(photo).resize(picture.size))
        with torch.no_grad():
            one = {
                "local style": local_style(x, work, backbone),
                "tone": tone(x, original).item(),
                "structure": structure(x, original, backbone).item(),
                "grid": grid(x),
            }
        for key, value in one.items():
            found.setdefault(key, []).append(value)
    print(way, {k: round(statistics.mean(v), 3) for k, v in found.items()}, flush=True)
    return {k: round(statistics.mean(v), 3) for k, v in found.items()}


def optimized(size, pair):
    optimize_style(pair[1], pair[0], end_scale=size)


def large(pair):
    Stylizer(pair[0])(read_picture(pair[1]).resize(LARGE), refine=20)


def published(clone, weights, pair):
    "Paint with the published program and its defaults."
    names = {1: "relu1_1", 3: "relu1_2", 6: "relu2_1", 8: "relu2_2", 11: "relu3_1", 13: "relu3_2"}
    names[15] = "relu3_3"
    backbone = perceptual_backbone("vgg19", weights, layers=[*names.values(), "relu3_4"])

    def phi(x, layers, concat):
        features = backbone(x, {names[i]: 1 for i in layers if i in names})
        return [features[names[i]] for i in layers if i in names]

    sys.modules.setdefault("imageio", SimpleNamespace(imread=None))  # reads its arguments only
    with importing(clone):
        from utils import misc
        from utils.stylize import produce_stylization

        misc.USE_GPU = False
        painting, photo = (to_tensor(read_picture(file)) for file in pair)
        settings = {"max_iter": 200, "lr": 2e-3, "content_weight": 0.25, "max_scls": 4}
        produce_stylization(photo, painting, phi, flip_aug=True, **settings)


def measured(run, pair):
    "Seconds of a run, and the MB that it adds to the peak of this process."
    before, began = peak(), time.perf_counter()
    run(pair)
    return time.perf_counter() - began, peak() - before


if __name__ == "__main__":
    main()
