"""How well a network carries on a hand from one painted frame: `train --keyframe`.

    python -m benchmarks.video.keyframe CLIP --out DIR [--epochs 5] [--weights VGG19]

Each scene of CLIP is a clip of its own. A script paints its middle frame: flat areas in five
colors and ink lines. It also paints the held-out frames near both ends, as the reference. A network
is trained on the painted frame as a keyframe, and another as a mere painting, in as many steps.
*Distance* is the mean squared difference of features with unit norm (as in LPIPS, without its
weights) between painted and reference frames. *min* is how long the keyframe's training took. DIR
receives sheets: photo, reference, keyframe, painting; and each of these pictures by itself.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from benchmarks.report import report
from faststyle_fastai.all import Stylizer, train
from faststyle_fastai.images.tensors import to_tensor
from faststyle_fastai.perceptual.backbones import perceptual_backbone
from faststyle_fastai.video.reader import open_video
from faststyle_fastai.video.temporal import Scenes

HEIGHT = 480  # px of the frames
CLIPS = 3  # the longest scenes
HELD_OUT = 0.05, 0.15, 0.85, 0.95  # of a scene
STEPS, BATCH = 50, 4  # of an epoch
EVERY = 4  # frames, of those that are trained on
INKS = np.float32([[24, 26, 60], [32, 92, 110], [196, 88, 48], [238, 180, 88], [250, 236, 206]])
GREEN = np.float32([90, 150, 60])
LAYERS = "relu1_2", "relu2_2", "relu3_3"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--epochs", type=int, default=5, help=f"Of {STEPS} steps.")
    parser.add_argument("--weights", help="VGG19 weights, for the distance.")
    args = parser.parse_args()
    backbone = perceptual_backbone("vgg19" if args.weights else "lite", args.weights, LAYERS)
    rows = []
    for number, frames in enumerate(scenes(args.clip)):
        place = args.out / f"scene-{number}"
        rows.append(
            {"scene": number, "frames": len(frames)} | compared(frames, place, args, backbone)
        )
        print(rows[-1], flush=True)
    steps = args.epochs * STEPS
    report("keyframe", rows, steps=steps, distance="vgg19" if args.weights else "lite")


def compared(frames, place, args, backbone):
    "Train both ways on one scene; the mean distances of the held-out frames."
    middle = len(frames) // 2
    tested = [round(share * (len(frames) - 1)) for share in HELD_OUT]
    photos, ways, minutes = place / "photos", {}, {}
    photos.mkdir(parents=True, exist_ok=True)
    for i in range(0, len(frames), EVERY):
        if i not in tested:
            Image.fromarray(frames[i]).save(photos / f"{i:04d}.png")
    pair = place / "frame.png", place / "painted.png"
    for picture, file in zip((frames[middle], by_hand(frames[middle])), pair):
        Image.fromarray(picture).save(file)
    references = [by_hand(frames[i]) for i in tested]
    sheet = [[frames[i] for i in tested], references]
    save_all(references, place / "reference-frames")
    for name, how in {"keyframe": {"keyframes": [pair]}, "painting": {}}.items():
        began = time.monotonic()
        run = train(
            photos, pair[1], place / name, epochs=args.epochs, images=STEPS * BATCH, bs=BATCH,
            force=True, quiet=True, **how,
        )  # fmt: skip
        minutes[name] = (time.monotonic() - began) / 60
        paint = Stylizer(run)
        painted = [np.asarray(paint(Image.fromarray(frames[i]))) for i in tested]
        save_all(painted, place / f"{name}-frames")
        sheet.append(painted)
        pairs = zip(painted, references)
        ways[name] = float(np.mean([distance(backbone, *pair) for pair in pairs]))
    whole = np.vstack([np.hstack(row) for row in sheet])
    Image.fromarray(whole).save(place / "sheet.png")
    share = f"{ways['keyframe'] / ways['painting']:.2f}x"
    return ways | {"of painting": share, "min": minutes["keyframe"]}


def save_all(pictures, folder):
    folder.mkdir(exist_ok=True)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{i}.png")


def scenes(path):
    "The longest scenes of a video, each a list of frames."
    found, is_cut = [[]], Scenes()
    with open_video(path) as video:
        for frame in video.frames():
            if is_cut(to_tensor(frame.picture)):
                found.append([])
            height, width = frame.picture.shape[:2]
            size = round(width * HEIGHT / height), HEIGHT
            found[-1].append(cv2.resize(frame.picture, size, interpolation=cv2.INTER_CUBIC))
    return sorted(found, key=len)[-CLIPS:]


def by_hand(frame):
    "A frame in flat colors with ink lines."
    flat = cv2.pyrMeanShiftFiltering(np.ascontiguousarray(frame), 10, 22)
    light = cv2.cvtColor(flat, cv2.COLOR_RGB2GRAY) / np.float32(255)
    step = np.round(np.clip(1.1 * light, 0, 1) * (len(INKS) - 1) * 1.5) / 1.5
    lower = np.minimum(step.astype(int), len(INKS) - 2)
    ink = INKS[lower] + (step - lower)[..., None] * (INKS[lower + 1] - INKS[lower])
    lab = cv2.cvtColor(flat, cv2.COLOR_RGB2LAB).astype(np.float32)
    ink += 0.6 * np.clip((128 - lab[..., 1:2]) / 20, 0, 1) * (GREEN - ink)
    soft = cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (0, 0), 1.2)
    how = 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY
    lines = cv2.GaussianBlur(cv2.adaptiveThreshold(soft, *how, 15, 5), (0, 0), 0.8)[..., None] / 255
    return np.uint8(np.clip(ink * (0.15 + 0.85 * lines), 0, 255))


@torch.no_grad()
def distance(backbone, picture, reference):
    seen = (backbone(to_tensor(each), LAYERS) for each in (picture, reference))
    a, b = ([torch.nn.functional.normalize(x, dim=1) for x in each.values()] for each in seen)
    return float(np.mean([(x - y).square().sum(1).mean() for x, y in zip(a, b)]))


if __name__ == "__main__":
    main()
