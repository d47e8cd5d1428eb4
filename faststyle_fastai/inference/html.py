"A trained network as a web page: one file that paints in any browser, offline."

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from fastcore.basics import listify
from PIL import ImageOps

from ..core.assets import ASSETS
from ..core.atomic import atomic_write
from ..core.errors import FaststyleError
from ..images.files import read_picture, to_picture
from ..images.shapes import PAPERS
from ..images.sizes import short_tensor
from ..models.decoder import load_decoder
from ..models.people import people_net
from .builtin import BUILTIN_STYLES, style_thumbnail, style_title
from .onnx import export_onnx, filled, packed
from .options import AREAS, STROKES
from .painter import PALETTE
from .people import SURE
from .sight_painter import SIDE, backbone
from .stylizer import Stylizer, stylizer_of

__all__ = ["export_html"]

VERSION = "1.30.0"  # of ONNX Runtime Web; tools/make_runtime.py fetches it
THUMBNAIL = 160  # px
SAMPLE = ASSETS / "cat.jpg"
# Only the page's own scripts run, with what they make, and they reach nothing outside the page.
POLICY = (
    "default-src 'none'; script-src {digests} blob: data: 'wasm-unsafe-eval'; "
    "worker-src blob:{app}; "
    "connect-src blob: data:; img-src blob: data:; media-src blob:; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
APP = " 'self'; manifest-src 'self'"  # in the policy of an app
MANIFEST = '<link rel="manifest" href="manifest.webmanifest">'
BROWSER = Path(__file__).parent / "browser"
DATA = '<script type="text/plain" id="{}">{}</script>'
SHARED = (
    "picture.js", "camera.js", "player.js", "film.js", "saving.js", "strip.js", "opening.js",
    "batch.js", "link.js", "zoom.js", "settings.js", "made.js", "page.js",
)  # fmt: skip
PHOTOS = "booth.js", "sharing.js"  # for which photos are opened
LOCAL = "common.js", "memory.js", "local.js", "webm.js", *SHARED, *PHOTOS
REMOTE = "common.js", "remote.js", "jobs.js", *SHARED, "closer.js", *PHOTOS, "mine.js"
LENS = "common.js", "remote.js", *SHARED, "lens.js"  # the camera alone
# What only a page with a server behind it has.
PARTS = {part.upper(): f"{part}.html" for part in ("navigation", "closer", "views")}
WORKER = "memory.js", "palette.js", "resample.js", "faces.js", "strokes.js", "worker.js"


def export_html(
    source: Any,  # a Stylizer, or what makes one; FILE:NAME and built-in styles are exported alone
    path: str | Path,  # .html
) -> Path:
    """Write a page that repaints photos and the camera; requires the extra `onnx`.

    The page holds the network, with weights in float16, and ONNX Runtime Web (MIT license). It
    works from a disk or any web server. Photos stay on the visitor's device.

    Raises `ValueError` for another ending than .html, and `FaststyleError` for an autoencoder and
    if the extra is missing.
    """
    paint = stylizer_of(source)
    if not paint.styles:
        raise FaststyleError("An autoencoder only redraws photos: export a style.")
    names = paint.styles if paint.at_sight or paint.named is None else [paint.named]
    ships = list(paint.styles) == list(BUILTIN_STYLES)  # an own style may have a built-in name
    own = {"painting": "", "image": ""}
    styles = [
        (builtin_style(name) if ships else {"name": name, "title": name} | own)
        | {"palette": palette(paint, name), "rows": {"style": i}}
        for i, name in enumerate(names)
    ]
    title = styles[0]["title"] if len(styles) == 1 else None
    facts = {
        "styles": styles,
        "networks": {"style": len(styles)},
        "sample": sample_of(paint, names[0]),
    }
    programs: dict[str, Callable] = {"style": partial(program_of, paint)}
    if paint.at_sight and len(names) == 1 and len(works := listify(paint.paintings[names[0]])) == 1:
        work = read_picture(works[0])
        places = to_picture(short_tensor(work, min(SIDE, *work.size)))
        styles[0]["work"] = jpeg_address(places, 95)  # which photos take
        programs |= neighbors_programs()
    return write_page(path, title, facts, programs)


def builtin_style(name):
    "What a page says of a built-in style."
    return {
        "name": name,
        "title": style_title(name),
        "painting": BUILTIN_STYLES[name],
        "image": data_address(style_thumbnail(name)),
    }


def write_page(
    path: str | Path,  # .html
    title: str | None,  # None: the page's own
    facts: dict,  # what local.js and page.js need to know
    programs: dict,  # name of a network -> a function that makes its .onnx file
    installable: bool = False,  # the page has a manifest and a service worker beside it
) -> Path:
    "Write a page around networks."
    path = Path(path)
    if path.suffix.lower() != ".html":
        raise ValueError(f"{path}: the name of a web page must end in .html.")
    programs = {**programs, "people": people_program}
    zipped = {f"program-{k}": gzip.compress(make(), mtime=0) for k, make in programs.items()}
    strokes = {name: side or 0 for name, side in STROKES.items()}
    facts = {
        **facts, "programs": [*programs], "strokes": strokes, "areas": [*AREAS], "sure": SURE,
        "papers": PAPERS,
    }  # fmt: skip
    policy = POLICY.replace("{app}", APP * installable)
    page = page_text(
        LOCAL, policy, facts, title,
        MANIFEST=MANIFEST * installable,
        PROGRAMS=embedded({name: encoded(data) for name, data in zipped.items()}),
        WORKER=joined(WORKER),
        RUNTIME=runtime(),
    )  # fmt: skip
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def page_text(
    scripts: Sequence[str],  # files in `BROWSER`; the first runs before all data are there
    policy: str,  # the page's Content-Security-Policy, with {digests} for its scripts
    facts: dict,  # what the scripts need to know
    title: str | None = None,  # None: the page's own
    **parts: str,  # of page.html
) -> str:
    "The page that paints photos."
    first, code, words = read(scripts[0]), joined(scripts[1:]), page_words(scripts != LOCAL)
    digests = " ".join(f"'sha256-{sha256_of(each)}'" for each in (first, code))
    if scripts == REMOTE:
        parts |= {part: read(file) for part, file in PARTS.items()}
    parts |= {
        "POLICY": policy.replace("{digests}", digests),
        "DIGESTS": digests,
        "STYLESHEET": joined(("page.css", "sizes.css")),
        "TITLE": html.escape(title or words["en"]["title"]),
        "WORDS": safe_json(words, ensure_ascii=False),
        "FACTS": safe_json(facts),
        "FIRST": first,
        "PAGE": code,
    }
    return re.sub("@@([A-Z]+)@@", lambda found: parts.get(found[1], ""), read("page.html"))


def page_words(served: bool = False) -> dict[str, dict]:
    "What the page says, by language; if it is served, in the words for that."
    files = sorted((BROWSER / "words").glob("*.json"))
    words = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
    if served:
        for said in words.values():
            said |= {key[:-6]: said.pop(key) for key in [*said] if key.endswith("Served")}
    return words


def neighbors_programs() -> dict[str, Callable]:
    "The functions that make what a page needs to paint with places of a painting, by their names."
    return {
        "places": lambda: packed(filled("places", backbone=backbone(torch.device("cpu"))), "int8"),
        "neighbors": lambda: packed(filled("neighbors-slim", net=load_decoder("slim")), "int8"),
    }


def people_program() -> bytes:
    "The program that finds people and faces."
    return packed(filled("people", **{name: people_net(name) for name in ("person", "face")}))


def program_of(paint):
    "A Stylizer's network as a small ONNX program."
    with TemporaryDirectory() as folder:
        return export_onnx(paint, Path(folder) / "style.onnx", "half").read_bytes()


def runtime():
    "ONNX Runtime Web: one build for all browsers, one for those that reach a graphics card."
    parts = {}
    for build in ("cpu", "gpu"):
        parts[f"ort-{build}"] = read(f"ort-{build}.js")
        parts[f"mjs-{build}"] = read(f"ort-{build}.mjs")
        parts[f"wasm-{build}"] = encoded((BROWSER / f"ort-{build}.wasm.gz").read_bytes())
    return embedded(parts)


def embedded(parts):
    "Data inside a page, by their names."
    return "\n".join(DATA.format(*part) for part in parts.items())


def safe_json(value, **how):
    return json.dumps(value, **how).replace("<", "\\u003c")


def sha256_of(code):
    "How a policy names an inline script."
    return encoded(hashlib.sha256(code.encode()).digest())


def palette(paint, name):
    "What the worker needs to bring an image nearer to the painting's colors."
    found = paint.painter(name).palette
    return None if found is None else {"share": PALETTE, "moments": found[0].tolist()}


def sample_photo(scale: float = 1):
    "The photo that a page shows before one is opened."
    return ImageOps.scale(read_picture(SAMPLE), scale)


def sample_of(paint: Stylizer, style: str) -> list[str]:
    "The sample and its painted version, inside a page."
    photo = sample_photo()
    return [jpeg_address(photo), jpeg_address(paint(photo, style).convert("RGB"))]


def data_address(file: Path) -> str:
    "A thumbnail of an image file, inside a page."
    return jpeg_address(ImageOps.fit(read_picture(file), (THUMBNAIL, THUMBNAIL)))


def jpeg_address(image, quality=85):
    data = BytesIO()
    image.save(data, "JPEG", quality=quality)
    return f"data:image/jpeg;base64,{encoded(data.getvalue())}"


def encoded(data):
    return base64.b64encode(data).decode()


def joined(names):
    return "\n".join(map(read, names))


def read(name):
    return (BROWSER / name).read_text(encoding="utf-8")
