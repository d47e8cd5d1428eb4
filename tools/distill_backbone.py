"""How assets/lite.safetensors is made: VGG19 up to relu3_4 with fewer channels.

    python tools/distill_backbone.py VGG19.safetensors --photos DIR --paintings FILE… -o OUT

Each layer of the student *is* some of the teacher's channels, those that the others can best be
predicted from (pivoted Cholesky of the features' second moments, the choice of Luo et al.'s
and He et al.'s channel pruning 2017), so its Gram matrices are blocks of the teacher's. Weights
start from the teacher's, with the dropped inputs folded in by least squares, and are then
trained to give the teacher's features again, its Gram matrices, or both. What ships has the
features' error and the widths of its row of `BACKBONES`, which takes no others.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from fastai.torch_core import set_seed
from safetensors.torch import save_file
from scipy.stats import spearmanr
from torch import nn

from faststyle_fastai.backbones import BACKBONES, Backbone, perceptual_backbone
from faststyle_fastai.data import StyleDataLoaders
from faststyle_fastai.files import whole_file
from faststyle_fastai.images import read_picture, to_tensor
from faststyle_fastai.losses import gram_matrix, resize_short
from faststyle_fastai.stylefile import shipped_path
from faststyle_fastai.stylizer import Stylizer

SIZE, BS = 128, 8
PAINTED = 2  # of a batch, by the gallery at any strength
WIDTHS = tuple(block[0] for block in BACKBONES["lite"])
OBJECTIVES = {"features": (1.0, 0.0), "grams": (0.0, 1.0), "both": (1.0, 1.0)}  # -> shares


def main(
    teacher: Path,
    photos: Annotated[Path, typer.Option()],
    paintings: Annotated[list[Path], typer.Option()],
    out: Annotated[Path, typer.Option("-o")],
    steps: int = 1500,
    lr: float = 1e-3,
    widths: Annotated[tuple[int, int, int], typer.Option(help="Channels of each block.")] = WIDTHS,
    objective: Annotated[str, typer.Option(help="features, grams or both.")] = "features",
    seed: int = 0,
):
    "Distil `lite` and print how close it comes on held-out photos."
    if objective not in OBJECTIVES:
        raise typer.BadParameter(f"--objective {objective}: {', '.join(OBJECTIVES)}.")
    set_seed(seed)
    dls = StyleDataLoaders.from_folder(photos, size=SIZE, bs=BS, seed=seed, device="cpu")
    canvases = [to_tensor(read_picture(p)) for p in paintings]
    vgg = perceptual_backbone("vgg19", teacher, ["relu3_4"])
    vgg = Backbone(vgg.net)  # hooks on every ReLU
    artist = Stylizer(shipped_path("gallery", "light"), "cpu")
    batches = pictures(dls.train, canvases, artist)
    keep, fill = choose_channels(vgg, widths, [next(batches) for _ in range(24)])
    student = Backbone(prune(vgg, keep, fill))
    report(student, vgg, keep, dls.valid, "pruned")
    train(student, vgg, keep, batches, steps, lr, OBJECTIVES[objective])
    report(student, vgg, keep, dls.valid, "trained")
    state = {}
    for index, module in enumerate(student.net):
        if isinstance(module, nn.Conv2d):
            for part in ("weight", "bias"):
                state[f"features.{index}.{part}"] = getattr(module, part).half().contiguous()
    with whole_file(out) as temporary:
        save_file(
            state,
            temporary,
            {"teacher": teacher.name, "keep": str([len(k) for k in keep.values()])},
        )
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


def pictures(dl, canvases, artist):
    "Batches of photos, paintings and what lies between: half painted, blended, noisy, discoloured."
    while True:
        for photo, _ in dl:
            x = photo.as_subclass(torch.Tensor).clone()
            style = int(torch.randint(len(artist.styles), ()))
            x[:PAINTED] = artist.paint(x[:PAINTED], style, strength=torch.rand(()).item())
            for i in range(len(x)):
                kind = torch.rand(())
                if i >= PAINTED and kind < 0.5:
                    painting = crop(canvases)
                    x[i] = painting if kind < 0.25 else torch.lerp(x[i], painting, torch.rand(()))
                if torch.rand(()) < 0.3:
                    x[i] += 0.1 * torch.rand(()) * torch.randn_like(x[i])
                if torch.rand(()) < 0.3:  # contrast and channel balance
                    x[i] = (x[i] - 0.5) * (0.5 + torch.rand(3, 1, 1)) + 0.3 + 0.4 * torch.rand(())
            yield x.clamp(-0.1, 1.1)


def crop(canvases):
    canvas = canvases[torch.randint(len(canvases), ())]
    canvas = resize_short(canvas, int(SIZE * (1 + torch.rand(()) * 2)))[0]
    top, left = (int(torch.randint(s - SIZE + 1, ())) for s in canvas.shape[1:])
    return canvas[:, top : top + SIZE, left : left + SIZE]


@torch.no_grad()
def choose_channels(vgg, widths, batches):
    "For each layer the kept channels and the map from them to all of the layer's channels."
    counts = [n for n, block in zip(widths, BACKBONES["vgg19"]) for _ in block]
    keep, fill = {}, {}
    for layer, n in zip(vgg.layers, counts):
        moment = sum(gram_matrix(vgg(x, [layer])[layer]).mean(0).double() for x in batches)
        keep[layer] = pivots(moment, n)
        block = moment[keep[layer]][:, keep[layer]]
        ridge = 1e-4 * block.diagonal().mean() * torch.eye(n, dtype=block.dtype)
        fill[layer] = torch.linalg.solve(block + ridge, moment[keep[layer]]).T.float()  # [C, kept]
    return keep, fill


def pivots(moment, n):
    "The channels a pivoted Cholesky takes first: each the least predictable from those before."
    rest, chosen = moment.clone(), []
    for _ in range(n):
        i = int(rest.diagonal().argmax())
        chosen.append(i)
        rest = rest - rest[:, i : i + 1] @ rest[i : i + 1] / rest[i, i]
        rest[chosen, :] = rest[:, chosen] = 0
    return torch.tensor(sorted(chosen))


def prune(vgg, keep, fill):
    "The teacher's layers with the kept channels only, dropped inputs folded into kept ones."
    net, n_in, before = nn.Sequential(), 3, None
    for name, module in vgg.net.named_children():
        if isinstance(module, nn.Conv2d):
            layer = name.replace("conv", "relu")
            conv = nn.Conv2d(n_in, len(keep[layer]), 3, padding=1)
            weight = module.weight[keep[layer]]
            if before:
                weight = torch.einsum("oihw,ik->okhw", weight, fill[before])
            conv.weight.data.copy_(weight)
            conv.bias.data.copy_(module.bias[keep[layer]])
            module, n_in, before = conv, conv.out_channels, layer
        net.add_module(name, module)
    return net


def errors(student, vgg, keep, x, shares=(1.0, 1.0)):
    "Per layer the squared errors of features and Gram matrices, relative to the teacher's."
    with torch.no_grad():
        want = {k: v[:, keep[k]].float() for k, v in vgg(x).items()}
    got, features, grams = student(x), {}, {}
    for k, w in want.items():
        if shares[0]:
            features[k] = (got[k].float() - w).square().mean() / w.var(dim=(0, 2, 3)).mean()
        if shares[1]:
            target = gram_matrix(w)
            grams[k] = (gram_matrix(got[k]) - target).square().mean() / target.square().mean()
    return features, grams


def train(student, vgg, keep, batches, steps, lr, shares):
    convs = [m for m in student.net if isinstance(m, nn.Conv2d)]
    for p in (params := [p for m in convs for p in m.parameters()]):
        p.requires_grad_()
    opt = torch.optim.Adam(params, lr)
    for step in range(steps):
        done = step / steps
        for group in opt.param_groups:
            group["lr"] = lr * min(1, 20 * done + 0.05) * (1 - done)
        with torch.autocast("cpu", torch.bfloat16):
            found = errors(student, vgg, keep, next(batches), shares)
        loss = sum(share * sum(part.values()) for share, part in zip(shares, found))
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 100 == 0:
            print(step, *map(rounded, found), flush=True)
    student.requires_grad_(False)


@torch.no_grad()
def report(student, vgg, keep, dl, title):
    "Errors, and how alike both networks rank the distances of held-out photos from each other."
    x = torch.cat([b[0].as_subclass(torch.Tensor) for b in dl][:4])
    features, grams = errors(student, vgg, keep, x)
    print(title, "features", rounded(features))
    print(title, "Gram matrices", rounded(grams))
    for layer in ("relu1_1", "relu2_2", "relu3_1", "relu3_4"):
        pairs = []
        for net in (student, vgg):
            f = net(x, [layer])[layer].float()
            g = gram_matrix(f).flatten(1)
            f = f.flatten(1)
            pairs.append([torch.cdist(m, m) / m.norm(dim=1) for m in (f, g)])
        rank = [spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(*pairs)]
        print(f"  {layer}: rank correlation of distances content {rank[0]:.3f} style {rank[1]:.3f}")


def rounded(found):
    return {k: round(v.item(), 4) for k, v in found.items()}


if __name__ == "__main__":
    typer.run(main)
