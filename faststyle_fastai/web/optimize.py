"The tab of the page that optimizes the pixels of a photo."

import time
from functools import partial
from pathlib import Path
from uuid import uuid4

from ..core.errors import FaststyleError
from ..images.files import save_picture
from ..optimization.optimize import optimize_style
from .jobs import EVERY, OptimizationJob
from .parts import image_field, start_and_stop, stop_jobs

__all__ = ["optimize_tab"]


def optimize_tab(gr, page, scratch, where, queue):
    "Build the tab that optimizes the pixels of a photo."
    gr.Markdown("Slow and finer: paints one photo in the style of one painting, in minutes.")
    with gr.Row():
        with gr.Column():
            photo = image_field(gr, label="Photo", height=220)
            painting = image_field(gr, label="Painting", height=220)
            size = gr.Slider(64, 2048, 512, step=64, label="Longer side, px")
            go, stop = start_and_stop(gr, "Optimize")
        with gr.Column():
            said = gr.Markdown("Choose a photo and a painting.", elem_id="optimized")
            picture = gr.Image(interactive=False, show_label=False, buttons=["fullscreen"])
            taken = gr.DownloadButton("Download", interactive=False)
            with gr.Accordion("Details", open=False):
                details = gr.Markdown()
                curve = gr.Plot(show_label=False)

    def optimize(photo, painting, size, request: gr.Request):
        if not (photo and painting):
            raise FaststyleError("Choose a photo and a painting.")
        watch, done, shown = OptimizationJob(), [], None
        how = {"callback": watch, "end_scale": size, **where}
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
        place = scratch / uuid4().hex / f"{watch.called}.png"
        save_picture(done[0], place)
        taken = gr.DownloadButton(value=place, interactive=True)
        yield watch.said(), done[0], taken, watch.details(), watch.curve()

    go.click(
        optimize, [photo, painting, size], [said, picture, taken, details, curve],
        api_name="optimize", show_progress_on=said, concurrency_limit=None,
    )  # fmt: skip
    end = stop_jobs(gr, queue, OptimizationJob)
    stop.click(end, api_name="stop_optimizing")
    page.unload(end)
