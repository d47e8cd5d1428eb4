"Repaints an image in one pass, at full bit depth."

import torch
from torch import Tensor
from torch.nn import functional as F

from ..core.devices import finishing_device
from ..images.sizes import resize_short
from ..models.transformer import SMALLEST
from .enlarge import enlarged
from .finish import filled, recolor
from .options import PaintOptions
from .painter import Painter
from .pixel_painter import PixelPainter
from .sight_painter import SightPainter

__all__ = ["painted_at", "paint_whole"]


def paint_whole(
    painter: Painter | PixelPainter | SightPainter,
    image: Tensor,  # [1, 3 or 4, H, W] in [0, 1]
    shape: tuple[int, int],  # height and width to paint at
    how: PaintOptions,
) -> Tensor:  # as `image`
    "Repaint an image at once."
    device = finishing_device(painter.device)
    image = image.to(device)
    photo, opacity = image[:, :3], image[:, 3:]
    if opacity.numel():
        photo = filled(photo, opacity)
    small = photo if photo.shape[-2:] == shape else resize_short(photo, min(shape))
    return torch.cat([painted_at(painter, small, photo, how.keep_colors), opacity], 1)


def painted_at(painter, small, photo, keep_colors):
    "Paint small, the edge repeated for reflection padding; then bring it to the photo's size."
    height, width = small.shape[-2:]
    room = 0, max(0, SMALLEST - width), 0, max(0, SMALLEST - height)
    painted = painter(F.pad(small, room, mode="replicate"))[..., :height, :width].to(photo.device)
    if painted.shape != photo.shape:
        painted = enlarged(painted, small, photo)
    return recolor(painted, photo) if keep_colors else painted
