"Evaluation: how many iterations of direct optimization one pass of a network is worth."

from itertools import accumulate
from pathlib import Path

import torch
from fastcore.basics import listify
from PIL import Image
from torch.nn import functional as F

from ..core.errors import FaststyleError
from ..images.discovery import picture_files
from ..images.files import read_picture, to_picture
from ..images.sizes import resize_short
from ..images.tensors import to_tensor
from .backbones import Backbone
from .lbfgs import lbfgs
from .losses import VggLoss
from .measures import grid, local_style, mottling, patches, structure, tone

__all__ = ["evaluate_autoencoder", "evaluate_style", "worth", "reference_loss"]

STYLE_LAYERS, STYLE_WEIGHT = ("relu1_1", "relu2_1", "relu3_1", "relu3_4"), 20


def reference_loss(
    backbone: Backbone,  # the reference; may differ from the backbone used in training
    style,  # the style image
) -> VggLoss:
    """content + 20 * style + 0.05 * TV / 0.226, with content and style relative to their targets.

    Content is measured at relu2_2. Style is the mean over relu1_1, relu2_1, relu3_1 and relu3_4,
    and over the image at full, half and quarter size. TV is the mean |Δ|; 0.226 is typical of
    photos.
    """
    return VggLoss(
        backbone,
        to_tensor(read_picture(style)),
        content_layers={"relu2_2": 1.0},
        style_layers=dict.fromkeys(STYLE_LAYERS, STYLE_WEIGHT / len(STYLE_LAYERS)),
        tv=0.05 / 0.226,
        scales=(1, 0.5, 0.25),
    )


def worth(
    total: float,  # the loss of a network
    curve: list[float],  # the optimizer's loss after 0, 1, 2, … iterations
) -> float:  # iterations, fractional; the last one if `total` is below the curve
    "Number of iterations that direct optimization needs to reach `total`."
    for k, (before, after) in enumerate(zip(curve, curve[1:])):
        if after <= total <= before or (k == 0 and total > before):
            return max(0.0, k + (before - total) / max(before - after, 1e-9))
    return float(len(curve) - 1)


def average_best_loss(
    curves: list[list[float]],  # from `lbfgs`, one per photo
) -> list[float]:
    "The mean over photos of the best loss so far."
    best = [accumulate(curve, min) for curve in curves]
    return [sum(values) / len(values) for values in zip(*best)]


def evaluate_style(
    paint,  # tensor in, tensor out: Stylizer.paint
    photos: list[str | Path],  # files that no network was trained on
    loss: VggLoss,  # a `reference_loss`
    size: int = 256,  # px of the photos' short side
    iterations: int = 30,  # of direct optimization to compare with; 0: none
    others: dict[str, str | Path] | None = None,  # name -> folder of images named like the photos
) -> tuple[dict[str, dict[str, float]], list[list[Image.Image]]]:
    """Mean losses and measures of photo, network, others and direct optimization; the images.

    Losses: each term of `loss`, the style unweighted, and their total. Measures that agree with the
    eye: tone, structure, local style, mottling, patches and grid, see measures.py; NaN where
    undefined.
    `iterations` of the network is the `worth` of its mean total on the mean best-so-far curve of
    the optimizations.
    """
    device = loss.backbone.mean.device
    theirs = [
        {name: _of_the_same_name(Path(photo), folder) for name, folder in (others or {}).items()}
        for photo in photos
    ]
    for path, named in zip(photos, theirs):
        for picture in named.values():
            _check_shape(picture, path)
    assert loss.styles
    painting = resize_short(listify(loss.styles[0])[0], size).to(device)
    rows: dict[str, dict[str, list[float]]] = {}
    curves, sheet = [], []
    for path, named in zip(photos, theirs):
        photo = resize_short(to_tensor(read_picture(path)), size).to(device)
        shown = {"photo": photo, "network": paint(photo).to(device)}
        shown |= {name: _fitted(picture, photo) for name, picture in named.items()}
        if iterations:
            shown[f"optimized {iterations}"], curve = lbfgs(loss, photo, iterations)
            curves.append(curve)
        for name, x in shown.items():
            with torch.no_grad():
                total = loss(x, photo).item()
            parts = {k: v.mean().item() for k, v in loss.parts.items()}
            parts["style"] /= sum(loss.style_layers.values())
            parts |= {"total": total, "tone": tone(x, photo).item()}
            parts |= {"structure": structure(x, photo, loss.backbone).item()}
            parts |= {"local style": local_style(x, painting, loss.backbone)}
            parts |= {"mottling": mottling(x, photo, painting), "patches": patches(x, photo)}
            parts |= {"grid": grid(x)}
            for key, value in parts.items():
                rows.setdefault(name, {}).setdefault(key, []).append(value)
        sheet.append([to_picture(x) for x in shown.values()])
    means = {
        name: {part: torch.tensor(found).nanmean().item() for part, found in row.items()}
        for name, row in rows.items()
    }
    if iterations:
        mean = means["network"]
        mean["iterations"] = worth(mean["total"], average_best_loss(curves))
    return means, sheet


def _of_the_same_name(photo, folder):
    "The image in `folder` named like `photo`; the parent folder decides between several."
    found = [path for path in picture_files(folder) if path.stem == photo.stem]
    if len(found) > 1:
        found = [path for path in found if path.parent.name == photo.parent.name]
    if len(found) != 1:
        raise FaststyleError(
            f"{folder} contains {len(found)} images named {photo.stem}. Exactly one is needed."
        )
    return found[0]


def _check_shape(picture, photo):
    (width, height), (across, down) = read_picture(picture).size, read_picture(photo).size
    if abs(width / height * down / across - 1) > 0.03:  # some crop to multiples of 4 or 8
        raise FaststyleError(
            f"{picture} is {width}x{height} px. Its aspect ratio differs from the photo's."
        )


def _fitted(picture, photo):
    "An image resized to a photo."
    x, shape = to_tensor(read_picture(picture)), photo.shape[-2:]
    x = F.interpolate(x, tuple(shape), mode="bilinear", antialias=True).clamp(0, 1)
    return x.to(photo.device)


@torch.no_grad()
def evaluate_autoencoder(
    paint,  # tensor in, tensor out: Stylizer.paint
    photos: list[str | Path],
    backbone: Backbone,  # the reference
    size: int = 256,  # px of the photos' short side
) -> tuple[dict[str, float], list[list[Image.Image]]]:
    "How well photos are redrawn: mean PSNR in dB and content error at two layers; the images."
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
