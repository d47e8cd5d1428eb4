"Paintings as networks and pixels learn them: in strokes of thick paint, or as they are."

from functools import lru_cache

from fastcore.basics import listify
from PIL import Image

from ..images.files import read_picture
from ..images.remote import Work
from ..images.shapes import fitted
from .brushwork import has_brushwork
from .paths import with_strokes

__all__ = ["count_in_strokes", "in_strokes"]

FEW_WORKS = 4  # of a style, that are painted anew: each takes some seconds
LEAST = 512  # px of the short side of what is painted anew


def in_strokes(
    works: list[Image.Image],  # of one style
    wanted: bool | None,  # True: anew; False: as they are; None: anew if they have brushwork
    short: int = 0,  # px of the short side that are needed, if more than 512
    longer: int = 0,  # px of the longer side instead
) -> list[Image.Image]:
    """Works of a style as they are learned.

    A photo of a painting shows its paint flat. Strokes of thick paint, lit from the side, can be
    seen at the size of what is painted, so that a style loss asks for them.
    """
    if wanted is False or len(works) > FEW_WORKS:
        return works
    return [
        _thick(Work.of(work), _short(work.size, short, longer))
        if wanted or has_brushwork(work)
        else work
        for work in works
    ]


def count_in_strokes(styles: list, wanted: bool | None) -> int:
    "How many works of styles, each an image, a path or a list, are painted anew."
    if wanted is False:
        return 0
    few = (works for works in map(listify, styles) if len(works) <= FEW_WORKS)
    return sum(wanted or has_brushwork(read_picture(work)) for works in few for work in works)


def _short(size, short, longer):
    "px of the short side: what is needed, and never enlarged."
    least, most = sorted(size)
    return min(least, max(LEAST, short, -(-longer * least // most)))


@lru_cache(maxsize=16)
def _thick(work, short):
    "A painting in strokes of thick paint, remembered for the next time."
    picture = work.source
    shape = fitted(picture.size, -(-short * max(picture.size) // min(picture.size)))
    return with_strokes(picture.resize(shape, Image.Resampling.LANCZOS), like=picture)
