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
from .parts import Site, image_field

__all__ = ["OptimizeTab"]

WHAT = (
    "For one photo and one painting: optimizes the pixels themselves. Takes minutes, and gives "
    "finer strokes than *Finer* on the first tab."
)


class OptimizeTab:
    "The tab that optimizes the pixels of a photo."

    def __init__(self, site: Site):
        self.site = site
        gr.Markdown(WHAT)
        with gr.Row():
            with gr.Column():
                photo = image_field(label="Photo", height=220)
                painting = image_field(label="Painting", height=220)
                size = gr.Slider(64, 2048, 512, step=64, label="Longer side, px")
                start = site.start_and_stop("Paint it", OptimizationJob, "stop_optimizing")
            with gr.Column():
                status = gr.Markdown("Choose a photo and a painting.", elem_id="optimized")
                picture = gr.Image(interactive=False, show_label=False, buttons=["fullscreen"])
                file = gr.DownloadButton("Download", interactive=False)
                with gr.Accordion("Details", open=False):
                    details, curve = gr.Markdown(), gr.Plot(show_label=False)
        start(
            self.optimize, [photo, painting, size], [status, picture, file, details, curve],
            api_name="optimize", show_progress="hidden", concurrency_limit=None,
        )  # fmt: skip

    def optimize(self, photo, painting, size, request: gr.Request):
        "Put an optimization into the queue and follow it to its end."
        if not (photo and painting):
            raise FaststyleError("Choose a photo and a painting.")
        queue, watch, done, shown = self.site.queue, OptimizationJob(), [], None
        how = {"callback": watch, "end_scale": size, **self.site.where}
        work = partial(optimize_style, photo, painting, **how)
        called = f"{Path(photo).stem}-{Path(painting).stem}"
        queue.add(called, watch, lambda: done.append(work()), request.session_hash)
        while watch.state in ("waiting", "running"):
            time.sleep(EVERY)
            new, shown = watch.picture is not shown, watch.picture
            latest = shown if new else gr.skip()
            yield queue.told(watch), latest, gr.skip(), watch.details(), watch.curve()
        if not done:
            raise FaststyleError(watch.why or "Stopped.")
        watch.ended = True
        place = self.site.scratch / uuid4().hex / f"{called}.png"
        save_picture(done[0], place)
        file = gr.DownloadButton(value=place, interactive=True)
        yield watch.said(), done[0], file, watch.details(), watch.curve()
