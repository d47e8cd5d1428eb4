"""Train a decoder that paints any photo in the manner of any painting in one pass.

python tools/make_decoder.py pack DATA.pt --photos FOLDER --paintings FOLDER --large FOLDER
python tools/make_decoder.py train OUT.pt --data DATA.pt [--minutes 60]
python tools/make_decoder.py ship OUT.half.pt [--arch slim]

The decoder gets the features of a painting's places, in the order of a photo, and must make an
image of them: its features at those places, cells of all layers at once, are the target. Its other
features become like their nearest neighbors anywhere in the painting, as in recipe `neighbors`.

DATA.pt holds squares of photos and paintings, as WebP, in less than 60 MB. Training saves every
half minute and goes on from OUT.pt. It uses a GPU if there is one.
"""

import argparse
import math
import random
import time
from pathlib import Path

import torch
from decoder_data import crops, pack, squares_of
from small_weights import compact, write_asset
from torch import nn
from torch.nn import functional as F

from faststyle_fastai.all import perceptual_backbone
from faststyle_fastai.core.atomic import atomic_write
from faststyle_fastai.core.devices import best_device
from faststyle_fastai.models.decoder import (
    SEEN,
    SHAPES,
    Decoder,
    cells,
    features_of_places,
    keys,
    light,
)
from faststyle_fastai.optimization.pixel_recipes import BRUSHWORK, OPTIMIZATIONS
from faststyle_fastai.perceptual.coherence import coherent
from faststyle_fastai.perceptual.neighbors import CELL, FLAT, layered
from faststyle_fastai.perceptual.term import Comparison
from faststyle_fastai.perceptual.terms import make_terms

RATE, WARM = 1e-3, 200  # peak of the learning rate, and steps to it
AVERAGE = 0.002  # of the latest weights in their running mean, which is what paints
PLACES, KEYS = 1024, 2048  # of a photo and a painting that are compared at each step
CONTRAST = 0.5
LEAST = 0.4  # likeness to the photo's light; the rest is the painting's
WEAVE = 10.0  # weight of the term
LOSS = OPTIMIZATIONS["neighbors"].loss
WEIGHTS = {name: settings["weight"] for name, settings in LOSS.items()}


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
    learn.add_argument("--arch", choices=SHAPES, default="full")
    for name, value in WEIGHTS.items():
        learn.add_argument(f"--{name}", type=float, default=value)
    give = verbs.add_parser("ship")
    give.set_defaults(run=lambda args: ship(args.weights, args.arch))
    give.add_argument("weights", type=Path)
    give.add_argument("--arch", choices=SHAPES, default="full")
    args = parser.parse_args()
    args.run(args)


def train(args):
    device = best_device()
    settings = {name: row | {"weight": getattr(args, name)} for name, row in LOSS.items()}
    brush = {name: settings.pop(name)["weight"] for name in ("hypercolumns", "neighbors")}
    terms = {name: term.to(device) for name, term in make_terms(settings).items()}
    names = list(dict.fromkeys([*SEEN, *BRUSHWORK, *terms["content"].layers]))
    backbone = perceptual_backbone("lite", layers=names, pooling="l2").to(device)
    backbone = backbone.to(memory_format=torch.channels_last)
    pools = {k: squares_of(files).to(device) for k, files in torch.load(args.data).items()}
    net, mean, opt, done, spent = networks(args, backbone, names, pools)
    torch.manual_seed(done)
    random.seed(done)
    average = torch.tensor(1.0, device=device)

    def draw():
        return [crops(pools[name], args.bs) for name in ("photos", "paintings")]

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
            save(args.out, net, mean, opt, done, spent)


def networks(args, backbone, names, pools):
    "The network, its running mean, their optimizer, and the steps and seconds so far."
    device = pools["photos"].device
    net = Decoder(args.arch).to(device, memory_format=torch.channels_last)
    mean = Decoder(args.arch).to(device)
    opt = torch.optim.Adam(
        net.parameters(),
        torch.tensor(args.rate, device=device),
        betas=(0.9, 0.99),
        fused=True,
        capturable=device.type == "cuda",
    )
    if args.out.exists():
        state = torch.load(args.out, map_location=device)
        for part, name in ((net, "net"), (mean, "mean"), (opt, "opt")):
            part.load_state_dict(state[name])
        return net, mean, opt, state["done"], state["spent"]
    if args.start:
        net.load_state_dict(torch.load(args.start, map_location=device)["mean"])
        mean.load_state_dict(net.state_dict())
    else:
        with torch.no_grad():
            some = [crops(pools["paintings"], 2) for _ in range(8)]
            seen = torch.cat([cells(backbone(x, names)) for x in some])
            net.scale.copy_(1 / (seen.std((0, 2, 3)) + 0.1 * seen.std()))
    return net, mean, opt, 0, 0.0


def save(out, net, mean, opt, done, spent):
    "Write all that a resume needs, and the mean alone in half precision."
    state = {"net": net, "mean": mean, "opt": opt}
    state = {name: each.state_dict() for name, each in state.items()}
    with atomic_write(out) as file:
        torch.save(state | {"done": done, "spent": spent}, file)
    with atomic_write(out.with_suffix(".half.pt")) as file:
        torch.save({"mean": {k: x.half() for k, x in state["mean"].items()}}, file)


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
    kind = photo.device.type
    with torch.no_grad(), torch.autocast(kind, dtype=torch.bfloat16):
        seen, wanted = backbone(photo, names), backbone(painting, names)
        own, other = (keys(features_of_places(x)).bfloat16() for x in (seen, wanted))
        found = coherent(own, other)
        given = taken(torch.cat([cells(wanted), light(painting)], 1), found)
        given = given.to(memory_format=torch.channels_last)
        likeness = LEAST + (1 - LEAST) * torch.rand((), device=photo.device)
    with torch.autocast(kind, dtype=torch.bfloat16):
        made = net(given, light(photo), likeness).float()
        own = backbone(made.contiguous(memory_format=torch.channels_last), names)
    compared = Comparison(made, photo, lambda _: own, lambda: seen, [None], None, {})
    parts = {name: term(compared).mean() for name, term in terms.items()}
    layers = [own[k] for k in BRUSHWORK], [wanted[k] for k in BRUSHWORK]
    near = [to_neighbors(places(a), places(b)) for a, b in zip(*layers)]
    parts["neighbors"] = brush["neighbors"] * sum(near)
    grid = photo.shape[2] // CELL, photo.shape[3] // CELL
    got, target = (layered({k: x[k] for k in BRUSHWORK}, grid) for x in (own, wanted))
    target = taken(target, found)
    parts["hypercolumns"] = brush["hypercolumns"] * off(places(got), places(target))
    parts["weave"] = WEAVE * weave(made)
    return parts | {"outside": (F.relu(-made) + F.relu(made - 1)).mean()}


def taken(cells, found):
    "2x2 blocks of cells, [B, C, 2H, 2W], at the indices found, [B, h, w]: [B, C, 2h, 2w]."
    blocks = F.pixel_unshuffle(cells, 2).flatten(2)
    blocks = blocks.gather(2, found.flatten(1)[:, None].expand(-1, blocks.shape[1], -1))
    return F.pixel_shuffle(blocks.unflatten(2, found.shape[1:]), 2)


def weave(x):
    "What repeats every 4 px: pixel shuffling gives each pixel of a cell its own weights."
    fine = x - F.avg_pool2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), 5, 1)
    return F.avg_pool2d(F.pixel_unshuffle(fine, 4), 8, 4).abs().mean()


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


def ship(weights, arch):
    "Write assets/decoder*.safetensors, with convolutions in 8 bits."
    state = torch.load(weights, map_location="cpu")["mean"]
    state = {k: v.float() for k, v in state.items()}
    write_asset(compact(state), {"arch": arch}, "decoder", arch)


if __name__ == "__main__":
    main()
