"Repaints an image of any size in bounded memory, see tiles.py."

import torch
from PIL import Image

from ..core.memory import trim_memory
from ..images.files import to_picture, to_tensor
from ..images.masks import gray, shares
from ..models.layers import through
from .enlarge import Enlarger
from .finish import filled, finished
from .tiles import fits_at_once, fix_statistics, pixels, spread_tiles, statistics, tiles

__all__ = ["paint_tiles"]

BILINEAR = Image.Resampling.BILINEAR
FILL = 1024  # px of the copy used to fill transparent parts
FINISH = 0.1  # time that enlarging and finishing a tile takes, relative to painting it


def paint_tiles(
    stylizer,  # a Stylizer
    image: Image.Image,  # RGB or RGBA
    shape: tuple[int, int],  # height and width to paint at
    mask: Image.Image | None,  # L, of the image's size
    black,  # the style of the black part of the mask
    keep_colors: bool,
    style,
    strength: float,
    side: int,  # px of a tile, a multiple of 4
    exact: bool,  # statistics of all tiles, not of a sample
    watch=None,  # called with the finished share of the work; it may raise to stop
) -> Image.Image:  # RGB or RGBA
    "Repaint an image tile by tile, in 8 bits per channel."
    photo = opaque(image)
    small = photo if photo.size == shape[::-1] else photo.resize(shape[::-1], BILINEAR)
    share, kept = (None, mask) if black is None else (mask.resize(small.size), None)

    styles = [style] if black is None else [style, black]
    net = stylizer.network(styles, strength)

    def begin(tile):
        x = to_tensor(small.crop(tile.outer), stylizer.device)
        rows = None if share is None else shares(gray(share.crop(tile.outer)), 1)
        return net.steps(x, rows)

    sample = tiles(small.size, side) if exact else spread_tiles(small.size)
    parts, unfinished = tiles(small.size, side), []
    if photo.size != small.size or keep_colors or kept is not None:
        unfinished = tiles(photo.size, side)
    work = pixels(sample) + pixels(parts) + FINISH * pixels(unfinished)

    def tell(done):
        if watch:
            watch(done / work)

    at_once = fits_at_once(sample, stylizer.device)
    with torch.inference_mode(), stylizer.arithmetic():
        ends, exposure = fix_statistics(net, sample, begin, at_once, tell), None
        if stylizer.photo_share(strength):
            painted = (tile.cut(end) for tile, end in zip(sample, ends))
            photos = (to_tensor(small.crop(tile.core)) for tile in sample)
            exposure = [spread_and_mean(parts, stylizer.device) for parts in (painted, photos)]
        del ends
        out = Image.new("RGB", small.size)
        done = pixels(sample)
        for tile in parts:
            tell(done)
            done += pixels([tile])
            if tile.core[0] == 0:  # tiles at the edges leave gaps of odd sizes in memory
                trim_memory()
            painted = stylizer.exposed(through(begin(tile)), None, strength, exposure)
            out.paste(to_picture(tile.cut(painted)), tile.core[:2])
    grow = None
    if out.size != photo.size:
        grow, out = Enlarger(out, small, photo), Image.new("RGB", photo.size)
    for tile in unfinished:
        tell(done)
        done, box = done + FINISH * pixels([tile]), tile.core
        where = None if kept is None else gray(kept.crop(box))
        painted = grow.part(box) if grow else to_tensor(out.crop(box))
        painted = finished(painted, to_tensor(photo.crop(box)), keep_colors, where)
        out.paste(to_picture(painted), box[:2])
    tell(work)
    if image.mode == "RGBA":
        out.putalpha(image.getchannel("A"))
    return out


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
