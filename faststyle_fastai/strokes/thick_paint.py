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
LARGEST = 512  # px of the short side of what is painted anew


def in_strokes(
    works: list[Image.Image],  # of one style
    wanted: bool | None,  # True: anew; False: as they are; None: anew if they have brushwork
) -> list[Image.Image]:
    """Works of a style as they are learned.

    A photo of a painting shows its paint flat. Strokes of thick paint, lit from the side, can be
    seen at the size of what is painted, so that a style loss asks for them.
    """
    anew = [_wanted(works, work, wanted) for work in works]
    return [_thick(Work.of(work)) if each else work for work, each in zip(works, anew)]


def count_in_strokes(styles: list, wanted: bool | None) -> int:
    "How many works of styles, each an image, a path or a list, are painted anew."
    styles = [[read_picture(work) for work in listify(works)] for works in styles]
    return sum(_wanted(works, work, wanted) for works in styles for work in works)


def _wanted(works, work, wanted):
    few = len(works) <= FEW_WORKS
    return few and (has_brushwork(work) if wanted is None else wanted)


@lru_cache(maxsize=16)
def _thick(work):
    "A painting in strokes of thick paint, remembered for the next time."
    picture = work.source
    shape = fitted(picture.size, LARGEST * max(picture.size) // min(picture.size))
    return with_strokes(picture.resize(shape, Image.Resampling.LANCZOS), like=picture)
