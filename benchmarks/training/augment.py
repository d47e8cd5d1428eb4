"""Do repainted training images make a classifier look at shapes? `StyleAugment`, as Geirhos et al.

    python -m benchmarks.training.augment PHOTOS

Three shapes are filled with textures, which are crops of photos. In training, a shape has its own
photo's texture in 90 % of the images. Afterward, each shape has the texture of another class: who
goes by texture is wrong. The same small network is trained without and with `StyleAugment`, and
with fastai's `aug_transforms` for comparison. Means of three seeds.
"""

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.metrics import accuracy
from fastai.torch_core import set_seed
from fastai.vision.augment import aug_transforms
from fastai.vision.core import TensorImage
from fasttransform import Pipeline
from PIL import Image, ImageDraw
from torch import nn

from benchmarks.report import report
from faststyle_fastai.all import StyleAugment, picture_files, read_picture
from faststyle_fastai.images.tensors import to_tensor

SIDE, TRAIN, TEST, EPOCHS, SEEDS = 64, 1500, 300, 15, 3
SAME = 0.9  # share of the training images whose texture tells the class
CORNERS = {0: 3, 1: 4, 2: 40}  # class -> corners of its shape; 40 make a disc
WAYS = {
    "as they are": (),
    "aug_transforms": aug_transforms(size=SIDE),
    "StyleAugment": (StyleAugment(p=1.0),),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    photos = [read_picture(file) for file in picture_files(parser.parse_args().photos)[:6]]
    rows = []
    for name, tfms in WAYS.items():
        scores = [scored(photos, tfms, seed) for seed in range(SEEDS)]
        textured, other = np.mean(scores, 0)
        rows.append({"training images": name, "own textures": f"{textured:.0%}",
                     "textures of others": f"{other:.0%}"})  # fmt: skip
        print(rows[-1], flush=True)
    report("augment", rows, images=TRAIN, epochs=EPOCHS, seeds=SEEDS)


def scored(photos, tfms, seed):
    "Accuracy with the textures of training, and with those of other classes."
    set_seed(seed)
    draw = random.Random(seed)
    train = images(photos, TRAIN, lambda c: c if draw.random() < SAME else draw.randrange(3), draw)
    tests = [images(photos, TEST, lambda c, k=k: (c + k) % 3, draw) for k in (0, 1)]
    change = Pipeline([*tfms], split_idx=0)

    def collated(samples):
        x, y = zip(*samples)
        return change(TensorImage(torch.stack(x))), torch.tensor(y)

    loader = torch.utils.data.DataLoader(train, 32, shuffle=True, collate_fn=collated)
    valid = [torch.utils.data.DataLoader(test, 64) for test in tests]
    learn = Learner(
        DataLoaders(loader, valid[0]), network(), nn.CrossEntropyLoss(), metrics=accuracy
    )
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(EPOCHS, 3e-3)
        return [learn.validate(dl=dl)[1] for dl in valid]


def images(photos, n, texture_of, draw):
    found = []
    for _ in range(n):
        kind = draw.randrange(3)
        texture = photos[texture_of(kind)]
        mask = Image.new("L", (SIDE, SIDE))
        radius = draw.randint(16, 26)
        at = [draw.randint(radius, SIDE - radius) for _ in range(2)]
        ImageDraw.Draw(mask).regular_polygon((*at, radius), CORNERS[kind], draw.randrange(360), 255)
        ground = crop(photos[3 + draw.randrange(3)], draw)
        found.append((to_tensor(Image.composite(crop(texture, draw), ground, mask))[0], kind))
    return found


def crop(photo, draw):
    left, top = (draw.randint(0, side - SIDE) for side in photo.size)
    return photo.crop((left, top, left + SIDE, top + SIDE))


def network():
    layers, width = [], 3
    for channels in (16, 32, 64, 64):
        layers += [nn.Conv2d(width, channels, 3, 2, 1), nn.BatchNorm2d(channels), nn.ReLU()]
        width = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 3))


if __name__ == "__main__":
    main()
