"How far an image is from its painting and its photo, under VGG19 and by eye-like measures."

import torch
from torch import Tensor
from torch.nn import functional as F

from faststyle_fastai.core.moments import mean_and_std, moments
from faststyle_fastai.images.sizes import resize_short
from faststyle_fastai.perceptual.backbones import Backbone
from faststyle_fastai.perceptual.measures import grid, local_style, patches, tone
from faststyle_fastai.perceptual.style_losses import CONTENT_LOSSES

STYLE = "relu1_1", "relu2_1", "relu3_1", "relu4_1"  # those that the weights reach
CONTENT = "relu3_4", "relu4_1"
SMALL = 256  # px of images whose places are compared with each other: n**4 / 256 products


@torch.no_grad()
def distances(
    x: Tensor,  # [1, 3, H, W] in [0, 1]
    photo: Tensor,  # likewise
    painting: Tensor,  # [1, 3, h, w] in [0, 1]
    backbone: Backbone,  # VGG19
) -> dict[str, float]:
    """The quality columns of the table.

    style: squared differences of channel means and standard deviations, relative to the painting's
    (Huang et al. 2017), averaged over the layers. content: mean squared differences of normalized
    features, likewise.
    """
    seen, target, brush = (backbone(y) for y in (x, photo, painting))
    style = [apart(seen[k], brush[k]) for k in STYLE if k in seen]
    compare = CONTENT_LOSSES["normalized"]
    content = [compare(seen[k], target[k]).item() for k in CONTENT if k in seen]
    return {
        "style": sum(style) / len(style),
        "local style": local_style(x, painting, backbone),
        "content": sum(content) / len(content),
        "CFSD": cfsd(*(resize_short(y, SMALL) for y in (x, photo)), backbone),
        "tone": tone(x, photo).item(),
        "patches": patches(x, photo),
        "mesh": grid(x),
    }


def apart(x, painting):
    found, wanted = (torch.cat(mean_and_std(moments(y)), 1) for y in (x, painting))
    return ((found - wanted).square().sum() / wanted.square().sum()).item()


def cfsd(x, photo, backbone):
    """The content feature structural distance (Chung et al. 2024, StyleID).

    How alike two places are, by their features at relu3_1, is a distribution over all places. This
    is the divergence of the image's distributions from the photo's, per place.
    """
    logs = []
    for y in (x, photo):
        features = backbone(y, ["relu3_1"])["relu3_1"].flatten(2)[0]  # [C, places]
        logs.append((features.T @ features / len(features)).log_softmax(1))
    return F.kl_div(*logs, reduction="batchmean", log_target=True).item()
