"Textures and panoramas of 360°: paintings whose opposite edges meet."

from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..core.errors import UsageError
from ..core.values import known
from ..images.files import to_picture
from ..images.tensors import read_tensor
from .options import PaintOptions, painting_shape
from .stylizer import Stylizer

__all__ = ["EDGES", "seamless"]

EDGES = {"sides": "left and right", "all": "all four"}  # that meet
SHARE = 1 / 8  # of the short side, painted twice and blended across the seam


def seamless(
    paint: Stylizer,
    picture: Any,  # as `Stylizer` takes it
    edges: str = "all",  # a row of `EDGES`: sides for panoramas, all for textures
    tensor: bool = False,  # return [1, 3 or 4, H, W] instead of an image
    **options,  # of `Stylizer.__call__`, but no mask
) -> Image.Image | Tensor:
    """Repaint an image so that its opposite edges meet.

    What lies behind an edge is painted, too, and blended into what is there. Raises what
    `Stylizer.__call__` does, and `ValueError` for a mask or unknown `edges`.
    """
    known("edges", edges, EDGES)
    if options.get("mask") is not None:
        raise UsageError("A mask does not wrap around. Leave it out.")
    how = PaintOptions(**{k: v for k, v in options.items() if k in PaintOptions.__annotations__})
    x = read_tensor(picture)
    if len(x) > 1:
        raise UsageError(f"A batch of {len(x)} images. Give one.")
    short = min(x.shape[2:])
    wide = round(SHARE * short)
    high = wide if edges == "all" else 0
    around = F.pad(x, (wide, wide, high, high), mode="circular")
    # Strokes stay as wide as they are without the rest.
    side = min(painting_shape((x.shape[2], x.shape[3]), how.stroke, how.size))
    size = max(8, round(side * min(around.shape[2:]) / short))
    y = paint(around, tensor=True, **options | {"size": size})
    for axis, margin in ((3, wide), (2, high)):
        y = closed(y, axis, margin) if margin else y
    return y if tensor else to_picture(y)


def closed(
    y: Tensor,  # [B, C, H, W], with `margin` px on both sides of what lies behind the other one
    axis: int,
    margin: int,
) -> Tensor:
    "Cut the margins, and blend them into the opposite edges."
    n = y.shape[axis] - 2 * margin
    before, inside, after = y.split([margin, n, margin], axis)
    shape = [1] * y.dim()
    shape[axis] = margin
    share = 0.5 + (torch.arange(margin, device=y.device) + 0.5).view(shape) / margin / 2
    first, middle, last = inside.split([margin, n - 2 * margin, margin], axis)
    first, last = torch.lerp(after, first, share), torch.lerp(before, last, share.flip(axis))
    return torch.cat([first, middle, last], axis)
