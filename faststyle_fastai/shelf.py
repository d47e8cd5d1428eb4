"The styles that a page offers: those that ship, and those in a folder."

import re
import warnings
from functools import lru_cache
from pathlib import Path

from PIL import Image

from .errors import FaststyleError
from .files import whole_file
from .gallery import GALLERY, style_thumbnail
from .images import read_picture
from .stylefile import MODEL, load_style, shipped_path
from .stylizer import Stylizer

__all__ = ["Shelf"]


class Shelf:
    "Names of styles, with a network and a thumbnail for each; those of `folder` come first."

    def __init__(self, folder: str | Path, device=None, precision="auto"):
        self.folder = Path(folder)
        self.painter = lru_cache(4)(lambda file, _: Stylizer(file, device, precision=precision))

    def styles(self) -> dict[str, tuple[Path, str]]:
        "What each style is called here -> its file, and its name in it."
        found = {}
        files = [*self.folder.glob(f"*/{MODEL}"), *self.folder.glob("*.safetensors")]
        for file in sorted(files, key=lambda path: -path.stat().st_mtime):
            called = file.stem if file.parent == self.folder else file.parent.name
            names = _names_in(file, file.stat().st_mtime_ns)
            for name in names:
                found[called if len(names) == 1 else f"{called}: {name}"] = file, name
        return found | {name: (shipped_path("gallery", "full"), name) for name in GALLERY}

    def pictures(self) -> list[tuple[Image.Image, str]]:
        "A thumbnail of each style, and what it is called."
        return [(self._thumbnail(*found), called) for called, found in self.styles().items()]

    def _thumbnail(self, file, name):
        ships = file == shipped_path("gallery", "full")
        painting = style_thumbnail(name) if ships else file.with_name(f"{file.parent.name}.png")
        if not painting.is_file():
            return Image.new("RGB", (64, 64), "gray")
        picture = read_picture(painting, shortest=240)
        picture.thumbnail((240, 240))
        return picture

    def find(self, called: str) -> tuple[Stylizer, str]:
        "A style's network, and its name in it."
        if called not in (styles := self.styles()):
            raise FaststyleError(f"no style '{called}'.")
        file, name = styles[called]
        return self.painter(file, file.stat().st_mtime_ns), name

    def together(self, called: str) -> list[str]:
        "What the styles are called that one can be mixed with: the others of its file."
        styles = self.styles()
        file = styles.get(called, (None,))[0]
        return [other for other, found in styles.items() if found[0] == file and other != called]

    def place(self, name: str) -> Path:
        "Where a new style is to lie."
        name = plain_name(name)
        if not name:
            raise FaststyleError("the style needs a name.")
        place = self.folder / name
        if name in GALLERY or place.exists() or place.with_name(f"{name}.safetensors").exists():
            raise FaststyleError(f"there is a style {name} already: choose another name.")
        return place

    def add(self, file: str | Path) -> str:
        "Take in a network's file; the name of its first style."
        file = Path(file)
        _, info, _ = load_style(file)
        if not info["styles"]:
            raise FaststyleError(f"{file.name} is an autoencoder: it has no style.")
        place = self.place(file.stem)
        with whole_file(place.with_name(f"{place.name}.safetensors")) as temporary:
            temporary.write_bytes(file.read_bytes())
        several = len(info["styles"]) > 1
        return f"{place.name}: {info['styles'][0]}" if several else place.name


def plain_name(text: str) -> str:
    "A text as part of a file's name: of one that could lead elsewhere only the letters count."
    return re.sub(r"[^\w-]+", "_", text.strip()).strip("_")[:40]


@lru_cache
def _names_in(file, _written):
    try:
        return load_style(file)[1]["styles"]
    except (ValueError, OSError) as error:
        warnings.warn(f"left out: {error}", stacklevel=2)
        return []
