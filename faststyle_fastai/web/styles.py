"The tab of the page for a visitor's own styles: rename, delete, download, resume."

import shutil
import threading
from functools import partial
from hashlib import sha1

from ..core.errors import FaststyleError
from ..inference.html import export_html
from ..inference.studio import export_studio
from ..training.run_folder import record_of
from ..training.runs import train
from .gradio import gr
from .jobs import TrainingJob
from .library import is_late, spoken, written
from .parts import Site, fetch, hidden_file, paint_with, shell, style_cards, style_update

__all__ = ["ShelfTab"]

IDLE = (
    "### No styles of your own yet\n"
    "Teach a painting, or choose *Your painting* below a photo: both appear here."
)
SHELF = "Paintings and styles that were added here. All who open this page see them."
WHAT = (
    "A style can go with you, as a web page that paints without faststyle. The studio is such a "
    "page with all built-in styles."
)
ASK = """(name) => {
  const said = name?.replaceAll("_", " ");
  window.sure = name && confirm(`Delete ${said}? It cannot be restored.`);
  return window.sure ? name : null;
}"""


NEXT = """() => window.sure && document.querySelector(".stage .cards input:checked")?.focus()"""


class ShelfTab:
    "The tab for a visitor's own styles."

    def __init__(self, site: Site, tabs: gr.Tabs):
        self.site, self.shelf, self.queue, self.tabs = site, site.shelf, site.queue, tabs
        self.making = threading.Lock()  # of files to download, one at a time
        bar, stage, side = shell("My styles")
        with bar:
            self.studio = gr.Button("Download the studio (.html)")
        with stage:
            self.chosen = style_cards([], visible=False)
            with gr.Column(elem_classes="empty-shelf") as self.idle:
                gr.Markdown(IDLE)
                with gr.Row():
                    self.teach = gr.Button("Teach a painting", variant="primary")
                    self.sight = gr.Button("Try a painting on a photo")
        with side:
            self.status = gr.Markdown(SHELF, elem_id="shelved")
            gr.Markdown(WHAT)
        with side, gr.Column(visible=False) as self.some:
            self.use = gr.Button("Paint with it", variant="primary")
            self.new = gr.Textbox(label="Name")
            self.rename = gr.Button("Rename")
            self.resume = gr.Button("Resume the training", visible=False, variant="primary")
            self.page = gr.Button("Download as a web page (.html)")
            self.network = gr.Button("Download the network (.safetensors)")
            self.delete = gr.Button("Delete", variant="stop")
        self.file = hidden_file("shelf-file")
        self.shown = [self.chosen, self.some, self.idle]
        self._connect()

    def _connect(self):
        chosen, shown = self.chosen, [self.status, *self.shown]
        for button, tab in ((self.teach, "train"), (self.sight, "photo")):
            button.click(partial(gr.Tabs, selected=tab), None, self.tabs, api_name=False)
        chosen.change(
            self.usable,
            chosen,
            [self.use, self.resume, self.new],
            api_name=False,
            show_progress="hidden",
        )
        paint_with(chosen, self.use, self.tabs)
        renamed = [self.status, *self.shown]
        gr.on(
            [self.rename.click, self.new.submit], self.renamed, [chosen, self.new], renamed,
            api_name="rename",
        )  # fmt: skip
        gone = self.delete.click(self.deleted, chosen, shown, js=ASK, api_name="delete")
        gone.success(None, js=NEXT, api_name=False)
        self.resume.click(self.resumed, chosen, shown, api_name="resume")
        for button, suffix in ((self.network, ".safetensors"), (self.page, ".html")):
            made = button.click(
                partial(self.packed, suffix=suffix), chosen, [self.file, self.status],
                api_name=False, show_progress_on=self.status,
            )  # fmt: skip
            fetch(made, self.file)

        made = self.studio.click(
            self.whole, None, [self.file, self.status], api_name=False,
            show_progress_on=self.status,
        )  # fmt: skip
        fetch(made, self.file)

    def look(self, value=None):
        "The visitor's own styles."
        titles = self.shelf.own_titles(self.queue.busy())
        names = [name for _, name in titles]
        return (
            style_update(titles, value, visible=bool(names)),
            gr.Column(visible=bool(names)),
            gr.Column(visible=not names),
        )

    def usable(self, name):
        path = self.shelf.own().get(name)
        late = bool(path and is_late(path))
        called = spoken(name or "")
        use = gr.Button(f"Paint with {called}", visible=not late)
        return use, gr.Button(visible=late), called

    def _idle(self, name):
        if name in self.queue.busy():
            raise FaststyleError(f"{spoken(name)} is being trained: stop it first.")
        return name

    def renamed(self, name, new):
        now = self.shelf.rename(self._idle(name), new)
        return f"{spoken(name)} is now {spoken(now)}.", *self.look(now)

    def deleted(self, name):
        if name is None:  # not confirmed
            return [gr.skip()] * (1 + len(self.shown))
        self.shelf.remove(self._idle(name))
        return f"{spoken(name)} is deleted.", *self.look()

    def resumed(self, name, request: gr.Request):
        place = self.shelf.own()[self._idle(name)]
        watch = TrainingJob()
        work = partial(resume_training, place, cbs=watch, quiet=True, **self.site.where)
        self.queue.add(name, watch, work, request.session_hash)
        return f"{spoken(name)} resumes: see the tab Teach.", *self.look()

    def packed(self, name, suffix):
        "A copy of a style's file, or its web page; the page may offer its own folder only."
        source = self.shelf.network(name)
        key = sha1(f"{source} {written(source)}".encode()).hexdigest()
        make = export_html if suffix == ".html" else shutil.copy
        yield from self._once(self.site.scratch / key / f"{name}{suffix}", partial(make, source))

    def whole(self):
        "The studio."
        yield from self._once(self.site.scratch / "studio" / "studio.html", export_studio)

    def _once(self, out, make):
        "A file, made if it is not there; a page takes up to a minute."
        if not out.exists():
            yield gr.skip(), f"Making {out.name}: it takes up to a minute …"
        with self.making:
            if not out.exists():
                out.parent.mkdir(exist_ok=True)
                make(out)
        yield out, f"{out.name} is in your downloads."


def resume_training(place, **how):
    "Go on with the interrupted training in a folder of the library."
    if not (record := record_of(place)):
        raise FaststyleError(f"{place.name} was interrupted before it began: delete it.")
    said = record["settings"]
    paintings = {name: place / f"{place.name}.png" for name in said["names"]}
    how |= {"minutes": said["minutes"], "valid_pct": said["valid_pct"]}
    train(said["photos"], paintings, place, images=said["plan"]["images"], resume=True, **how)
