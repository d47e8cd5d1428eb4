"The tab of the page for a visitor's own styles: rename, delete, download, resume."

import shutil
from functools import partial
from uuid import uuid4

from ..core.errors import FaststyleError
from ..inference.html import export_html
from ..inference.stylizer import Stylizer
from ..models.stylefile import MODEL
from ..training.run_folder import record_of
from ..training.runs import train
from .jobs import TrainingJob
from .parts import fetch, hidden_file, style_strip

__all__ = ["shelf_tab"]

IDLE = "Styles that you train or add appear here."
ASK = "(name) => name && confirm(`Delete ${name}? It cannot be restored.`) ? name : null"


def shelf_tab(gr, shelf, scratch, paint, *, where, queue):
    "Build the tab; returns the function that looks for styles, and its outputs."

    pictures = style_strip(gr)
    chosen = gr.Dropdown([], label="Style")
    said = gr.Markdown(IDLE, elem_id="shelved")
    with gr.Row(equal_height=True):
        new = gr.Textbox(label="New name", scale=3)
        rename = gr.Button("Rename")
    with gr.Row():
        resume = gr.Button("Resume the training", visible=False)
        network = gr.Button("Download the network (.safetensors)")
        page = gr.Button("Download as a web page (.html)")
        delete = gr.Button("Delete", variant="stop")
    file = hidden_file(gr, "shelf-file")
    seen = [pictures, chosen, paint.gallery, paint.style]

    def look(value=None):
        busy = queue.busy()
        names = list(shelf.own(busy))
        return (
            shelf.own_pictures(scratch, busy),
            gr.Dropdown(names, value=value or next(iter(names), None)),
            gr.Gallery(shelf.pictures(scratch), selected_index=None),  # they have moved
            gr.Dropdown(shelf.titles()),
        )

    def resumable(name):
        path = shelf.own().get(name)
        return gr.Button(visible=bool(path and path.is_dir() and not (path / MODEL).exists()))

    def idle(name):
        if name in queue.busy():
            raise FaststyleError(f"{name} is being trained: stop it first.")
        return name

    def renamed(name, new):
        now = shelf.rename(idle(name), new)
        return f"{name} is now {now}.", "", *look(now)

    def deleted(name):
        if name is None:  # not confirmed
            return [gr.skip()] * (1 + len(seen))
        shelf.remove(idle(name))
        return f"{name} is deleted.", *look()

    def resumed(name, request: gr.Request):
        place = shelf.own()[idle(name)]
        watch = TrainingJob()
        work = partial(resume_training, place, cbs=watch, quiet=True, **where)
        queue.add(name, watch, work, request.session_hash)
        return f"{name} resumes: see the Train tab.", *look()

    def packed(name, suffix):
        "A copy of a style's file, or its web page; the page may offer its own folder only."
        out = scratch / uuid4().hex / f"{name}{suffix}"
        out.parent.mkdir()
        source = shelf.network(name)
        if suffix == ".html":
            export_html(Stylizer(source, "cpu"), out)
        else:
            shutil.copy(source, out)
        return out, f"{out.name} is in your downloads."

    def choose(event: gr.SelectData):
        return event.value["caption"].removesuffix(" (interrupted)")

    pictures.select(choose, outputs=chosen, api_name=False)
    chosen.change(resumable, chosen, resume, api_name=False)
    rename.click(renamed, [chosen, new], [said, new, *seen], api_name="rename")
    delete.click(deleted, chosen, [said, *seen], js=ASK, api_name="delete")
    resume.click(resumed, chosen, [said, *seen], api_name="resume")
    for button, suffix in ((network, ".safetensors"), (page, ".html")):
        pack = partial(packed, suffix=suffix)
        fetch(button.click(pack, chosen, [file, said], api_name=False, show_progress_on=said), file)
    return look, seen


def resume_training(place, **how):
    "Go on with the interrupted training in a folder of the library."
    if not (record := record_of(place)):
        raise FaststyleError(f"{place.name} was interrupted before it began: delete it.")
    said = record["settings"]
    paintings = {name: place / f"{place.name}.png" for name in said["names"]}
    how |= {"minutes": said["minutes"], "valid_pct": said["valid_pct"]}
    train(said["photos"], paintings, place, images=said["plan"]["images"], resume=True, **how)
