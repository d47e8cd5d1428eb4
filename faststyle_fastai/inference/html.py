"A trained network as a web page: one file that paints in any browser, offline."

import base64
import gzip
import hashlib
import html
import json
import re
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import ImageOps

from ..core.atomic import atomic_write
from ..core.errors import FaststyleError
from ..images.files import read_picture
from .builtin import BUILTIN_STYLES, style_thumbnail, style_title
from .onnx import export_onnx
from .options import AREAS, STROKES
from .painter import PALETTE
from .people import SURE
from .people_onnx import people_program

__all__ = ["export_html"]

VERSION = "1.30.0"  # of ONNX Runtime Web; tools/make_runtime.py fetches it
CDN = f"https://cdn.jsdelivr.net/npm/onnxruntime-web@{VERSION}/dist/"
THUMBNAIL = 160  # px
# Only the page's own script runs, and it reaches nothing outside the page.
POLICY = (
    "default-src 'none'; script-src 'sha256-{digest}' blob: 'wasm-unsafe-eval'; worker-src blob:; "
    "connect-src blob: data: {cdn}; img-src blob: data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)
BROWSER = Path(__file__).parent / "browser"


def export_html(
    paint,  # a Stylizer; for FILE:NAME or a built-in style, only that style is exported
    path: str | Path,  # .html
    cdn: bool = False,  # load ONNX Runtime Web from the network: 9 MB less, but not offline
) -> Path:
    """Write a page that repaints photos and the camera; requires the extra `onnx`.

    The page holds the network, with weights in float16, and ONNX Runtime Web (MIT license). It
    works from a disk or any web server. Photos stay on the visitor's device.
    """
    path = Path(path)
    if path.suffix != ".html":
        raise ValueError(f"{path}: the name of a web page must end in .html.")
    if not paint.styles:
        raise FaststyleError("An autoencoder only redraws photos: export a style.")
    with TemporaryDirectory() as folder:
        model = export_onnx(paint, Path(folder) / "style.onnx", "half").read_bytes()
    names = [paint.named] if paint.named is not None else paint.styles
    ships = list(paint.styles) == list(BUILTIN_STYLES)  # an own style may have a built-in name
    styles = [
        {
            "name": name,
            "title": style_title(name) if ships else name,
            "painting": BUILTIN_STYLES[name] if ships else "",
            "image": thumbnail(name) if ships else "",
            "palette": palette(paint, name),
        }
        for name in names
    ]
    strokes = {name: side or 0 for name, side in STROKES.items()}
    facts = {"styles": styles, "strokes": strokes, "areas": AREAS, "sure": SURE}
    code = read("page.js")
    parts = {
        "POLICY": POLICY.format(digest=sha256_of(code), cdn=CDN if cdn else ""),
        "TITLE": html.escape(styles[0]["title"] if len(styles) == 1 else "Paint your photos"),
        "FACTS": json.dumps(facts).replace("<", "\\u003c"),
        "MODEL": encoded(gzip.compress(model, mtime=0)),
        "PEOPLE": encoded(gzip.compress(people_program(), mtime=0)),
        "CDN": CDN if cdn else "",
        "WORKER": read("worker.js"),
        "ORT": "" if cdn else read("ort.js"),
        "MJS": "" if cdn else read("ort.mjs"),
        "WASM": "" if cdn else encoded((BROWSER / "ort.wasm.gz").read_bytes()),
        "PAGE": code,
    }
    page = re.sub("@@([A-Z]+)@@", lambda found: parts[found[1]], read("page.html"))
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def sha256_of(code):
    "How a policy names an inline script."
    return encoded(hashlib.sha256(code.encode()).digest())


def palette(paint, name):
    "What the worker needs to bring an image nearer to the painting's colors."
    found = paint.painter(name).palette
    return None if found is None else {"share": PALETTE, "moments": found[0].tolist()}


def thumbnail(name):
    "A built-in style's painting as a data address."
    image, data = read_picture(style_thumbnail(name)), BytesIO()
    ImageOps.fit(image, (THUMBNAIL, THUMBNAIL)).save(data, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{encoded(data.getvalue())}"


def encoded(data):
    return base64.b64encode(data).decode()


def read(name):
    return (BROWSER / name).read_text(encoding="utf-8")
