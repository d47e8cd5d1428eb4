"Repaints an image of any size in bounded memory, see tiles.py."

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..core.devices import computing
from ..core.memory import trim_memory
from ..core.moments import moments
from ..images.files import to_picture
from ..images.tensors import to_tensor
from .finish import enlarger, filled, recolor
from .options import PaintOptions
from .painter import Painter
from .tiles import fits_at_once, fix_statistics, pixels, spread_tiles, tiles

__all__ = ["paint_tiles"]

BILINEAR = Image.Resampling.BILINEAR
ROWS = 64  # of a reduced photo, made at once
FILL = 1024  # px of the copy used to fill transparent parts
FINISH = 0.1  # time that enlarging and finishing a tile takes, relative to painting it


def paint_tiles(
    painter: Any,  # a Painter with a network of its own, a PixelPainter or a SightPainter
    image: Image.Image,  # RGB or RGBA
    shape: tuple[int, int],  # height and width to paint at
    how: PaintOptions,
    side: int,  # px of a tile, a multiple of 4
    watch: Callable[[float], None] | None = None,  # gets the finished share; may raise to stop
) -> Image.Image:  # RGB or RGBA
    "Repaint an image tile by tile, in 8 bits per channel."
    photo, size = opaque(image), shape[::-1]
    # Rounded to 8 bits, a reduced photo can change strokes by a tenth of the color range.
    small = None if photo.size == size else reduced(photo, shape)
    out = Image.new("RGB", size)
    painted: Any = None if small is None else torch.empty_like(small)
    parts = tiles(size, side)
    sample = parts if how.exact else spread_tiles(size)
    unfinished = tiles(photo.size, side) if small is not None or how.keep_colors else []
    painting = pixels(sample) + pixels(parts)
    done, work = pixels(sample), painting + FINISH * pixels(unfinished)

    def tell(done):
        if watch:
            watch(done / work)

    def part(box):
        "A part of the photo, at the size to paint at."
        left, top, right, bottom = box
        x = to_tensor(photo.crop(box)) if small is None else small[..., top:bottom, left:right]
        return x.to(painter.device)

    def keep(y, box):
        left, top, right, bottom = box
        if small is None:
            out.paste(to_picture(y), (left, top))
        else:
            painted[..., top:bottom, left:right] = y[..., : bottom - top, : right - left]

    if not isinstance(painter, Painter):  # it bounds its memory itself
        whole = 0, 0, *size
        painter = replace(painter, watch=lambda share: tell(share * painting))
        keep(painter(part(whole)), whole)
    else:
        with torch.inference_mode(), computing(painter.device, painter.dtype):
            exposure = measured(painter, sample, part, tell)
            for tile in parts:
                tell(done)
                done += pixels([tile])
                if tile.core[0] == 0:  # tiles at the edges leave gaps of odd sizes in memory
                    trim_memory()
                x = part(tile.outer)
                y = painter.exposed(painter.net(x, painter.styling()), x, exposure)
                keep(tile.cut(y), tile.core)
    done = painting
    enlarged = None if small is None else enlarger(painted, small, photo)
    out = Image.new("RGB", photo.size) if enlarged else out
    for tile in unfinished:
        tell(done)
        done += FINISH * pixels([tile])
        y = enlarged(tile.core) if enlarged else to_tensor(out.crop(tile.core))
        if how.keep_colors:
            y = recolor(y, to_tensor(photo.crop(tile.core)))
        out.paste(to_picture(y), tile.core[:2])
    tell(work)
    if image.mode == "RGBA":
        out.putalpha(image.getchannel("A"))
    return out


def measured(painter, sample, part, tell):
    "Fix the network's statistics to those of a sample; its moments, for `exposed`, if needed."

    def inputs(tile):
        return part(tile.outer), painter.styling()

    at_once = fits_at_once(sample, painter.device)
    ends = fix_statistics(painter.net, sample, inputs, at_once, tell)
    if not painter.photo_share and painter.palette is None:
        return None
    painted = (tile.cut(end) for tile, end in zip(sample, ends))
    return whole_moments(painted), whole_moments(part(tile.core) for tile in sample)


def reduced(
    photo: Image.Image,  # RGB
    shape: tuple[int, int],  # height and width
) -> Tensor:  # [1, 3, h, w] in [0, 1]
    "`resize_short` in parts, because a large photo in float32 would fill the memory."
    (height, width), down = shape, photo.height / shape[0]
    out, margin = torch.empty(1, 3, height, width), math.ceil(down) + 1
    for top in range(0, height, ROWS):
        rows = min(ROWS, height - top)
        low, high = top * down, (top + rows) * down
        start, end = max(0, math.floor(low) - margin), min(photo.height, math.ceil(high) + margin)
        box = 0, low - start, photo.width, high - start
        for plane, x in zip(photo.crop((0, start, photo.width, end)).split(), out[0]):
            plane = plane.convert("F").resize((width, rows), BILINEAR, box)
            x[top : top + rows] = torch.from_numpy(np.array(plane)) / 255
    return out.clamp_(0, 1)


def opaque(image):
    "Fill the transparent parts of an image with the colors around them."
    if image.mode != "RGBA":
        return image
    small = image.copy()
    small.thumbnail((FILL, FILL))
    x = to_tensor(small)
    around = to_picture(filled(x[:, :3], x[:, 3:])).resize(image.size)
    return Image.composite(image.convert("RGB"), around, image.getchannel("A"))


def whole_moments(
    parts: Iterable[Tensor],  # [1, 3, h, w] each
) -> Tensor:  # [1, 4, 4]
    "The moments of an image from those of its parts."
    total = torch.stack([moments(part) * part[0, 0].numel() for part in parts]).sum(0)
    return total / total[:, -1:, -1:]
