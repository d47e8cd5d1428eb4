"Repaints an image of any size in bounded memory, see tiles.py."

import math
from collections.abc import Callable, Iterable

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..core.memory import trim_memory
from ..core.moments import moments
from ..images.files import to_picture
from ..images.tensors import to_tensor
from .enlarge import enlarger
from .finish import filled, recolor
from .options import PaintOptions
from .painter import Painter
from .pixel_painter import PixelPainter
from .sight_painter import SightPainter
from .tiles import fits_at_once, fix_statistics, pixels, spread_tiles, tiles

__all__ = ["paint_tiles"]

BILINEAR = Image.Resampling.BILINEAR
ROWS = 64  # of a reduced photo, made at once
FILL = 1024  # px of the copy used to fill transparent parts
FINISH = 0.1  # time that enlarging and finishing a tile takes, relative to painting it


def paint_tiles(
    painter: Painter | PixelPainter | SightPainter,  # a Painter has a network of its own
    image: Image.Image,  # RGB or RGBA
    shape: tuple[int, int],  # height and width to paint at
    how: PaintOptions,
    side: int,  # px of a tile, a multiple of 4
    watch: Callable[[float], None] | None = None,  # gets the finished share; may raise to stop
) -> Image.Image:  # RGB or RGBA
    "Repaint an image tile by tile, in 8 bits per channel."
    painting = TiledPainting(painter, opaque(image), shape, how, side, watch)
    if not isinstance(painter, Painter):  # it bounds its memory itself
        whole = 0, 0, *shape[::-1]
        painting.keep(painter(painting.part(whole)), whole)
    else:
        with torch.inference_mode(), painter.computing():
            painting.fix_statistics()
            painting.paint()
    out = painting.finish()
    if image.mode == "RGBA":
        out.putalpha(image.getchannel("A"))
    return out


class TiledPainting:
    "The steps of `paint_tiles`, and what they share."

    def __init__(self, painter, photo, shape, how, side, watch):
        self.painter, self.photo, self.how, self.watch = painter, photo, how, watch
        size = shape[::-1]
        self.out, self.small, self.painted = Image.new("RGB", size), None, None
        if photo.size != size:
            # Rounded to 8 bits, a reduced photo can change strokes by a tenth of the color range.
            self.small = reduced(photo, shape)
            self.painted = torch.empty_like(self.small)
        self.sample = tiles(size, side) if how.exact else spread_tiles(size)
        self.tiles = tiles(size, side)
        finishes = self.small is not None or how.keep_colors
        self.unfinished = tiles(photo.size, side) if finishes else []
        self.work = pixels(self.sample) + pixels(self.tiles) + FINISH * pixels(self.unfinished)
        self.exposure = None

    def tell(self, done):
        if self.watch:
            self.watch(done / self.work)

    def part(self, box):
        "A part of the photo, at the size to paint at."
        left, top, right, bottom = box
        if self.small is None:
            return to_tensor(self.photo.crop(box)).to(self.painter.device)
        return self.small[..., top:bottom, left:right].to(self.painter.device)

    def inputs(self, tile):
        "The arguments of the network."
        return self.part(tile.outer), self.painter.styling()

    def fix_statistics(self):
        "Measure the whole photo, or a sample of it, for the network and for `exposed`."
        at_once = fits_at_once(self.sample, self.painter.device)
        ends = fix_statistics(self.painter.net, self.sample, self.inputs, at_once, self.tell)
        if self.painter.photo_share or self.painter.palette is not None:
            painted = (tile.cut(end) for tile, end in zip(self.sample, ends))
            photos = (self.part(tile.core) for tile in self.sample)
            self.exposure = whole_moments(painted), whole_moments(photos)

    def paint(self):
        done = pixels(self.sample)
        for tile in self.tiles:
            self.tell(done)
            done += pixels([tile])
            if tile.core[0] == 0:  # tiles at the edges leave gaps of odd sizes in memory
                trim_memory()
            x, style = self.inputs(tile)
            y = self.painter.exposed(self.painter.net(x, style), x, self.exposure)
            self.keep(tile.cut(y), tile.core)

    def keep(self, y, box):
        left, top, right, bottom = box
        if self.painted is None:
            self.out.paste(to_picture(y), (left, top))
        else:
            self.painted[..., top:bottom, left:right] = y[..., : bottom - top, : right - left]

    def finish(self) -> Image.Image:
        "Enlarge to the photo's size, and bring back its colors."
        enlarged = None
        if self.small is not None:
            assert self.painted is not None
            enlarged = enlarger(self.painted, self.small, self.photo)
            self.out = Image.new("RGB", self.photo.size)
        done = pixels(self.sample) + pixels(self.tiles)
        for tile in self.unfinished:
            self.tell(done)
            done, box = done + FINISH * pixels([tile]), tile.core
            y = enlarged(box) if enlarged else to_tensor(self.out.crop(box))
            if self.how.keep_colors:
                y = recolor(y, to_tensor(self.photo.crop(box)))
            self.out.paste(to_picture(y), box[:2])
        self.tell(self.work)
        return self.out


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
