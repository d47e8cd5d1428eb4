"What the page of photos shows: itself, and the styles to choose from."

from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path

from ..core.errors import FaststyleError
from ..images.formats import PICTURES
from ..inference.builtin import BUILTIN_STYLES
from ..inference.html import REMOTE, data_address, page_text, sample_of
from ..inference.options import AREAS, STROKES
from .guard import plain_reason
from .library import StyleLibrary

__all__ = ["Window"]

POLICY = (
    "default-src 'none'; script-src 'sha256-{digest}'; connect-src 'self'; img-src blob: data:; "
    "media-src blob:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)


class Window:
    "The page of photos, and the styles that it offers."

    def __init__(self, shelf: StyleLibrary, scratch: Path):
        self.shelf, self.scratch = shelf, scratch
        self.thumbnails = lru_cache(256)(data_address)

    def page(self) -> str:
        "The page that paints photos."
        facts = {
            "styles": self.styles(), "strokes": dict.fromkeys(STROKES), "areas": [*AREAS],
            "sight": True, "files": ",".join(["image/*", ".safetensors", *sorted(PICTURES)]),
            "sample": self.sample,
        }  # fmt: skip
        return page_text(REMOTE, POLICY, facts)

    @cached_property
    def sample(self):
        style = next(iter(BUILTIN_STYLES))
        return sample_of(self.shelf.find(style)[0], style)

    def styles(self) -> list[dict]:
        "What the page shows of each style."
        found = []
        for title, called in self.shelf.titles():
            with suppress(FileNotFoundError, FaststyleError):  # it has just been removed
                picture = self.shelf.thumbnail(self.scratch, called)
                found.append({
                    "name": called, "title": title, "painting": BUILTIN_STYLES.get(called, called),
                    "image": self.thumbnails(picture), "mixes": self.shelf.mixtures(called),
                    "known": self.shelf.painting_of(called) is not None,
                    "builtin": called in BUILTIN_STYLES,
                    "forgettable": self.shelf.painting(called) is not None,
                })  # fmt: skip
        return found

    def painting(self, request):
        "The thumbnail of a style."
        from starlette.responses import FileResponse, PlainTextResponse

        try:
            called = request.query_params.get("style")
            return FileResponse(self.shelf.thumbnail(self.scratch, called))
        except (FileNotFoundError, FaststyleError) as error:
            return PlainTextResponse(plain_reason(error), 404)
