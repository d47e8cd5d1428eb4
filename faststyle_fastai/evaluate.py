"The yardstick: what a network's pictures are worth, in iterations of optimisation."

from itertools import accumulate
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from .backbones import Backbone
from .errors import FaststyleError
from .folders import picture_files
from .images import read_picture, to_picture, to_tensor
from .losses import VggLoss, resize_short
from .measures import grid, mottling, structure, tone
from .optimizer import folded, wolfe

__all__ = ["evaluate_autoencoder", "evaluate_style", "lbfgs", "mean_curve", "worth", "yardstick"]

STYLE_LAYERS, STYLE_WEIGHT = ("relu1_1", "relu2_1", "relu3_1", "relu3_4"), 20


def yardstick(
    backbone: Backbone,  # the reference: it need not be the one trained with
    style,  # the painting
) -> VggLoss:
    """content + 20 * style + 0.05 * TV / 0.226, all relative to their targets.

    Content at relu2_2; style the mean over relu1_1, relu2_1, relu3_1, relu3_4 and over the
    picture at full, half and quarter size; TV the mean |Δ|, 0.226 its typical value on photos.
    """
    return VggLoss(
        backbone,
        to_tensor(read_picture(style)),
        content_layers={"relu2_2": 1.0},
        style_layers=dict.fromkeys(STYLE_LAYERS, STYLE_WEIGHT / len(STYLE_LAYERS)),
        tv=0.05 / 0.226,
        scales=(1, 0.5, 0.25),
    )


def lbfgs(
    loss: VggLoss,
    photo: Tensor,  # [1, 3, H, W] in [0, 1]; where it starts
    iterations: int,
) -> tuple[Tensor, list[float]]:  # the last picture; the loss before each iteration and at the end
    "The pixels themselves optimized: L-BFGS with a line search for strong Wolfe conditions."
    x, curve = photo.clone().requires_grad_(), []
    opt = wolfe(x)

    def closure():
        opt.zero_grad()
        total = loss(folded(x), photo)
        total.backward()
        return total

    for _ in range(iterations):
        curve.append(opt.step(closure).item())  # the loss before it
    picture = folded(x.detach())
    with torch.no_grad():
        curve.append(loss(picture, photo).item())
    return picture, curve


def worth(
    total: float,  # a network's loss
    curve: list[float],  # optimisation's loss after 0, 1, 2, … iterations
) -> float:  # iterations, to a fraction; the curve's length when it is better than its end
    "After how many iterations optimisation is as good as `total`."
    for k, (before, after) in enumerate(zip(curve, curve[1:])):
        if after <= total <= before or (k == 0 and total > before):
            return max(0.0, k + (before - total) / max(before - after, 1e-9))
    return float(len(curve) - 1)


def mean_curve(
    curves: list[list[float]],  # of `lbfgs`, one a photo
) -> list[float]:
    "The mean over photos of the best loss so far."
    best = [accumulate(curve, min) for curve in curves]
    return [sum(values) / len(values) for values in zip(*best)]


def evaluate_style(
    paint,  # tensor in, tensor out: Stylizer.paint
    photos: list[str | Path],
    loss: VggLoss,  # a `yardstick`
    size: int = 256,  # px of the photos' short side
    iterations: int = 30,  # of optimisation to compare with; 0: none
    others: dict[str, str | Path] | None = None,  # name -> a folder of pictures named alike
) -> tuple[dict[str, dict[str, float]], list[list[Image.Image]]]:
    """Mean content, style (unweighted), tv, total of photo, network, others, optimum; the pictures.

    And what agrees with the eye: tone, structure, mottling, grid, see measures.py; NaN where there
    is nothing to tell it from. The network's `iterations` is what its mean total is worth on the
    mean of the photos' optimization curves, each the best loss so far.
    """
    device = loss.backbone.mean.device
    theirs = [
        {name: _of_the_same_name(Path(photo), folder) for name, folder in (others or {}).items()}
        for photo in photos
    ]
    painting = resize_short(loss.styles[0], size).to(device)
    rows, curves, sheet = {}, [], []
    for path, named in zip(photos, theirs):
        photo = resize_short(to_tensor(read_picture(path)), size).to(device)
        shown = {"photo": photo, "network": paint(photo).to(device)}
        shown |= {name: _fitted(picture, photo) for name, picture in named.items()}
        if iterations:
            shown[f"optimised {iterations}"], curve = lbfgs(loss, photo, iterations)
            curves.append(curve)
        for name, x in shown.items():
            with torch.no_grad():
                total = loss(x, photo).item()
            parts = {k: v.mean().item() for k, v in loss.parts.items()}
            parts["style"] /= STYLE_WEIGHT
            parts |= {"total": total, "tone": tone(x, photo).item()}
            parts |= {"structure": structure(x, photo, loss.backbone).item()}
            parts |= {"mottling": mottling(x, photo, painting), "grid": grid(x)}
            for key, value in parts.items():
                rows.setdefault(name, {}).setdefault(key, []).append(value)
        sheet.append([to_picture(x) for x in shown.values()])
    rows = {name: {k: nanmean(found) for k, found in row.items()} for name, row in rows.items()}
    if iterations:
        rows["network"]["iterations"] = worth(rows["network"]["total"], mean_curve(curves))
    return rows, sheet


def nanmean(values):
    return torch.tensor(values).nanmean().item()


def _of_the_same_name(photo, folder):
    "The one picture in `folder` that is called like `photo`, and where several are its folder too."
    found = [path for path in picture_files(folder) if path.stem == photo.stem]
    if len(found) > 1:
        found = [path for path in found if path.parent.name == photo.parent.name]
    if len(found) != 1:
        raise FaststyleError(
            f"{folder} holds {len(found)} pictures called {photo.stem}: one is asked."
        )
    return found[0]


def _fitted(picture, photo):
    "Another's picture at the size of a photo, whose shape it must have."
    x, shape = to_tensor(read_picture(picture)), photo.shape[-2:]
    height, width = x.shape[-2:]
    if abs(width / height * shape[0] / shape[1] - 1) > 0.03:  # some crop to multiples of 4 or 8
        raise FaststyleError(f"{picture} is {width}x{height} px: not of its photo's shape.")
    x = F.interpolate(x, tuple(shape), mode="bilinear", antialias=True).clamp(0, 1)
    return x.to(photo.device)


@torch.no_grad()
def evaluate_autoencoder(
    paint,  # tensor in, tensor out: Stylizer.paint
    photos: list[str | Path],
    backbone: Backbone,  # the reference
    size: int = 256,  # px of the photos' short side
) -> tuple[dict[str, float], list[list[Image.Image]]]:
    "How well photos are redrawn: mean PSNR in dB, the content error at two layers; pictures."
    losses = {layer: VggLoss(backbone, None, {layer: 1.0}, {}) for layer in ("relu1_1", "relu2_2")}
    found, sheet = dict.fromkeys(("psnr", *losses), 0.0), []
    for path in photos:
        photo = resize_short(to_tensor(read_picture(path)), size).to(backbone.mean.device)
        redrawn = paint(photo).to(photo.device)
        mean_square = (redrawn - photo).square().mean().clamp(min=1e-10)
        found["psnr"] += -10 * mean_square.log10().item() / len(photos)
        for layer, loss in losses.items():
            found[layer] += loss(redrawn, photo).item() / len(photos)
        sheet.append([to_picture(photo), to_picture(redrawn)])
    return found, sheet
