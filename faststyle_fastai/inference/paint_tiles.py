"Repaints an image of any size in bounded memory, see tiles.py."

import math
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..core.memory import trim_memory
from ..images.files import to_picture, to_tensor
from ..images.masks import gray
from ..models.transformer import TransformerNet
from .enlarge import Enlarger
from .finish import filled, finished
from .options import PaintOptions
from .painter import Painter
from .tiles import fits_at_once, fix_statistics, pixels, spread_tiles, statistics, tiles

__all__ = ["paint_tiles"]

BILINEAR = Image.Resampling.BILINEAR
ROWS = 64  # of a reduced photo, made at once
FILL = 1024  # px of the copy used to fill transparent parts
FINISH = 0.1  # time that enlarging and finishing a tile takes, relative to painting it


def paint_tiles(
    painter: Painter,  # with a network of its own
    image: Image.Image,  # RGB or RGBA
    shape: tuple[int, int],  # height and width to paint at
    how: PaintOptions,
    mask: Image.Image | None,  # L, of the image's size
    side: int,  # px of a tile, a multiple of 4
    watch: Callable[[float], None] | None = None,  # gets the finished share; may raise to stop
) -> Image.Image:  # RGB or RGBA
    "Repaint an image tile by tile, in 8 bits per channel."
    assert isinstance(painter.net, TransformerNet)
    photo = opaque(image)
    # Rounded to 8 bits, a reduced photo can change strokes by a tenth of the range of colors.
    small = None if photo.size == shape[::-1] else reduced(photo, shape)
    size = shape[::-1]
    share = mask.resize(size) if mask and how.black is not None else None
    kept = mask if how.black is None else None

    def part(box):
        left, top, right, bottom = box
        x = to_tensor(photo.crop(box)) if small is None else small[..., top:bottom, left:right]
        return x.to(painter.device)

    def keep(painted, box):
        left, top, right, bottom = box
        if small is None:
            out.paste(to_picture(painted), (left, top))
        else:
            fine[..., top:bottom, left:right] = painted[..., : bottom - top, : right - left]

    def begin(tile):
        x = part(tile.outer)
        return x, painter.styling(1, None if share is None else gray(share.crop(tile.outer)))

    sample = tiles(size, side) if how.exact else spread_tiles(size)
    parts, unfinished = tiles(size, side), []
    if small is not None or how.keep_colors or kept is not None:
        unfinished = tiles(photo.size, side)
    work = pixels(sample) + pixels(parts) + FINISH * pixels(unfinished)

    def tell(done):
        if watch:
            watch(done / work)

    at_once = fits_at_once(sample, painter.device)
    with torch.inference_mode(), painter.computing():
        ends, exposure = fix_statistics(painter.net, sample, begin, at_once, tell), None
        if painter.photo_share:
            exposure = [
                spread_and_mean((tile.cut(y) for tile, y in zip(sample, ends)), painter.device),
                spread_and_mean((part(tile.core) for tile in sample), painter.device),
            ]
        del ends
        out = Image.new("RGB", size)
        fine = None if small is None else torch.empty_like(small)
        done = pixels(sample)
        for tile in parts:
            tell(done)
            done += pixels([tile])
            if tile.core[0] == 0:  # tiles at the edges leave gaps of odd sizes in memory
                trim_memory()
            painted = painter.exposed(painter.net(*begin(tile)), None, exposure)
            keep(tile.cut(painted), tile.core)
    grow = None
    if small is not None and fine is not None:
        grow, out = Enlarger(fine, small, photo), Image.new("RGB", photo.size)
    for tile in unfinished:
        tell(done)
        done, box = done + FINISH * pixels([tile]), tile.core
        where = None if kept is None else gray(kept.crop(box))
        painted = grow.part(box) if grow else to_tensor(out.crop(box))
        painted = finished(painted, to_tensor(photo.crop(box)), how.keep_colors, where)
        out.paste(to_picture(painted), box[:2])
    tell(work)
    if image.mode == "RGBA":
        out.putalpha(image.getchannel("A"))
    return out


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


def spread_and_mean(parts, device):
    "Standard deviation and mean of each channel over all parts, [1, 3, 1, 1] each."
    mean, variance = statistics(parts).to(device)[:, None, :, None, None]  # photos: on the CPU
    return variance.clamp(min=0).sqrt(), mean
