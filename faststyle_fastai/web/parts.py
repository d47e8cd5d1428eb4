"What several tabs of the page share."

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from ..images.files import read_picture
from ..inference.options import AREAS
from .gradio import gr
from .guard import reason
from .jobs import Queue
from .library import StyleLibrary

__all__ = [
    "PHOTO_STYLE",
    "WAYS",
    "Site",
    "area_field",
    "fetch",
    "hidden_file",
    "image_field",
    "paint_with",
    "refused",
    "shell",
    "show_with",
    "style_cards",
    "style_update",
]

# The style that the page of photos shows: a chosen one is in its address.
PHOTO_STYLE = (
    "(decodeURIComponent(document.getElementById('studio').contentWindow.location.hash.slice(1))"
    " || JSON.parse(sessionStorage.settings ?? '{}').style)"
)
# For who wonders which way to take.
WAYS = """How close to a painting, and how fast:

- *Your painting*: a second, for any photo
- *Refine*: 20 seconds, for one photo
- *Teach*: minutes, for all photos and films
- *Finest*: minutes, for one photo, with the finest strokes
"""
CHOOSE = """(style) =>
  document.getElementById("studio").contentWindow.postMessage({ style }, location.origin)"""


class Site(NamedTuple):
    "What the tabs of a page share."

    page: gr.Blocks
    scratch: Path  # the page's own folder, removed with it
    shelf: StyleLibrary
    queue: Queue
    where: dict  # device and precision

    def copied(self, file: Path) -> str:
        "A copy of a file for a field, which may show files of the page's own folder only."
        copy = self.scratch / uuid4().hex / file.name
        copy.parent.mkdir()
        return str(shutil.copy(file, copy))

    def start_and_stop(self, label: str, kind: type, stop_name: str, needs) -> Callable[..., Any]:
        """A button that starts jobs of a kind, and one that stops the visitor's, as leaving does.

        Returns `click` of the first one. It is enabled once the fields `needs` are filled and no
        such job is open. While one is, the second button is shown.
        """
        start = gr.Button(label, variant="primary", interactive=False)
        stop = gr.Button("Stop", variant="stop", visible=False)

        def end(request: gr.Request):
            for job in self.queue.open(kind, request.session_hash):
                self.queue.end(job)

        def begun():
            return gr.update(interactive=False), gr.update(visible=True)

        def now(request: gr.Request, *filled):
            runs = bool(self.queue.open(kind, request.session_hash))
            return gr.update(interactive=all(filled) and not runs), gr.update(visible=runs)

        both = {"outputs": [start, stop], "api_name": False, "show_progress": "hidden"}

        def click(work, *fields, **how):
            ran = start.click(begun, **both).then(work, *fields, **how)
            for ended in (ran.success, ran.failure):
                ended(now, needs, **both)

        for field in needs:
            field.change(now, needs, **both)
        stop.click(end, api_name=stop_name)
        self.page.unload(end)
        return click


def area_field(value: str = "all"):
    "Build the choice of what to paint."
    return gr.Radio([(said, name) for name, said in AREAS.items()], value=value, label="Paint")


def image_field(**how):
    """Build a field for an image; functions get the path of its file.

    gradio would read and convert the file first. We do so later, in full depth, and say what is
    wrong with it.
    """
    field = gr.Image(type="filepath", sources=["upload", "clipboard"], **how)
    field.preprocess = lambda sent: sent and sent.path
    return field


def refused(file, read: Callable[[str], Any] = read_picture) -> str:
    "A status that says why a file cannot be used; nothing if it can."
    try:
        if file:
            read(file)
    except Exception as error:
        return f'<span class="bad">{reason(error)}</span>'
    return ""


def shell(title: str) -> tuple[gr.Row, gr.Column, gr.Column]:
    "Lay out a tab as the page of photos: a bar on top, a large picture, and settings beside it."
    with gr.Row(elem_classes="bar") as bar:
        gr.HTML(f"<h2>{title}</h2>")
    with gr.Row(elem_classes="shell"):
        with gr.Column(elem_classes="stage") as stage:
            pass
        with gr.Column(elem_classes="side") as side:
            pass
    return bar, stage, side


def style_cards(choices, value=None, **how):
    """Build a choice of styles that shows their paintings; the page's script adds these.

    gradio would refuse a style that is newer than the field. The library knows which there are.
    """
    field = gr.Radio(choices, value=value, label="Style", elem_classes="cards", **how)
    field.preprocess = lambda called: called
    return field


def style_update(titles, value=None, **how):
    "A choice of current styles that keeps `value` if it still exists."
    names = [name for _, name in titles]
    value = value if value in names else next(iter(names), None)
    return gr.Radio(titles, value=value, **how)


def paint_with(style, button, tabs):
    "Let a button open the first tab in the style that a field names."
    used = button.click(lambda: gr.Tabs(selected="photo"), None, tabs, api_name=False)
    used.then(None, style, None, js=CHOOSE, api_name=False)


def show_with(part, picture):
    "Show a part of the page once there is a picture."
    how = {"api_name": False, "show_progress": "hidden"}
    picture.change(lambda: gr.update(visible=True), None, part, **how)


def hidden_file(name):
    "A hidden button for a file that is generated on demand; see `fetch`."
    return gr.DownloadButton(elem_id=name, elem_classes="unseen")


def fetch(made, file):
    "Let the browser download the file of a hidden button once the event `made` has filled it."
    script = f"() => document.querySelector('#{file.elem_id}').click()"
    made.success(None, js=script, api_name=False)
