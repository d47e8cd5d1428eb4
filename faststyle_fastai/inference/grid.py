"A photo in mixtures of styles."

import torch
from PIL import Image

from ..core.values import check_range
from ..images.files import read_picture
from ..images.sheets import contact_sheet
from .stylizer import Stylizer

__all__ = ["style_grid"]


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
