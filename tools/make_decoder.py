"""Train a decoder that paints any photo in the manner of any painting in one pass.

python tools/make_decoder.py pack DATA.pt --photos FOLDER --paintings FOLDER --large FOLDER
python tools/make_decoder.py train OUT.pt --data DATA.pt [--minutes 60]
python tools/make_decoder.py paint OUT.pt PHOTO PAINTING FILE [--size 512]

Each cell of the photo, 8x8 px, takes the features of the painting's cell that is most like it
(Chen & Schmidt 2016, Kolkin et al. 2022). The decoder turns these into an image. It also sees the
photo's light, so that faces and outlines hold. Its loss is that of recipe `neighbors`, which steps
an image: here the network learns to take all steps at once.

DATA.pt holds squares of photos and paintings, as WebP, in less than 60 MB. Training saves every
minute and goes on from OUT.pt. It uses a GPU if there is one.
"""

import argparse
import io
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.nn import functional as F

from faststyle_fastai.all import perceptual_backbone, read_picture, save_picture, to_tensor
from faststyle_fastai.core.atomic import atomic_write
from faststyle_fastai.core.devices import best_device
from faststyle_fastai.images.color import luminance
from faststyle_fastai.images.discovery import picture_files
from faststyle_fastai.images.files import to_picture
from faststyle_fastai.images.sizes import resize_short
from faststyle_fastai.optimization.pixel_recipes import BRUSHWORK, OPTIMIZATIONS
from faststyle_fastai.perceptual.neighbors import CELL, FLAT
from faststyle_fastai.perceptual.term import Comparison
from faststyle_fastai.perceptual.terms import make_terms

LAYERS = "relu1_2", "relu2_2", "relu3_4", "relu4_2"
CHANNELS, LIGHT = 24 + 4 * 48 + 112 + 128, 16  # of the swapped features, and of the photo's light
SIZE, PHOTO, PAINTING = 256, 288, 224  # px of crops, and of the squares in DATA.pt
QUALITY = 50  # of WebP
ZOOM = 0.7  # smallest crop, as a share of a square
RATE, WARM = 1e-3, 200  # peak of the learning rate, and steps to it
AVERAGE = 0.002  # of the latest weights in their running mean, which is what paints
PLACES, KEYS = 1024, 2048  # of a photo and a painting that are compared at each step
SQUARE, COHERENCE, HUBS, ROUNDS = 4, 0.5, 0.9, 10  # see `matched`
CONTRAST = 0.5  # as of recipe `neighbors`
HELD_OUT = 25  # the painters of every 25th name are not trained on


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(required=True)
    pick = verbs.add_parser("pack")
    pick.set_defaults(run=pack)
    pick.add_argument("out", type=Path)
    for name in ("photos", "paintings", "large"):
        pick.add_argument(f"--{name}", type=Path, required=True)
    learn = verbs.add_parser("train")
    learn.set_defaults(run=train)
    learn.add_argument("out", type=Path)
    learn.add_argument("--data", type=Path, required=True)
    learn.add_argument("--start", type=Path, help="Weights to start from.")
    learn.add_argument("--minutes", type=float, default=60)
    learn.add_argument("--bs", type=int, default=16 if torch.cuda.is_available() else 2)
    learn.add_argument("--rate", type=float, default=RATE)
    learn.add_argument("--width", type=int, default=160)
    learn.add_argument("--blocks", type=int, default=6)
    for name, value in WEIGHTS.items():
        learn.add_argument(f"--{name}", type=float, default=value)
    look = verbs.add_parser("paint")
    look.set_defaults(run=paint_file)
    for name in ("weights", "photo", "painting", "file"):
        look.add_argument(name, type=Path)
    look.add_argument("--size", type=int, default=512)
    look.add_argument("--strokes", type=float, default=1.0, help="Scale of the painting.")
    args = parser.parse_args()
    args.run(args)


LOSS = OPTIMIZATIONS["neighbors"].loss
WEIGHTS = {name: settings["weight"] for name, settings in LOSS.items()}


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

    def __init__(self, width: int = 160, blocks: int = 6):
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


def swapped(photo, painting, shape, other_shape):
    "The painting's cells where the photo's cells take them: [B, 456, H/4, W/4]."
    grid, other_grid = ([n // 8 for n in x] for x in (shape, other_shape))
    found = matched(keys(photo), keys(painting), grid, other_grid)
    return taken(cells(painting), found, grid)


def taken(cells, found, grid):
    "2x2 blocks of cells, [B, C, 2n, 2m], at the indices found, [B, N]."
    blocks = F.pixel_unshuffle(cells, 2).flatten(2)
    blocks = blocks.gather(2, found[:, None].expand(-1, blocks.shape[1], -1))
    return F.pixel_shuffle(blocks.unflatten(2, tuple(grid)), 2)


def matched(own, other, grid, other_grid):
    """The place of the painting that each place of a photo takes: [B, C, N], [B, C, M] -> [B, N].

    Squares of places are matched first, so that strokes come whole. Then each place keeps its
    square's choice, goes on from a neighbor's, or takes its own nearest place: the most alike, with
    a bonus for what its neighbors go on with (Ashikhmin 2001).
    """
    (h, w), (H, W) = grid, other_grid
    similar = (own.bfloat16().mT @ other.bfloat16()).float()
    alone, now = less_used(similar), squares(own, other, grid, other_grid)
    steps = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
    for _ in range(ROUNDS):
        y, x = (F.pad(part.view(-1, h, w), (1, 1, 1, 1), value=-9) for part in (now // W, now % W))
        cut = [(dy, dx, slice(1 + dy, 1 + dy + h), slice(1 + dx, 1 + dx + w)) for dy, dx in steps]
        y = torch.stack([y[:, down, across] - dy for dy, _, down, across in cut])
        x = torch.stack([x[:, down, across] - dx for _, dx, down, across in cut])
        going = torch.where((y >= 0) & (y < H) & (x >= 0) & (x < W), y * W + x, -1).flatten(2)
        choices = torch.cat([now[None], alone[None], going])
        alike = similar.gather(2, choices.clamp(0).permute(1, 2, 0)).permute(2, 0, 1)
        votes = (choices[:, None] == going).float().mean(1)
        score = torch.where(choices < 0, -9.0, alike + COHERENCE * votes)
        best = choices.gather(0, score.argmax(0, keepdim=True))[0]
        now = torch.where(torch.rand(now.shape, device=now.device) < 0.6, best, now)
    return now


def squares(own, other, grid, other_grid):
    "Whole squares of places, matched: [B, N]."
    (h, w), (H, W), n = grid, other_grid, SQUARE
    own = F.pad(own.unflatten(2, (h, w)), (0, -w % n, 0, -h % n), mode="replicate")
    rows, across = own.shape[2] // n, own.shape[3] // n
    own = F.normalize(F.unfold(own, n, stride=n), dim=1).bfloat16()
    other = F.normalize(F.unfold(other.unflatten(2, (H, W)), n), dim=1).bfloat16()
    found = less_used((own.mT @ other).float())
    y, x = ((part.view(-1, rows, 1, across, 1)) for part in (found // (W - n + 1), found % (W - n + 1)))
    inside = torch.arange(n, device=found.device)
    whole = (y + inside.view(n, 1, 1)) * W + x + inside
    return whole.flatten(3).flatten(1, 2)[:, :h, :w].flatten(1)


def less_used(similar):
    "The most similar place for each, but less the places that are near to many (Lample et al. 2018)."
    many = similar.topk(max(1, similar.shape[1] // 16), 1).values.mean(1, keepdim=True)
    return (similar - HUBS * many).argmax(2)


def light(x):
    "Luminance with mean 0 and deviation 1: [B, 16, H/4, W/4]."
    y = luminance(x)
    y = (y - y.mean((2, 3), keepdim=True)) / (y.std((2, 3), keepdim=True) + 0.05)
    return F.pixel_unshuffle(y, 4)


def train(args):
    device = best_device()
    settings = {name: row | {"weight": getattr(args, name)} for name, row in LOSS.items()}
    brush = {name: settings.pop(name)["weight"] for name in ("hypercolumns", "neighbors")}
    terms = {name: term.to(device) for name, term in make_terms(settings).items()}
    names = list(dict.fromkeys([*LAYERS, *BRUSHWORK, *terms["content"].layers]))
    backbone = perceptual_backbone("lite", layers=names, pooling="l2").to(device)
    backbone = backbone.to(memory_format=torch.channels_last)
    pools = {k: unpacked(files).to(device) for k, files in torch.load(args.data).items()}
    shape = {"width": args.width, "blocks": args.blocks}
    net = Decoder(**shape).to(device, memory_format=torch.channels_last)
    mean = Decoder(**shape).to(device)
    opt = torch.optim.Adam(
        net.parameters(),
        torch.tensor(args.rate, device=device),
        betas=(0.9, 0.99),
        fused=True,
        capturable=device.type == "cuda",
    )
    done, spent = 0, 0.0
    if args.out.exists():
        state = torch.load(args.out, map_location=device)
        for part, name in ((net, "net"), (mean, "mean"), (opt, "opt")):
            part.load_state_dict(state[name])
        done, spent = state["done"], state["spent"]
    elif args.start:
        net.load_state_dict(torch.load(args.start, map_location=device)["mean"])
        mean.load_state_dict(net.state_dict())
    else:
        with torch.no_grad():
            seen = torch.cat([cells(backbone(crops(pools["paintings"], 2), names)) for _ in "12345678"])
            net.scale.copy_(1 / (seen.std((0, 2, 3), keepdim=True) + 0.1 * seen.std()))
    torch.manual_seed(done)
    random.seed(done)
    average = torch.tensor(1.0, device=device)
    draw = lambda: [crops(pools[name], args.bs) for name in ("photos", "paintings")]
    pair = draw()

    def step():
        opt.zero_grad()
        parts = errors(net, backbone, terms, brush, names, *pair)
        sum(parts.values()).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        with torch.no_grad():
            for old, new in zip(mean.parameters(), net.parameters()):
                old.lerp_(new, average)
        return parts

    if device.type == "cuda":
        step, parts = recorded(step)
    begun, saved = time.monotonic() - spent, time.monotonic()
    while spent < args.minutes * 60:
        fall = (1 + math.cos(math.pi * min(1, spent / args.minutes / 60))) / 2
        for group in opt.param_groups:
            group["lr"].fill_(args.rate * min(1, (done + 1) / WARM) * max(0.02, fall))
        done += 1
        average.fill_(max(AVERAGE, 1 / done))
        for old, new in zip(pair, draw()):
            old.copy_(new)
        parts = step() or parts
        spent = time.monotonic() - begun
        if time.monotonic() - saved > 30 or spent >= args.minutes * 60:
            saved = time.monotonic()
            print(done, round(spent), {k: round(x.item(), 3) for k, x in parts.items()}, flush=True)
            state = {"net": net, "mean": mean, "opt": opt}
            state = {name: each.state_dict() for name, each in state.items()}
            with atomic_write(args.out) as file:
                torch.save(state | {"shape": shape, "done": done, "spent": spent}, file)
            with atomic_write(args.out.with_suffix(".half.pt")) as file:
                half = {k: x.half() for k, x in state["mean"].items()}
                torch.save({"shape": shape, "mean": half}, file)


def recorded(step):
    "A step as a CUDA graph: it has thousands of small operations, which wait for Python otherwise."
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(4):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        parts = step()
    return graph.replay, parts


def errors(net, backbone, terms, brush, names, photo, painting):
    "The terms of painted photos, all [B, 3, H, W]."
    shape, kind = photo.shape[-2:], photo.device.type
    with torch.no_grad(), torch.autocast(kind, dtype=torch.bfloat16):
        seen, wanted = backbone(photo, names), backbone(painting, names)
        grid = [n // 8 for n in shape]
        found = matched(keys(seen), keys(wanted), grid, grid)
        given = taken(cells(wanted), found, grid)
    with torch.autocast(kind, dtype=torch.bfloat16):
        made = net(given.to(memory_format=torch.channels_last), light(photo)).float()
        own = backbone(made.contiguous(memory_format=torch.channels_last), names)
    compared = Comparison(made, photo, lambda _: own, lambda: seen, [None], None, {})
    parts = {name: term(compared).mean() for name, term in terms.items()}
    layers = [own[k] for k in BRUSHWORK], [wanted[k] for k in BRUSHWORK]
    near = [to_neighbors(places(a), places(b)) for a, b in zip(*layers)]
    parts["neighbors"] = brush["neighbors"] * sum(near)
    got, target = (columns({k: x[k] for k in BRUSHWORK}, shape) for x in (own, wanted))
    target = taken(target, found, grid)
    parts["hypercolumns"] = brush["hypercolumns"] * off(places(got), places(target))
    return parts | {"outside": (F.relu(-made) + F.relu(made - 1)).mean()}


def columns(features, shape):
    "Cells of all layers: [B, C, H/4, W/4]."
    grid = shape[0] // CELL, shape[1] // CELL
    return torch.cat([resized(x, grid).float() / x.shape[1] for x in features.values()], 1)


def resized(x, grid):
    if x.shape[2] > grid[0]:
        return F.adaptive_avg_pool2d(x, grid)
    return F.interpolate(x, grid, mode="bilinear", align_corners=False)


def places(x):
    return x.flatten(2).mT


def to_neighbors(own, other):
    "Mean distance of places [B, N, C] from their nearest neighbors of [B, M, C]."
    own, other = sampled(own, PLACES).float(), sampled(other, KEYS).float()
    with torch.no_grad():
        query, key = (x - x.mean(1, keepdim=True) for x in (own, other))
        found = (unit(query).bfloat16() @ unit(key).bfloat16().mT).argmax(2)
        target = key.gather(1, found[..., None].expand(-1, -1, key.shape[2]))
    return off(own - own.detach().mean(1, keepdim=True), target)


def off(x, target):
    "Cosine distance of features [B, N, C], and the error of their lengths."
    length, wanted = x.norm(dim=2).clamp(min=1e-6), target.norm(dim=2).clamp(min=1e-6)
    length = torch.maximum(length, FLAT * length.mean(1, keepdim=True).detach())
    size = wanted.mean(1, keepdim=True)
    wanted_unit = target / torch.maximum(wanted, FLAT * size)[..., None]
    cosines = (x * wanted_unit).sum(2) / length
    return (1 - cosines + CONTRAST * ((length - wanted) / size).square()).mean()


def sampled(x, most):
    return x[:, torch.randint(x.shape[1], (most,), device=x.device)] if x.shape[1] > most else x


def unit(x):
    length = x.norm(dim=2, keepdim=True)
    return x / torch.maximum(length, FLAT * length.mean(1, keepdim=True)).clamp(min=1e-6)


def crops(pool: Tensor, n: int):
    "The same random square of random images, some mirrored: [n, 3, H, W] in [0, 1]."
    x = pool[torch.randint(len(pool), (n,), device=pool.device)]
    side = random.randint(round(ZOOM * x.shape[-1]), x.shape[-1])
    top, left = (random.randint(0, x.shape[-1] - side) for _ in "yx")
    x = x[..., top : top + side, left : left + side].float() / 255
    x = F.interpolate(x, (SIZE, SIZE), mode="bicubic", antialias=True).clamp(0, 1)
    mirrored = torch.rand(n, 1, 1, 1, device=x.device) < 0.5
    return torch.where(mirrored, x.flip(3), x).contiguous(memory_format=torch.channels_last)


def pack(args):
    "Squares of photos and paintings, as WebP; large paintings give many, at several scales."
    painters = sorted({file.stem.split("_")[0] for file in picture_files(args.paintings)})
    away = set(painters[::HELD_OUT])
    paintings = [f for f in picture_files(args.paintings) if f.stem.split("_")[0] not in away]
    packed = {
        "photos": [square(read_picture(file), PHOTO) for file in picture_files(args.photos)],
        "paintings": [square(read_picture(file), PAINTING) for file in paintings],
    }
    random.seed(0)
    for file in picture_files(args.large):
        picture = read_picture(file)
        for _ in range(24):
            side = random.randint(PAINTING, min(picture.size))
            left, top = (random.randint(0, room - side) for room in picture.size)
            packed["paintings"].append(
                square(picture.crop((left, top, left + side, top + side)), PAINTING)
            )
    with atomic_write(args.out) as file:
        torch.save(packed, file)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB, {len(away)} painters held out")


def square(picture, side):
    file = io.BytesIO()
    ImageOps.fit(picture, (side, side), Image.Resampling.LANCZOS).save(file, "WEBP", quality=QUALITY)
    return file.getvalue()


def unpacked(files) -> Tensor:
    "[N, 3, S, S] bytes"
    return torch.stack([torch.from_numpy(np.array(Image.open(io.BytesIO(f)))) for f in files]).permute(0, 3, 1, 2)


def load(path):
    state = torch.load(path, map_location="cpu")
    net = Decoder(**state["shape"])
    net.load_state_dict(state["mean"])
    return net.eval()


def paint_file(args):
    backbone = perceptual_backbone("lite", layers=list(LAYERS), pooling="l2")
    net = load(args.weights)
    sizes = args.size, round(args.size * args.strokes)
    photo, painting = (
        divisible(resize_short(to_tensor(read_picture(file)), size))
        for file, size in zip((args.photo, args.painting), sizes)
    )
    with torch.no_grad():
        seen, wanted = backbone(photo, list(LAYERS)), backbone(painting, list(LAYERS))
        given = swapped(seen, wanted, photo.shape[-2:], painting.shape[-2:])
        made = net(given, light(photo))
    save_picture(to_picture(made.clamp(0, 1)), args.file)


def divisible(x):
    return x[..., : x.shape[2] // 16 * 16, : x.shape[3] // 16 * 16]


if __name__ == "__main__":
    main()
