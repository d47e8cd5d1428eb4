"""Peak memory of training and of painting, compared with pytorch/examples on this machine.

    python -m benchmarks.training.footprint --photos DIR \\
        --peer EXAMPLES/fast_neural_style/neural_style

Training uses batches of 16 at 256 px. The peer's `train()` runs as published except for random
VGG16 weights. Ours runs with the same VGG16 and layers, and with its defaults. Painting takes one
4K image. Each figure is the peak resident memory of a new process (Linux), beyond that of Python
and the libraries, in MB.
"""

import argparse
import tempfile
from pathlib import Path

import torch
import torchvision
from fastai.torch_core import set_seed
from PIL import Image

from benchmarks.inference import painting
from benchmarks.report import fresh, peak, report
from benchmarks.training import throughput
from faststyle_fastai.all import Stylizer
from faststyle_fastai.images.sizes import resized_tensor

BS, STEPS, PICTURE = 16, 3, (3840, 2160)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    parser.add_argument("--peer", help="Folder fast_neural_style/neural_style of pytorch/examples.")
    args = parser.parse_args()
    rows, first = [], 0.0
    for job, kinds in {
        f"training, batch {BS}": {
            "pytorch/examples": (train, "peer"),
            "ours, the same VGG16": (train, "same"),
            "ours": (train, "ours"),
            "ours, slim": (train, "slim"),
        },
        "painting, 4K": {
            "pytorch/examples": (paint, "peer"),
            "ours": (paint, painting.STYLE),
            "ours, float32": (paint, "float32"),
            "ours, slim": (paint, f"{painting.SLIM}:great_wave"),
            "ours, tiles": (paint, "tiles"),
        },
    }.items():
        for name, (function, kind) in kinds.items():
            if kind == "peer" and not args.peer:
                print("No --peer folder: the peer's row is left out.")
                continue
            found = fresh(function, kind, args.photos, args.peer)
            if not rows or rows[-1]["job"] != job:
                first = found
            row = {"job": job, "by": name, "peak, MB": round(found)}
            rows.append(row | {"of the first": f"{found / first:.2f}x"})
            print(rows[-1], flush=True)
    report("footprint", rows)


def train(kind, photos, peer):
    "MB that a few steps of training add to the peak of this process."
    torch.set_num_threads(2)
    set_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        photos, style = throughput.pictures(photos, folder, BS * STEPS)
        before = peak()
        if kind == "peer":
            throughput.peer(peer, photos, style, folder, BS)
        elif kind == "same":
            weights = folder / "vgg16.pth"
            torch.save(torchvision.models.vgg16(weights=None).state_dict(), weights)
            throughput.ours(photos, style, BS, weights=weights, **throughput.SAME)
        else:
            arch = "slim" if kind == "slim" else "full"
            throughput.ours(photos, style, BS, small=0, arch=arch)
        return peak() - before


def paint(kind, photos, peer):
    "MB that one 4K image adds to the peak of this process."
    before, picture = peak(), Image.effect_noise(PICTURE, 64).convert("RGB")
    if kind == "peer":
        painting.load_peer(peer)
        painting.run_peer(resized_tensor(picture, PICTURE))
    else:
        own = kind not in ("float32", "tiles")
        precision = "float32" if kind == "float32" else "auto"
        style = Stylizer(kind if own else painting.STYLE, precision=precision)
        style(picture, stroke="finest", tile=512 if kind == "tiles" else None)
    return peak() - before


if __name__ == "__main__":
    main()
