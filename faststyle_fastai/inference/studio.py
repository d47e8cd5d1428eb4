"The studio: one page that does everything that needs no training, in any browser."

import json
import re
from pathlib import Path

from PIL import ImageOps

from ..core.assets import builtin_path
from ..core.atomic import atomic_write
from ..images.files import read_picture
from ..images.saving import save_picture
from ..models.normalization import is_affine
from . import html
from .builtin import BUILTIN_STYLES, style_thumbnail
from .first_sight import any_style, lite, moments_of, together
from .links import ARCH, shared_networks, studio_address, widths
from .onnx import filled, packed
from .painter import PALETTE
from .stylizer import Stylizer

__all__ = ["export_studio"]

ICON, ICONS = "great_wave", (192, 512)  # a style's painting; sides in px
PAGE, MANIFEST, WORKER = "index.html", "manifest.webmanifest", "sw.js"
FILES = PAGE, MANIFEST, WORKER, *(f"icon-{side}.png" for side in ICONS)  # of a studio's folder


def export_studio(
    path: str | Path,  # .html, or a folder for a web server
) -> Path:
    """Write the studio, a page with all built-in styles that also paints like any painting.

    It needs no installation and no network. From a folder on a web server, browsers can install it
    as an app that starts without a network. Requires the extra `onnx`, without which it raises
    `FaststyleError`.
    """
    paint = Stylizer(builtin_path("gallery", ARCH), "cpu", "float32")
    sight, path = any_style(ARCH), Path(path)
    seen = together([moments_of(style_thumbnail(name))[1:] for name in BUILTIN_STYLES])
    rows = {"gallery": rows_of(paint.weights), "sight": rows_of(sight.styles(seen))}
    styles = [
        html.builtin_style(name)
        | {"palette": html.palette(paint, name)}
        | {"rows": {k: html.encoded(v[i]) for k, v in rows.items()}}
        for i, name in enumerate(BUILTIN_STYLES)
    ]
    facts = {
        "styles": styles,
        "networks": dict.fromkeys(rows, sum(widths())),  # -> numbers in a row
        "sight": "sight",  # the network for paintings that are read, in films and mixtures
        "palette": {"share": PALETTE},
        "shared": {"ids": shared_networks(), "widths": widths()},
        "studio": studio_address(),
        "sample": html.sample_of(paint, next(iter(BUILTIN_STYLES))),
    }
    programs = {
        "gallery": lambda: packed(filled("painter-slim", net=paint.net)),
        "sight": lambda: packed(filled("painter-slim", net=sight.net)),
        "reader": lambda: packed(filled("reader-slim", any_style=sight, backbone=lite())),
    } | html.neighbors_programs()
    if path.suffix.lower() == ".html":
        return html.write_page(path, None, facts, programs)
    page = html.write_page(path / PAGE, None, facts, programs, installable=True)
    write_app(path, html.page_words()["en"]["title"], page.read_text(encoding="utf-8"))
    return path


def rows_of(weights):
    "Scales and shifts of each style, as float32."
    affine = (part for name, part in weights.items() if is_affine(name))
    return [b"".join(part.detach().numpy().tobytes() for part in row) for row in zip(*affine)]


def write_app(folder, title, page):
    "Write what makes a page an app: its icons, its manifest and its service worker."
    icons = []
    for side in ICONS:
        image = ImageOps.fit(read_picture(style_thumbnail(ICON)), (side, side))
        icons.append({"src": f"icon-{side}.png", "sizes": f"{side}x{side}", "type": "image/png"})
        save_picture(image, folder / icons[-1]["src"])
    manifest = {
        "name": title, "short_name": "faststyle", "start_url": "./", "display": "standalone",
        "background_color": "#f5f3ef", "theme_color": "#9c3a1f", "icons": icons,
    }  # fmt: skip
    digest = re.sub(r"\W", "", html.sha256_of(page))[:16]  # a new page replaces what browsers keep
    for file, text in {
        MANIFEST: json.dumps(manifest, indent=1),
        WORKER: html.read(WORKER).replace("@@DIGEST@@", digest),
    }.items():
        with atomic_write(folder / file) as temporary:
            temporary.write_text(text, encoding="utf-8")
