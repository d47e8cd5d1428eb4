"Paintings as a network learns them: in strokes of thick paint, or as they are."

from functools import lru_cache
from typing import Any

from fastcore.basics import listify

from ..images.files import read_picture, to_picture
from ..images.remote import Work
from ..images.tensors import to_tensor
from ..inference.brushwork import has_brushwork
from ..inference.strokes import with_strokes

__all__ = ["count_in_strokes", "in_strokes"]

FEW_WORKS = 4  # of a style, that are painted anew: each takes some seconds


def in_strokes(
    style: Any,  # a painting, or a list of works, as tensors
    wanted: bool | None,  # see recipes.Training
) -> Any:
    "A style as a network learns it: its works in strokes of thick paint, or as they are."
    if isinstance(style, list):
        return [in_strokes(work, wanted) for work in style] if len(style) <= FEW_WORKS else style
    picture = to_picture(style)  # a Work does not hold it
    anew = has_brushwork(picture) if wanted is None else wanted
    return _thick(Work.of(picture)) if anew else style


def count_in_strokes(styles: list, wanted: bool | None) -> int:
    "How many works of styles are painted anew, see `in_strokes`."
    if wanted is False:
        return 0
    few = [works for works in map(listify, styles) if len(works) <= FEW_WORKS]
    return sum(wanted or has_brushwork(read_picture(work)) for works in few for work in works)


@lru_cache(maxsize=16)
def _thick(work):
    "A painting in strokes of thick paint, remembered for the next training."
    return to_tensor(with_strokes(read_picture(work.source), like=work.source))
