"Names of styles: as people write them, and as files have them."

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from string import capwords

from ..inference.builtin import BUILTIN_STYLES, style_title

__all__ = [
    "MANY", "builtin_names", "named_after", "numbered", "own_name", "plain_name", "spoken", "title",
]  # fmt: skip

DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)\d)", re.IGNORECASE)  # of Windows
LONGEST, MANY = 40, 1000  # characters of a name, and paintings of one name


def numbered(name: str) -> Iterator[str]:
    "NAME, NAME-2, NAME-3, …"
    for i in range(1, MANY):
        end = f"-{i}" if i > 1 else ""
        yield f"{name[: LONGEST - len(end)]}{end}"


@lru_cache
def builtin_names():
    "The names and titles of the built-in styles, which no other style may have."
    works = [title(name).split(" · ")[0] for name in BUILTIN_STYLES]
    return {name.casefold() for name in [*map(spoken, BUILTIN_STYLES), *works]}


def own_name(name: str) -> str:
    "A name for a file that is not a built-in style's."
    taken = spoken(name).casefold() in builtin_names()
    return plain_name(f"My_{name}" if taken else name) or "style"  # clearer than a number


def spoken(name: str) -> str:
    "A name as it was typed, or nearly: `plain_name` makes underscores."
    return name.replace("_", " ")


def named_after(file: str | Path) -> str:
    "The name of a style that a file gives it: `the-sea.jpg` is The Sea."
    name = re.sub(r"[-_]+", " ", Path(file).stem)
    return plain_name(capwords(name) if name == name.lower() else name) or "painting"


def title(called: str) -> str:
    "The title of a style, followed by the name of its file if several styles are in it."
    file, _, name = called.rpartition(": ")
    said = style_title(name) if file or name in BUILTIN_STYLES else spoken(name)
    return f"{said} ({file})" if file else said


def plain_name(text: str) -> str:
    "Make `text` safe as part of a file name: other characters become underscores."
    text = unicodedata.normalize("NFC", text.strip())  # macOS has letters and accents apart
    name = re.sub(r"[^\w-]+", "_", text)[:LONGEST].strip("_")
    return f"{name}-" if DEVICE.fullmatch(name) else name
