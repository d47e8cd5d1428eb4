"What several tabs of the page share."

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ..inference.options import AREAS
from .gradio import gr
from .jobs import Queue
from .library import StyleLibrary

__all__ = ["Site", "area_field", "fetch", "hidden_file", "image_field", "style_strip"]


class Site(NamedTuple):
    "What the tabs of a page share."

    page: gr.Blocks
    scratch: Path  # the page's own folder, removed with it
    shelf: StyleLibrary
    queue: Queue
    where: dict  # device and precision

    def start_and_stop(self, label: str, kind: type, stop_name: str) -> Callable[..., Any]:
        """A button that starts jobs of a kind, and one that stops the visitor's, as leaving does.

        Returns `click` of the first one. While there is such a job, only the second one is enabled.
        """
        with gr.Row():
            start = gr.Button(label, variant="primary")
            stop = gr.Button("Stop", variant="stop", interactive=False)

        def end(request: gr.Request):
            for job in self.queue.open(kind, request.session_hash):
                job.stop.set()

        def enabled(runs):
            return gr.update(interactive=not runs), gr.update(interactive=runs)

        def left(request: gr.Request):
            return enabled(bool(self.queue.open(kind, request.session_hash)))

        def click(work, *fields, **how):
            both = {"outputs": [start, stop], "api_name": False, "show_progress": "hidden"}
            begun = start.click(partial(enabled, True), **both)
            ran = begun.then(work, *fields, **how)
            for ended in (ran.success, ran.failure):
                ended(left, **both)

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


def style_strip():
    "Build a row of styles to choose from."
    return gr.Gallery(
        object_fit="cover", show_label=False, height=150, allow_preview=False,
        interactive=False, buttons=[], elem_classes="styles",
    )  # fmt: skip


def hidden_file(name):
    "A hidden button for a file that is generated on demand; see `fetch`."
    return gr.DownloadButton(elem_id=name, elem_classes="unseen")


def fetch(made, file):
    "Let the browser download the file of a hidden button once the event `made` has filled it."
    script = f"() => document.querySelector('#{file.elem_id}').click()"
    made.success(None, js=script, api_name=False)
