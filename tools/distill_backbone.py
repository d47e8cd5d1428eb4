"""Make assets/lite.safetensors: VGG19 up to relu5_1 with fewer channels, from two teachers.

    python tools/distill_backbone.py VGG19.safetensors DEEP.safetensors \\
        --photos DIR --paintings DIR --paintings DIR -o OUT

Blocks 1 to 3 *are* some of VGG19's channels, so their Gram matrices are blocks of the teacher's.
The chosen channels are those that predict the others best, by a pivoted Cholesky decomposition of
the features' second moments (as in the channel pruning of Luo et al. 2017 and He et al. 2017).
Weights start from the teacher's, with the dropped inputs folded in by least squares. Blocks 4 and 5
are those of a VGG19 of a sixteenth of the size (Wang et al. 2020). Their inputs are predicted from
ours, also by least squares. Then all blocks are trained to reproduce their teachers' features. Each
layer's mean activation is 1.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from fastai.torch_core import set_seed
from safetensors.torch import save_file
from torch import nn

from faststyle_fastai.core.atomic import atomic_write
from faststyle_fastai.images.discovery import picture_files
from faststyle_fastai.images.files import read_picture
from faststyle_fastai.images.sizes import resize_short
from faststyle_fastai.images.tensors import to_tensor
from faststyle_fastai.perceptual.backbones import BACKBONES, Backbone, perceptual_backbone
from faststyle_fastai.perceptual.style_losses import gram_matrix
from faststyle_fastai.training.data import StyleDataLoaders

SIZE, BS = 128, 8
DEEP = "relu4_1", "relu4_2", "relu4_3", "relu4_4", "relu5_1"


def main(
    teacher: Annotated[Path, typer.Argument(help="Weights of VGG19, at least to relu3_4.")],
    deep: Annotated[Path, typer.Argument(help="Weights of vgg19_16x, for blocks 4 and 5.")],
    photos: Annotated[Path, typer.Option()],
    paintings: Annotated[list[Path], typer.Option(help="Folders of paintings.")],
    out: Annotated[Path, typer.Option("-o")],
    steps: int = 3000,
    lr: float = 1e-3,
    seed: int = 0,
):
    "Distill `lite` and print the errors of its features on held-out photos."
    set_seed(seed)
    dls = StyleDataLoaders.from_folder(photos, size=SIZE, bs=BS, seed=seed, device="cpu")
    canvases = [file for folder in paintings for file in picture_files(folder)]
    vgg = Backbone(perceptual_backbone("vgg19", teacher, ["relu3_4"]).net)  # hooks on every ReLU
    deep = Backbone(perceptual_backbone("vgg19_16x", deep, ["relu5_1"]).net)
    batches = pictures(dls.train, canvases)
    some = [next(batches) for _ in range(24)]
    keep, fill = choose_channels(vgg, some)
    net = prune(vgg, keep, fill)
    to_unit_means(deep, some)
    deepen(net, deep, some)
    student = Backbone(net)

    def targets(x):
        return {name: f[:, keep[name]] for name, f in vgg(x).items()} | deep(x, DEEP)

    report(student, targets, dls.valid, "before training")
    train(student, targets, batches, steps, lr)
    report(student, targets, dls.valid, "after training")
    state = {}
    for index, module in enumerate(student.net):
        if isinstance(module, nn.Conv2d):
            for part in ("weight", "bias"):
                state[f"features.{index}.{part}"] = getattr(module, part).half().contiguous()
    with atomic_write(out) as temporary:
        save_file(state, temporary, {"teachers": "VGG19 to relu3_4, a sixteenth of it from there"})
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


def pictures(dl, canvases):
    "Batches of photos, paintings and blends of both, some noisy or discolored."
    while True:
        for photo, _ in dl:
            x = photo.as_subclass(torch.Tensor).clone()
            for i in range(len(x)):
                if (kind := torch.rand(())) < 0.6:
                    painting = crop(canvases)
                    x[i] = painting if kind < 0.3 else torch.lerp(x[i], painting, torch.rand(()))
                if torch.rand(()) < 0.3:
                    x[i] += 0.1 * torch.rand(()) * torch.randn_like(x[i])
                if torch.rand(()) < 0.3:  # contrast and channel balance
                    x[i] = (x[i] - 0.5) * (0.5 + torch.rand(3, 1, 1)) + 0.3 + 0.4 * torch.rand(())
            yield x.clamp(-0.1, 1.1)


def crop(canvases):
    canvas = to_tensor(read_picture(canvases[torch.randint(len(canvases), ())]))
    canvas = resize_short(canvas, int(SIZE * (1 + torch.rand(()) * 2)))[0]
    top, left = (int(torch.randint(s - SIZE + 1, ())) for s in canvas.shape[1:])
    return canvas[:, top : top + SIZE, left : left + SIZE]


@torch.no_grad()
def choose_channels(vgg, batches):
    "For each layer, the kept channels and the map from them to all the layer's channels."
    blocks = zip(BACKBONES["lite"], BACKBONES["vgg19"][:3])
    counts = [n for lite, full in blocks for n, _ in zip(lite, full)]
    keep, fill = {}, {}
    for layer, n in zip(vgg.layers, counts):
        moment = sum(gram_matrix(vgg(x, [layer])[layer]).mean(0).double() for x in batches)
        keep[layer] = pivots(moment, n)
        fill[layer] = predictor(moment[keep[layer]][:, keep[layer]], moment[keep[layer]])
    return keep, fill


def pivots(moment, n):
    "The first n pivots of a Cholesky decomposition, each the least predictable from those before."
    rest, chosen = moment.clone(), []
    for _ in range(n):
        i = int(rest.diagonal().argmax())
        chosen.append(i)
        rest = rest - rest[:, i : i + 1] @ rest[i : i + 1] / rest[i, i]
        rest[chosen, :] = rest[:, chosen] = 0
    return torch.tensor(sorted(chosen))


def predictor(own, shared):
    "The map [C, K], from second moments [K, K] and those with the predicted channels [K, C]."
    ridge = 1e-4 * own.diagonal().mean() * torch.eye(len(own), dtype=own.dtype)
    return torch.linalg.solve(own + ridge, shared).T.float()


def prune(vgg, keep, fill):
    "The teacher's layers with only the kept channels, and dropped inputs folded into these."
    net, before = nn.Sequential(), None
    for name, module in vgg.net.named_children():
        if isinstance(module, nn.Conv2d):
            layer = name.replace("conv", "relu")
            weight = module.weight[keep[layer]]
            if before:
                weight = torch.einsum("oihw,ik->okhw", weight, fill[before])
            module, before = conv_of(weight, module.bias[keep[layer]]), layer
        net.add_module(name, module)
    return net


def conv_of(weight, bias):
    conv = nn.Conv2d(weight.shape[1], len(weight), 3, padding=1)
    conv.weight.data.copy_(weight)
    conv.bias.data.copy_(bias)
    return conv


@torch.no_grad()
def to_unit_means(backbone, batches):
    "Scale each convolution so that its ReLU has a mean of 1 over all channels."
    before = 1.0
    for name, module in backbone.net.named_children():
        if isinstance(module, nn.Conv2d):
            module.weight.mul_(before)
            layer = name.replace("conv", "relu")
            before = sum(backbone(x, [layer])[layer].mean() for x in batches) / len(batches)
            module.weight.div_(before)
            module.bias.div_(before)


@torch.no_grad()
def deepen(net, deep, batches):
    "Append the deep teacher's blocks, with their inputs predicted from the output of `net`."
    ours = Backbone(net, ["relu3_4"])
    own = shared = 0.0
    for x in batches:
        mine, theirs = ours(x)["relu3_4"], deep(x, ["relu3_4"])["relu3_4"]
        mine, theirs = (f.double().permute(1, 0, 2, 3).flatten(1) for f in (mine, theirs))
        own, shared = own + mine @ mine.T, shared + mine @ theirs.T
    mapping, names = predictor(own, shared), list(dict(deep.net.named_children()))
    for name in names[names.index("pool3") :]:
        module = deep.net.get_submodule(name)
        if isinstance(module, nn.Conv2d):
            weight = module.weight
            if name == "conv4_1":
                weight = torch.einsum("oihw,ik->okhw", weight, mapping)
            module = conv_of(weight, module.bias)
        net.add_module(name, module)


def errors(student, targets, x):
    "The squared error of each layer's features, relative to their variance."
    with torch.no_grad():
        want = {k: v.float() for k, v in targets(x).items()}
    got = student(x)
    return {
        k: (got[k].float() - w).square().mean() / w.var(dim=(0, 2, 3)).mean()
        for k, w in want.items()
    }


def train(student, targets, batches, steps, lr):
    params = list(student.net.requires_grad_().parameters())
    opt = torch.optim.Adam(params, lr)
    for step in range(steps):
        done = step / steps
        for group in opt.param_groups:
            group["lr"] = lr * min(1, 20 * done + 0.05) * (1 - done)
        with torch.autocast("cpu", torch.bfloat16):
            found = errors(student, targets, next(batches))
        opt.zero_grad()
        sum(found.values()).backward()
        opt.step()
        if step % 100 == 0:
            print(step, rounded(found), flush=True)
    student.requires_grad_(False)


@torch.no_grad()
def report(student, targets, dl, title):
    x = torch.cat([b[0].as_subclass(torch.Tensor) for b in dl][:4])
    print(f"errors on held-out photos {title}:", rounded(errors(student, targets, x)))


def rounded(found):
    return {k: round(v.item(), 4) for k, v in found.items()}


if __name__ == "__main__":
    typer.run(main)
