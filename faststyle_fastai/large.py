"A picture of any size repainted in bounded memory, see tiles.py."

from PIL import Image

from .finish import filled, finished, gray
from .images import to_picture, to_tensor
from .losses import short_shape
from .tiles import Statistics, seen_at, spread_tiles, tiles, whole_statistics

__all__ = ["paint_large"]

FILL = 1024  # px of the copy that tells what colours are around what is transparent


def paint_large(
    stylizer,  # a Stylizer
    image: Image.Image,  # RGB or RGBA
    side: int,  # px of a tile, a multiple of 4
    exact: bool,  # statistics of all tiles, not of a sample
    size: int | None,  # px of the short side to paint at
    mask: Image.Image | None,  # L, of the picture's size
    black,  # the style of what the mask leaves
    keep_colors: bool,
    **style,  # `style` and `strength` of Stylizer.paint
) -> Image.Image:  # RGB or RGBA
    "The picture, repainted tile by tile, in 8 bits a colour."
    photo = opaque(image)
    height, width = short_shape(photo.size[::-1], size) if size else photo.size[::-1]
    small = resized(photo, (width, height), Image.Resampling.BILINEAR)
    share, kept = (None, mask) if black is None else (mask.resize(small.size), None)

    def paint(tile, **whole):
        share_here = None if share is None else gray(share.crop(tile.outer))
        x = to_tensor(small.crop(tile.outer))
        return stylizer.paint(x, share=share_here, black=black, at=tile.outer[:2], **style, **whole)

    sample = tiles(small.size, side) if exact else spread_tiles(small.size)
    whole = {
        "known": whole_statistics(
            stylizer.net, sample, lambda tile, known: paint(tile, known=known)
        )
    }
    if stylizer.photo_share(style["strength"]):
        painted, of_photo = Statistics(), Statistics()
        for tile in sample:
            raw = seen_at(stylizer.net, lambda tile=tile: paint(tile, **whole), output=True)
            painted.add(tile.cut(raw))
            of_photo.add(to_tensor(small.crop(tile.core)))
        whole["exposure"] = [exposure(found, stylizer.device) for found in (painted, of_photo)]
    out = Image.new("RGB", small.size)
    for tile in tiles(small.size, side):
        out.paste(to_picture(tile.cut(paint(tile, **whole))), tile.core[:2])
    out = resized(out, photo.size, Image.Resampling.BICUBIC)
    if keep_colors or kept is not None:
        for box in (tile.core for tile in tiles(photo.size, side)):
            where = None if kept is None else gray(kept.crop(box))
            pair = (to_tensor(picture.crop(box)) for picture in (out, photo))
            out.paste(to_picture(finished(*pair, keep_colors, where)), box[:2])
    if image.mode == "RGBA":
        out.putalpha(image.getchannel("A"))
    return out


def resized(image, size, how):
    "Without a copy where it has that size: large pictures fill the memory."
    return image if image.size == tuple(size) else image.resize(size, how)


def opaque(image):
    "A picture whose transparent parts have the colours around them."
    if image.mode != "RGBA":
        return image
    small = image.copy()
    small.thumbnail((FILL, FILL))
    x = to_tensor(small)
    around = to_picture(filled(x[:, :3], x[:, 3:])).resize(image.size)
    return Image.composite(image.convert("RGB"), around, image.getchannel("A"))


def exposure(found, device):
    "Spread and mean of each channel, [1, 3, 1, 1] each."
    mean, variance = found.result().to(device)[..., None, None]
    return variance.clamp(min=0).sqrt()[None], mean[None]
