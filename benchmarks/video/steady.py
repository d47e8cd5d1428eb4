"""How steady films are in the built-in styles and at first sight, beside published networks.

    python -m benchmarks.video.steady CLIP --photos DIR --paintings DIR [--peers DIR] [--style FILE]

All of them paint the same frames of 320 x 240 px: those of CLIP, a pan, a zoom, a moving object,
and layers in depth. The temporal error is ReReVST's (Wang et al. 2020): the root mean squared error
between painted frames, one and ten apart, the earlier one moved as the video moves, without
occluded pixels. Rows are means over styles. Peers are clones of their repositories: MicroAST and
reiinakano/fast-style-transfer-deeplearnjs (networks of 2016). `--style` measures a style file.
"""

import argparse
import json
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from benchmarks.report import report
from benchmarks.standard.peers import PEERS
from benchmarks.video.scenes import (
    FRAMES,
    SIZE,
    filmed,
    painted_film,
    parallax,
    synthetic,
    temporal_error,
)
from faststyle_fastai.all import Stylizer, read_picture
from faststyle_fastai.images.discovery import find_pictures
from faststyle_fastai.images.files import to_picture
from faststyle_fastai.images.tensors import to_tensor
from faststyle_fastai.inference.builtin import BUILTIN_STYLES

LATER = 10  # frames
NEARER = 12, 20  # photos of the layers before the first
OF_2016 = "fast-style-transfer-deeplearnjs"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip")
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    parser.add_argument(
        "--paintings", type=Path, required=True, help="Folder of the built-in paintings."
    )
    parser.add_argument("--peers", type=Path, help="Folder of clones.")
    parser.add_argument("--style", help="A style file, instead of all rows.")
    args = parser.parse_args()
    photos = find_pictures(args.photos)[0]
    far, *near = (read_picture(photos[i]).resize((480, 360)) for i in (5, *NEARER))
    scenes = {"clip": filmed(args.clip), **synthetic(far), "parallax": parallax([far, *near])}
    rows = []
    for name, painters in ways(args).items():
        found = [row(scenes, paint) for paint in painters()]
        rows.append({"": name, "styles": len(found)} | dict(zip(found[0], means(found))))
        rows[-1]["worst"] = max(one["neighbors"] for one in found)
        print(rows[-1], flush=True)
    if not args.style:
        report("steady", rows, size=SIZE, frames=FRAMES)


def means(found):
    return [float(np.mean([one[column] for one in found])) for column in found[0]]


def row(scenes, paint):
    "The errors of one style, a function from frames to painted frames."
    near, far = {}, []
    for name, (frames, flow) in scenes.items():
        pictures = paint(frames)
        near[name] = temporal_error(frames, pictures, flow)
        far.append(temporal_error(frames, pictures, flow, LATER))
    return near | {"neighbors": float(np.mean([*near.values()])), "ten apart": float(np.mean(far))}


def ways(args):
    "Name -> function that gives one painter per style."

    def styles_of(paint):
        return lambda: [partial(painted_film, paint, style=name) for name in paint.styles]

    if args.style:
        return {args.style: styles_of(Stylizer(args.style))}
    paintings = [next(args.paintings.glob(f"{name}.*")) for name in BUILTIN_STYLES]
    found = {
        "built-in, as films are painted": styles_of(Stylizer("slim")),
        "built-in": styles_of(Stylizer("gallery")),
        "first sight": lambda: [partial(painted_film, Stylizer(each)) for each in paintings],
        "painterly": lambda: [
            partial(painted_film, Stylizer(each), painterly=True) for each in paintings
        ],
    }
    if args.peers:
        micro = PEERS["MicroAST"]
        found["MicroAST"] = lambda: of_files(
            micro.load(args.peers / Path(micro.repository).name), paintings
        )
        weights = sorted((args.peers / OF_2016 / "src" / "ckpts").iterdir())
        found["2016"] = lambda: [of_2016(folder) for folder in weights]
    return found


def of_files(peer, paintings):
    "Painters of a peer that reads files."

    def one(painting):
        @torch.inference_mode()
        def painted(frame, file):
            Image.fromarray(frame).save(file)
            return to_picture(peer(painting, file).clamp(0, 1))

        def paint(frames):
            with TemporaryDirectory() as folder:
                return [painted(frame, Path(folder) / "frame.png") for frame in frames]

        return paint

    return [one(painting) for painting in paintings]


def of_2016(folder):
    "lengstrom's fast-style-transfer with the weights of a folder of raw float32 arrays."
    facts = json.loads((folder / "manifest.json").read_text())

    def read(i):
        name = f"Variable_{i}" if i else "Variable"
        values = np.fromfile(folder / facts[name]["filename"], np.float32)
        return torch.from_numpy(values).view(facts[name]["shape"])

    weights = [read(i) for i in range(48)]

    def normalized(x, i):
        return F.instance_norm(x, weight=weights[i + 1], bias=weights[i], eps=1e-3)

    def conv(x, i, stride=1):
        side = weights[i].shape[0]
        ends = ((side - stride) // 2, (side - stride + 1) // 2) * 2  # TensorFlow's "same"
        return normalized(
            F.conv2d(F.pad(x, ends), weights[i].permute(3, 2, 0, 1), None, stride), i + 1
        )

    def wider(x, i):
        up = F.conv_transpose2d(x, weights[i].permute(3, 2, 0, 1), None, 2)[..., :-1, :-1]
        return normalized(up, i + 1).relu()

    @torch.inference_mode()
    def net(x):
        for i, stride in ((0, 1), (3, 2), (6, 2)):
            x = conv(x, i, stride).relu()
        for i in range(9, 39, 6):
            x = x + conv(conv(x, i).relu(), i + 3)
        return (150 * conv(wider(wider(x, 39), 42), 45).tanh() + 127.5).clamp(0, 255) / 255

    return lambda frames: [to_picture(net(255 * to_tensor(frame))) for frame in frames]


if __name__ == "__main__":
    main()
