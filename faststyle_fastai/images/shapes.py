"Sizes of images."

import math

from ..core.errors import UsageError

__all__ = ["INCH", "LONGEST", "PAPERS", "fitted", "pixels_per_inch", "same_shape", "short_shape"]

LONGEST = 16_384  # px; enlarging a long, narrow image would fill the memory

INCH = 25.4  # mm
PAPERS = {  # short and long side in mm
    "a2": (420, 594), "a3": (297, 420), "a4": (210, 297), "a5": (148, 210), "a6": (105, 148),
    "letter": (215.9, 279.4),
}  # fmt: skip


def same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    "Whether two sizes have one aspect ratio, but for a rounded pixel of the smaller one."
    scale = other[1] / one[1]
    return abs(one[0] * scale - other[0]) <= max(1, scale)


def pixels_per_inch(
    size: tuple[int, int],  # width, height
    paper: str,  # a key of `PAPERS`
) -> float:
    "The resolution of an image as large as fits on a paper, which is turned as the image is."
    return INCH * max(px / mm for px, mm in zip(sorted(size), PAPERS[paper]))


def fitted(
    size: tuple[int, int],  # width, height
    longest: int,  # px
    enlarge: bool = False,
) -> tuple[int, int]:
    "An image's width and height with the longer side limited to `longest`."
    scale = longest / max(size)
    if scale > 1 and not enlarge:
        return size[0], size[1]
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def short_shape(
    shape: tuple[int, int],  # height, width
    size: int,  # px of the shorter side of the result
) -> tuple[int, int]:
    "Height and width at a shorter side of `size`; `ValueError` for very long images."
    if not 1 <= size < math.inf:
        raise UsageError(f"Invalid size={size}. Use px, at least 1.")
    scale = size / min(shape)
    small = max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
    if max(small) > max(LONGEST, *shape):
        (height, width), (down, across) = shape, small
        raise ValueError(
            f"{width}x{height} px at {size} px would be {across}x{down} px: too long. Crop it."
        )
    return small
