"A photo in mixtures of styles, and in many styles."

import math
from collections.abc import Iterator

import torch
from fastcore.basics import chunked
from PIL import Image

from ..core.values import check_range, known
from ..images.files import read_picture
from ..images.shapes import fitted
from ..images.sheets import contact_sheet, labeled
from .options import STROKES
from .stylizer import Stylizer

__all__ = ["each_style", "style_grid", "style_sheet"]


def style_grid(
    paint: Stylizer,
    picture,  # the photo
    styles: list,  # names or indices: two for a row, four for the corners of a square
    n: int = 5,  # images per side
    **kwargs,  # see `Stylizer.__call__`
) -> Image.Image:
    """One photo in mixtures of styles: a row of two, or a square of four (Dumoulin et al. 2017).

    Raises `ValueError` for another number of styles, and what `Stylizer.__call__` does.
    """
    if len(styles) not in (2, 4):
        raise ValueError(f"Give two or four styles, not {len(styles)}.")
    check_range("n", n, 2)
    corners = torch.stack([paint.style_weights(style) for style in styles])
    corners, sheet = corners.view(-1, 2, corners.shape[1]), []
    picture = read_picture(picture)
    for down in range(n if len(corners) == 2 else 1):
        left, right = torch.lerp(corners[0], corners[-1], down / (n - 1))
        mixes = [torch.lerp(left, right, across / (n - 1)).tolist() for across in range(n)]
        sheet.append([paint(picture, mix, **kwargs) for mix in mixes])
    return contact_sheet(sheet)


def each_style(
    paint: Stylizer,
    picture,  # the photo
    size: int = 480,  # px of the longer side of an image
    **kwargs,  # see `Stylizer.__call__`
) -> Iterator[tuple[str, Image.Image]]:  # a name and an RGB image
    "The photo, and the photo in all styles, or in the one named as FILE:NAME."
    photo = read_picture(picture)
    # Strokes are as wide as in a large photo.
    stroke = known("stroke", kwargs.get("stroke", "medium"), STROKES)
    short = STROKES[stroke] or min(photo.size)
    longest = short * max(photo.size) / min(photo.size)
    photo = photo.resize(fitted(photo.size, max(size, round(longest))))
    yield "photo", photo.resize(fitted(photo.size, size))
    for name in paint.styles if paint.at_sight or not paint.named else [paint.named]:
        yield name, paint(photo, name, **kwargs).resize(fitted(photo.size, size))


def style_sheet(
    images: list[tuple[str, Image.Image]],  # of one size, as of `each_style`
) -> Image.Image:
    "Images with their names, in a rectangle that is about as wide as high."
    width, height = images[0][1].size
    columns = math.ceil(math.sqrt(len(images) * height / width))
    cells = [labeled(image, name) for name, image in images]
    return contact_sheet(list(chunked(cells, columns)))
