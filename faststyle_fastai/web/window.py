"What the page of photos shows: itself, and the styles to choose from."

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path

from PIL import Image

from ..core.assets import ASSETS
from ..core.errors import FaststyleError
from ..images.discovery import picture_files
from ..images.files import read_picture
from ..images.formats import PICTURES
from ..images.opening import most_pixels
from ..images.shapes import PAPERS
from ..inference.builtin import BUILTIN_STYLES
from ..inference.html import data_address, jpeg_address, page_text, sample_photo
from ..inference.links import studio_address
from ..inference.options import AREAS, STROKES
from .answers import UPLOAD, Route, responses
from .entries import file_of, steps_of, written
from .library import StyleLibrary
from .names import spoken, title
from .visits import file_name

__all__ = ["CURVE", "Window", "page_route", "types"]

NAME = "faststyle"
RUN, CURVE = "run.json", "loss.png"  # of a training's folder
KINDS = "JPEG", "PNG", "WEBP", "AVIF"  # of files; Pillow may lack the last
# The sample in the first style; tools/make_pictures.py paints it.
PAINTED = ASSETS / "cat-painted.webp"
ENLARGED = 2  # times the size of the sample, which is then painted in finer strokes
# Only its own scripts run, and they call only their own server.
POLICY = (
    "default-src 'none'; script-src {digests}; connect-src 'self'; img-src blob: data:; "
    "media-src blob:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)


def types() -> dict[str, str]:
    "What the page can save a picture as: name of a type -> ending."
    Image.init()
    return {f"image/{kind.lower()}": f".{kind.lower()}" for kind in KINDS if kind in Image.SAVE}


def page_route(scripts: Sequence[str], facts: Callable[[], dict]):
    "A page of these scripts."
    return Route("/", lambda _: responses.HTMLResponse(page_text(scripts, POLICY, facts(), NAME)))


class Window:
    "The page of photos, and the styles that it offers."

    def __init__(self, shelf: StyleLibrary, scratch: Path, folders: dict[str, Path]):
        self.shelf, self.scratch = shelf, scratch
        self.photos = [(name, len(picture_files(folder))) for name, folder in folders.items()]
        self.thumbnails = lru_cache(2048)(data_address)

    def facts(self) -> dict:
        "What the page needs to know."
        return {
            "styles": self.styles(), "strokes": dict.fromkeys(STROKES), "areas": [*AREAS],
            "sight": True, "files": ",".join(["image/*", ".safetensors", *sorted(PICTURES)]),
            "sample": self.sample, "photos": self.photos, "types": [*types()],
            "studio": studio_address(), "most": most_pixels(), "papers": PAPERS,
            "upload": UPLOAD,
        }  # fmt: skip

    @cached_property
    def sample(self):
        return [*map(jpeg_address, (sample_photo(ENLARGED), read_picture(PAINTED)))]

    def styles(self) -> list[dict]:
        "What the page shows of each style."
        found, all_of = [], self.shelf.styles()
        for called, (file, _) in all_of.items():
            with suppress(OSError, ValueError, FaststyleError):  # it was removed, or is damaged
                picture = self.shelf.thumbnail(self.scratch, called, all_of)
                found.append({
                    "name": called, "title": title(called), "version": written(file),
                    "painting": BUILTIN_STYLES.get(called, called),
                    "image": self.thumbnails(picture),
                    "file": "" if called in BUILTIN_STYLES else file_name(called),
                    "known": self.shelf.painting_of(called, all_of) is not None,
                    "builtin": called in BUILTIN_STYLES,
                    "forgettable": self.shelf.painting(called, all_of) is not None,
                })  # fmt: skip
        return found

    def own(self, busy: list[str]) -> list[dict]:
        "What the page shows of each style that was added."
        known, found = self.shelf.styles(), []
        for name, path in self.shelf.own().items():
            late = not file_of(path).exists() and name not in busy  # an interrupted training
            at_sight = name in busy or self.shelf.painting(name, known)
            uses = next((one for one in known if one == name or one.startswith(f"{name}: ")), None)
            with suppress(OSError, ValueError, FaststyleError):  # it was removed, or is damaged
                picture = self.shelf.thumbnail(self.scratch, name, known)
                found.append({
                    "name": name, "title": spoken(name), "image": self.thumbnails(picture),
                    "kind": "late" if late else "sight" if at_sight else "taught", "uses": uses,
                    "learned": path.is_dir() and name not in busy,
                    "steps": steps_of(path / RUN, written(path / RUN)),
                    "curve": (path / CURVE).is_file(),
                })  # fmt: skip
        return found
