"""Train a decoder that paints any photo in the manner of any painting in one pass.

python tools/make_decoder.py train OUT.pt --photos FOLDER --paintings FOLDER [--steps 9000]
python tools/make_decoder.py paint OUT.pt PHOTO PAINTING FILE [--size 512]

Each cell of the photo, 8x8 px, takes the features of the painting's cell that is most like it
(Chen & Schmidt 2016, Kolkin et al. 2022). The decoder turns these into an image. It also sees the
photo's light, so that faces and outlines hold. Its loss is that of recipe `neighbors`, which steps
an image: here the network learns to take all steps at once.

Training saves every 100 steps and goes on from OUT.pt. It takes .4 s a step on two cores.
"""

import argparse
import math
import random
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from faststyle_fastai.all import perceptual_backbone, read_picture, save_picture, to_tensor
from faststyle_fastai.core.atomic import atomic_write
from faststyle_fastai.images.color import luminance
from faststyle_fastai.images.discovery import picture_files
from faststyle_fastai.images.files import to_picture
from faststyle_fastai.images.sizes import resize_short
from faststyle_fastai.optimization.pixel_recipes import OPTIMIZATIONS
from faststyle_fastai.perceptual.plans import merged
from faststyle_fastai.perceptual.term import Comparison
from faststyle_fastai.perceptual.terms import make_terms

LAYERS = "relu1_2", "relu2_2", "relu3_4", "relu4_2"
CHANNELS, LIGHT = 24 + 4 * 48 + 112 + 128, 16  # of the swapped features, and of the photo's light
SIZE, STORED, BATCH = 256, 320, 2  # px of crops, and of the short side in memory
RATE, WARM = 1e-3, 200  # peak of the learning rate, and steps to it
AVERAGE = 0.002  # of the latest weights in their running mean, which is what paints
PLACES = {"places": 1024, "keys": 2048}  # fewer than for one image: each step has other ones
LOSS = merged(OPTIMIZATIONS["neighbors"].loss, {"neighbors": PLACES, "hypercolumns": PLACES})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(required=True)
    learn = verbs.add_parser("train")
    learn.set_defaults(run=lambda args: train(args.out, args.photos, args.paintings, args.steps))
    learn.add_argument("out", type=Path)
    learn.add_argument("--photos", type=Path, required=True)
    learn.add_argument("--paintings", type=Path, required=True)
    learn.add_argument("--steps", type=int, default=9000)
    look = verbs.add_parser("paint")
    look.set_defaults(run=paint_file)
    for name in ("weights", "photo", "painting", "file"):
        look.add_argument(name, type=Path)
    look.add_argument("--size", type=int, default=512)
    args = parser.parse_args()
    args.run(args)


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first, self.second = conv(channels, channels), conv(channels, channels)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x):
        return x + self.second(F.relu(self.first(F.relu(x))))


class Decoder(nn.Module):
    "Swapped features, [B, 456, H/4, W/4], and light, [B, 16, H/4, W/4], to images [B, 3, H, W]."

    def __init__(self, width: int = 128, blocks: int = 5):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, CHANNELS, 1, 1))
        self.enter = conv(CHANNELS + LIGHT, width)
        self.blocks = nn.Sequential(*[Residual(width) for _ in range(blocks)])
        self.to_half, self.at_half = conv(width, 64 * 4), Residual(64)
        self.to_full, self.at_full = conv(64, 24 * 4), Residual(24)
        self.leave = conv(24, 3, 5)

    def forward(self, swapped, light):
        x = self.blocks(self.enter(torch.cat([swapped * self.scale, light], 1)))
        x = self.at_half(F.pixel_shuffle(self.to_half(F.relu(x)), 2))
        x = self.at_full(F.pixel_shuffle(self.to_full(F.relu(x)), 2))
        return self.leave(F.relu(x)) + 0.5


def conv(channels, out, kernel=3):
    return nn.Conv2d(channels, out, kernel, padding=kernel // 2, padding_mode="reflect")


def cells(features):
    "All that a decoder gets of an image: [B, 456, H/4, W/4]."
    fine, half, quarter, deep = (features[name].float() for name in LAYERS)
    parts = [F.avg_pool2d(fine, 4), F.pixel_unshuffle(half, 2), quarter]
    return torch.cat([*parts, F.interpolate(deep, scale_factor=2, mode="nearest")], 1)


def keys(features):
    "What is matched, centered and of length 1: [B, 288, places]."
    _, half, quarter, deep = (features[name].float() for name in LAYERS)
    parts = []
    for x, weight in ((F.avg_pool2d(half, 4), 0.5), (F.avg_pool2d(quarter, 2), 1), (deep, 1)):
        x = x.flatten(2) - x.flatten(2).mean(2, keepdim=True)
        parts.append(
            weight * x / (x.square().sum(1, keepdim=True).mean(2, keepdim=True) + 1e-12).sqrt()
        )
    return F.normalize(torch.cat(parts, 1), dim=1)


def swapped(photo, painting, shape):
    "Each 2x2 block of the photo's cells becomes that of the nearest place of the painting."
    (own,), (other,) = keys(photo).bfloat16(), keys(painting).bfloat16()
    found = torch.cat([(each.T @ other).argmax(1) for each in own.split(4096, 1)])
    blocks = F.pixel_unshuffle(cells(painting), 2)[0].flatten(1)
    return F.pixel_shuffle(blocks[:, found].view(1, -1, shape[0] // 8, shape[1] // 8), 2)


def light(x):
    "Luminance with mean 0 and deviation 1: [B, 16, H/4, W/4]."
    y = luminance(x)
    y = (y - y.mean((2, 3), keepdim=True)) / (y.std((2, 3), keepdim=True) + 0.05)
    return F.pixel_unshuffle(y, 4)


def train(out, photos, paintings, steps):
    terms = make_terms(LOSS)
    names = list(dict.fromkeys([*LAYERS, *(k for term in terms.values() for k in term.layers)]))
    backbone = perceptual_backbone("lite", layers=names, pooling="l2")
    pools = [stored(folder) for folder in (photos, paintings)]
    net, mean = Decoder().to(memory_format=torch.channels_last), Decoder()
    opt = torch.optim.Adam(net.parameters(), RATE, betas=(0.9, 0.99))
    done = 0
    if out.exists():
        state = torch.load(out)
        net.load_state_dict(state["net"])
        mean.load_state_dict(state["mean"])
        opt.load_state_dict(state["opt"])
        done = state["done"]
    else:
        with torch.no_grad():
            seen = torch.cat([cells(backbone(crop(pools[1]), names)) for _ in range(16)])
            deviation = seen.std((0, 2, 3), keepdim=True)
            net.scale.copy_(1 / (deviation + 0.1 * seen.std()))
    rnd = torch.Generator().manual_seed(done)
    random.seed(done)
    for step in range(done, steps):
        for group in opt.param_groups:
            warm, fall = min(1, (step + 1) / WARM), (1 + math.cos(math.pi * step / steps)) / 2
            group["lr"] = RATE * warm * max(0.02, fall)
        opt.zero_grad()
        for _ in range(BATCH):
            parts = errors(net, backbone, terms, names, [crop(pool) for pool in pools], rnd)
            (sum(parts.values()) / BATCH).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        with torch.no_grad():
            for old, new in zip(mean.parameters(), net.parameters()):
                old.lerp_(new, max(AVERAGE, 1 / (step + 1)))
        if (step + 1) % 100 == 0 or step + 1 == steps:
            print(
                step + 1, {name: round(part.item(), 3) for name, part in parts.items()}, flush=True
            )
            state = {"net": net, "mean": mean, "opt": opt}
            state = {name: each.state_dict() for name, each in state.items()} | {"done": step + 1}
            with atomic_write(out) as file:
                torch.save(state, file)


def errors(net, backbone, terms, names, pair, rnd):
    "The terms of a painted photo."
    photo, painting = pair
    shape = photo.shape[-2:]
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        seen, wanted = backbone(photo, names), backbone(painting, names)
        given = swapped(seen, wanted, shape)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = net(given.to(memory_format=torch.channels_last), light(photo)).float()
        own = backbone(made, names)
    still, found = {k: x.detach() for k, x in own.items()}, {}
    for name, term in terms.items():
        if hasattr(term, "find"):
            places = term.keys([(1.0, [(wanted, shape)])], rnd)
            found[name] = term.find(still, seen, shape, [(None, places)], rnd)
    compared = Comparison(made, photo, lambda _: own, lambda: seen, [None], None, found)
    outside = (F.relu(-made) + F.relu(made - 1)).mean()
    return {name: term(compared).sum() for name, term in terms.items()} | {"outside": outside}


def stored(folder: Path) -> list[Tensor]:
    "Images as bytes, small."
    pictures = (read_picture(file, shortest=STORED) for file in picture_files(folder))
    return [(resize_short(to_tensor(x), STORED) * 255).round().to(torch.uint8) for x in pictures]


def crop(pool):
    "A random square of a random image, sometimes mirrored: [1, 3, 256, 256]."
    x, side = random.choice(pool), random.randint(SIZE, STORED)
    top, left = (random.randint(0, n - side) for n in x.shape[-2:])
    x = resize_short(x[..., top : top + side, left : left + side].float() / 255, SIZE)
    return x.flip(3) if random.random() < 0.5 else x


def paint_file(args):
    backbone = perceptual_backbone("lite", layers=list(LAYERS), pooling="l2")
    net = Decoder()
    net.load_state_dict(torch.load(args.weights)["mean"])
    photo, painting = (
        divisible(resize_short(to_tensor(read_picture(file)), args.size))
        for file in (args.photo, args.painting)
    )
    with torch.no_grad():
        seen, wanted = backbone(photo, list(LAYERS)), backbone(painting, list(LAYERS))
        made = net(swapped(seen, wanted, photo.shape[-2:]), light(photo))
    save_picture(to_picture(made.clamp(0, 1)), args.file)


def divisible(x):
    return x[..., : x.shape[2] // 16 * 16, : x.shape[3] // 16 * 16]


if __name__ == "__main__":
    main()
