"How an image is painted: options declared once, for Python, the command line and the page."

import math
from dataclasses import dataclass, field, fields
from typing import Any

from ..core.values import check_kind, check_range, either, known
from ..images.shapes import short_shape

__all__ = ["AREAS", "FACES", "STROKES", "PaintOptions", "painting_shape"]

STROKES = {  # name -> px of the short side that larger images are painted at
    "finest": None,  # no image is reduced
    "fine": 1024,
    "medium": 640,
    "broad": 400,
    "broadest": 256,
}
# What can be painted of a photo
AREAS = {"all": "everything", "person": "the person", "background": "the background"}
# Whether the features of faces are drawn as in the photo, or painted like everything else
FACES = "natural", "painted"


def option(default, help, **limits):  # limits and metavar as in typer.Option
    return field(default=default, metadata={"help": help, **limits})


@dataclass(frozen=True)
class PaintOptions:
    """The options of painting, given as keywords: `paint("me.jpg", stroke="broad", exact=True)`.

    `Stylizer`, `paint_video` and `paint_bulk` take them so; `virtual_camera` takes an instance.
    Raises `ValueError` for text instead of a number or the reverse, an unknown `area`, `faces` or
    `stroke`, a `strength` or `size` out of range, and `black` without `mask` or `area`; an unknown
    option is a `TypeError`. `style`, `mask` and `tile` are checked when an image is painted. A
    warning tells if no person is found. With `mask` and `area`, what is in both is painted.
    """

    style: Any = None  # a name, an index, a mix {name: weight} or [weight, …]; None: the named one
    strength: float = option(  # 0 is the photo as the base redraws it, not bit for bit
        1.0, "Strength from 0 (the original) to 1 (the style).", metavar="SHARE", min=0, max=1
    )
    mask: Any = option(  # a path, an image, an array [H, W] or a tensor [H, W] or [1, 1, H, W], in
        # [0, 1] or uint8; grays blend; one for a whole batch, resized to the photos with a warning
        None,
        "Gray image. White areas are painted, black areas stay unchanged.",
        metavar="FILE",
    )
    area: str = option(
        "all", f"What to paint: {either(AREAS)}. People are found by their faces.", metavar="WHAT"
    )
    black: Any = option(  # one of this Stylizer's, as in `style`
        None, "Style for what is not painted: the black areas of --mask, or the rest of --paint.",
        metavar="STYLE",
    )  # fmt: skip
    faces: str = option(
        "natural", "Faces: natural (features as in the photo) or painted (like everything else).",
        metavar="HOW",
    )  # fmt: skip
    stroke: str = option(
        "medium", f"Width of the brush strokes: {either(STROKES)}.", metavar="WIDTH"
    )
    size: int | None = option(
        None, "Short side to paint at in px. Replaces --stroke.", metavar="PX", min=8
    )
    strokes: bool = option(
        False,
        "Paint the result with strokes of thick paint, as wide as the painting's if it is known. "
        "Slower.",
    )
    keep_colors: bool = option(False, "Keep the colors of the original.")
    tile: str | int | None = option(  # an int is a multiple of 4; tiles have 8-bit output
        "auto", "Side of the tiles in px, auto (if large or memory is short) or none.", metavar="PX"
    )
    exact: bool = option(
        False, "Measure the whole image, not a sample, before painting tiles. Slower."
    )

    def __post_init__(self):
        for each in fields(self):
            value, limits = getattr(self, each.name), each.metadata
            check_kind(each.name, value, each.type)
            if "min" in limits:
                check_range(each.name, value, limits["min"], limits.get("max", math.inf))
        known("area to paint", self.area, AREAS)
        known("way to paint faces", self.faces, FACES)
        known("stroke", self.stroke, STROKES)
        if self.black is not None and self.mask is None and self.area == "all":
            raise ValueError(
                "A background style (black=) needs a mask (mask=), or an area to paint (area=)."
            )


def painting_shape(
    shape: tuple[int, int],  # height and width of an image
    stroke: str,  # a row of options.STROKES
    size: int | None,  # px of the short side, overrides `stroke`
) -> tuple[int, int]:
    "Height and width that an image is painted at."
    most = STROKES[stroke]
    if size:
        return short_shape(shape, size)
    return short_shape(shape, most) if most and min(shape) > most else (shape[0], shape[1])
