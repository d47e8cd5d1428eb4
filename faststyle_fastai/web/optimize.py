"The tab of the page that optimizes the pixels of a photo."

import time
from functools import partial
from pathlib import Path
from uuid import uuid4

from ..core.errors import FaststyleError
from ..images.saving import save_picture
from ..optimization.optimize import optimize_style
from .gradio import gr
from .jobs import EVERY, OptimizationJob
from .parts import PHOTO_STYLE, WAYS, Site, image_field, refused, shell, show_with, style_cards
from .studio import Studio

__all__ = ["OptimizeTab"]

IDLE = "Choose a photo and a painting."
# The visitor and the style of the page of photos.
KNOWN = f"""(_, ...fields) => [`${{sessionStorage.visitor}} ${{{PHOTO_STYLE} ?? ""}}`, ...fields]"""


class OptimizeTab:
    "The tab that optimizes the pixels of a photo."

    def __init__(self, site: Site, studio: Studio):
        self.site, self.studio = site, studio
        bar, stage, side = shell("The finest painting")
        with bar:
            file = gr.DownloadButton("Download", interactive=False, variant="primary")
        with stage:
            with gr.Row(elem_classes="pair"):
                photo = image_field(label="Photo", elem_classes="drop")
                painting = image_field(label="Painting", elem_classes=["drop", "works"])
            picture = gr.Image(
                visible=False, interactive=False, show_label=False, buttons=["fullscreen"],
                elem_classes="hero",
            )  # fmt: skip
            cards = style_cards([])
        with side:
            status = gr.Markdown(IDLE, elem_id="optimized")
            start = site.start_and_stop(
                "Paint it", OptimizationJob, "stop_optimizing", [photo, painting]
            )
            size = gr.Slider(64, 2048, 512, step=64, label="Longer side, px")
            gr.Markdown(WAYS)
            with gr.Accordion("Details", open=False, visible=False) as more:
                details, curve = gr.Markdown(), gr.Plot(show_label=False)
        show_with(more, picture)
        cards.input(self.take, cards, painting, show_progress="hidden", api_name=False)
        self.cards, self.pictures = cards, [photo, painting]
        for field in self.pictures:
            field.change(
                self.chosen_one, [field, *self.pictures], [field, status], show_progress="hidden",
                api_name=False,
            )  # fmt: skip
        start(
            self.optimize, [photo, painting, size],
            [status, picture, file, details, curve],
            api_name="optimize", show_progress="hidden", concurrency_limit=None,
        )  # fmt: skip

    def begin_on(self, event):
        "At an event, fill empty fields with the photo and painting of the first tab."
        fields, known = self.pictures, gr.Textbox(visible=False)
        event(self.begin, [known, *fields], [*fields, self.cards], js=KNOWN, api_name=False)

    def chosen_one(self, file, *both):
        "What is still missing; a file that cannot be read is taken out again."
        if why := refused(file):
            return None, why
        return gr.skip(), "Ready to paint." if all(both) else IDLE if file else gr.skip()

    def begin(self, known, photo, painting):
        visitor, _, called = known.partition(" ")
        found = self.studio.photo_of(visitor), self.studio.shelf.painting_of(called)
        begun = [
            gr.skip() if field or not file else self.site.copied(file)
            for field, file in zip((photo, painting), found)
        ]
        shelf = self.studio.shelf
        styles = [(title, name) for title, name in shelf.titles() if shelf.painting_of(name)]
        return *begun, gr.Radio(styles, value=called if found[1] and not painting else None)

    def take(self, called):
        "The painting of a style."
        if not (file := self.studio.shelf.painting_of(called)):
            raise FaststyleError("The style has been deleted. Choose another one.")
        return self.site.copied(file)

    def optimize(self, photo, painting, size, request: gr.Request):
        "Put an optimization into the queue and follow it to its end."
        if not (photo and painting):
            raise FaststyleError(IDLE)
        queue, watch, done, shown = self.site.queue, OptimizationJob(), [], None
        how = {"callback": watch, "end_scale": size, **self.site.where}
        work = partial(optimize_style, photo, painting, **how)
        called = f"{Path(photo).stem}-{Path(painting).stem}"
        queue.add(called, watch, lambda: done.append(work()), request.session_hash)
        while watch.state in ("waiting", "running"):
            time.sleep(EVERY)
            new, shown = watch.picture is not shown, watch.picture
            latest = gr.Image(shown, visible=True) if new else gr.skip()
            yield queue.told(watch), latest, gr.skip(), watch.details(), watch.curve()
        if not done and watch.stop.is_set():
            yield "Stopped. Nothing is painted.", *[gr.skip()] * 4
            return
        if not done:
            raise FaststyleError(watch.why or "Stopped.")
        watch.ended = True
        place = self.site.scratch / uuid4().hex / f"{called}.png"
        save_picture(done[0], place)
        file = gr.DownloadButton(value=place, interactive=True)
        yield watch.said(), gr.Image(done[0], visible=True), file, watch.details(), watch.curve()
