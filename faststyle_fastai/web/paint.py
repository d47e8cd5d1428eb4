"The tab of the page that paints a photo."

import math
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from ..core.errors import FaststyleError
from ..images.files import image_size, read_exif, read_picture, save_picture
from ..images.formats import PICTURES
from ..images.sizes import fitted
from ..inference.enlarge import painting_shape
from ..inference.options import STROKES, PaintOptions
from .guard import reason
from .library import plain_name, title
from .parts import fetch, hidden_file, image_field, style_strip

__all__ = ["paint_tab"]

SHOWN = 1280  # px of an image on the page; downloads have the full size
LARGE, TILE = 2e6, 512  # larger paintings, in pixels, are made in tiles, between which they stop
NONE = "nothing"
IDLE = "Choose a photo, or try one of the two samples."


class PaintTab(NamedTuple):
    "What other tabs need of the one that paints a photo."

    gallery: Any  # the strip of styles
    style: Any  # the chosen one
    finer: Any  # the button to train it
    again: Any  # function of an event, after which the photo is repainted


def paint_tab(gr, page, shelf, scratch, samples) -> PaintTab:
    "Build the tab that paints a photo."
    names = list(shelf.styles())

    def mixes(called):
        return [NONE, *((title(other), other) for other in shelf.together(called))]

    gallery = style_strip(gr, shelf.pictures(scratch), elem_id="styles")
    with gr.Row():
        with gr.Column(scale=3, elem_id="result"):
            kinds = sorted(PICTURES)
            mine = gr.UploadButton("Choose your photo", file_types=kinds, variant="primary")
            both = gr.ImageSlider(
                label="Before and after", interactive=False, max_height=300, slider_position=30,
                buttons=["fullscreen"],
            )  # fmt: skip
            said = gr.Markdown(IDLE, elem_id="painted")
            with gr.Row():
                whole = gr.Button("Download at full size", interactive=False)
                stop = gr.Button("Stop", variant="stop", visible=False)
                finer = gr.Button("Make it finer: train for a few minutes", visible=False)
            taken = hidden_file(gr, "painted-file")
        with gr.Column(scale=2):
            photo = image_field(gr, str(samples[0]), label="Photo", height=150)
            gr.Examples([[str(sample)] for sample in samples], photo, label="Or try one of these")
            style = gr.Dropdown(shelf.titles(), value=names[0], label="Style")
            strength = gr.Slider(0, 1, 1, step=0.05, label="Strength")
            own = gr.UploadButton("Add a painting as a style", file_types=[".safetensors", *kinds])
            with gr.Accordion("More", open=False):
                stroke = gr.Dropdown(
                    list(STROKES), value=PaintOptions.stroke, label="Brush strokes"
                )
                keep_colors = gr.Checkbox(label="Keep the photo's colors")
                other = gr.Dropdown(mixes(names[0]), value=NONE, label="Mix with")
                share = gr.Slider(0, 1, 0.5, step=0.05, label="Share of the second style")

    def prepared(photo, called, strength, other, share, keep_colors, stroke):
        "The network, and its arguments but for the size."
        paint, name = shelf.find(called)
        mix = name
        if other in shelf.together(called):  # the choice may be outdated
            mix = {name: 1 - share, shelf.find(other)[1]: share}
        how = {"strength": strength if paint.base else 1.0, "keep_colors": keep_colors}
        return paint, {"style": mix, **how}

    def repaint(*asked):
        "Paint the photo as large as it is shown, with the strokes of its full size."
        photo, called, *_, stroke = asked
        if not photo:
            return IDLE, None, gr.Button(interactive=False)
        began = time.monotonic()
        paint, how = prepared(*asked)
        try:
            size = image_size(photo)
            small = read_picture(photo, shortest=min(fitted(size, SHOWN)))
        except (ValueError, OSError) as error:
            return reason(error), None, gr.Button(interactive=False)
        small = small.resize(fitted(small.size, SHOWN))
        short = min(painting_shape(size, stroke, None))
        painted = paint(small, **how, size=min(short, *small.size))
        line = f"{size[0]} x {size[1]} px in {time.monotonic() - began:.1f} s."
        if small.size != size:
            line = f"Preview of {line} The download has all pixels."
        if shelf.painting(called):
            line += " The style was read from the painting alone. Train it for finer strokes."
        if not paint.base:
            line += " This network has no base, so its strength is always 1."
        # gradio would write WebP, which takes half as long as painting.
        folder = scratch / uuid4().hex
        preview = folder / f"{Path(photo).stem}-{plain_name(called)}-preview.jpg"
        shown = save_picture(small, folder / "before.jpg"), save_picture(painted, preview)
        return line, shown, gr.Button(interactive=True)

    stops = {}  # visitor -> event that ends a painting

    def download(
        photo, called, strength, other, share, keep_colors, stroke, request: gr.Request,
        progress=gr.Progress(),  # noqa: B008
    ):  # fmt: skip
        paint, how = prepared(photo, called, strength, other, share, keep_colors, stroke)
        stopped = stops[request.session_hash] = threading.Event()

        def watch(share):
            progress(share, "Painting at full size")
            if stopped.is_set():
                raise FaststyleError("Stopped.")

        watch(0)
        slow = math.prod(painting_shape(image_size(photo), stroke, None)) > LARGE
        tile = TILE if slow else "auto"
        try:
            painted = paint(photo, **how, stroke=stroke, tile=tile, watch=watch)
            watch(1)
        except FaststyleError:
            if not stopped.is_set():
                raise
            return "Stopped.", None
        suffix = ".png" if painted.mode == "RGBA" else ".jpg"
        place = scratch / uuid4().hex / f"{Path(photo).stem}-{plain_name(called)}{suffix}"
        save_picture(painted, place, exif=read_exif(photo))
        return f"Saved at {painted.width} x {painted.height} px.", place

    def leave(request: gr.Request):
        if stopped := stops.pop(request.session_hash, None):
            stopped.set()

    def add(file):
        called = shelf.add(file)
        return shelf.pictures(scratch), gr.Dropdown(shelf.titles(), value=called)

    asked = [photo, style, strength, other, share, keep_colors, stroke]
    changes = [photo.change, style.change, strength.change, other.change, share.change]
    changes += [keep_colors.change, stroke.change]
    painting = {"concurrency_id": "paint", "concurrency_limit": 1, "trigger_mode": "always_last"}
    painting |= {"show_progress_on": both, "show_progress": "minimal"}
    shown = [said, both, whole]
    gr.on(changes, repaint, asked, shown, **painting, api_name="paint")

    def look():
        "The styles may have changed since the page was built."
        titles = shelf.titles()
        return shelf.pictures(scratch), gr.Dropdown(titles, value=titles[0][1])

    def again(event):
        "Repaint after an event, also if it leaves all fields as they were."
        event.then(repaint, asked, shown, **painting, api_name=False)

    loaded = page.load(look, outputs=[gallery, style], api_name=False)
    again(loaded)

    def follow(called):
        "The mixtures, button and mark that belong to a style."
        names = list(shelf.styles())
        return (
            gr.Dropdown(mixes(called), value=NONE),
            gr.Button(visible=shelf.painting(called) is not None),
            gr.Gallery(selected_index=names.index(called) if called in names else None),
        )

    for event in (style.change, loaded.then):
        event(follow, style, [other, finer, gallery], show_progress="hidden", api_name=False)

    buttons = [whole, stop]
    busy = whole.click(
        lambda: [gr.Button(interactive=False), gr.Button(visible=True)], outputs=buttons,
        api_name=False,
    ).then(
        download, asked, [said, taken], concurrency_id="whole", concurrency_limit=1,
        show_progress_on=said, api_name="download",
    )  # fmt: skip
    fetch(busy, taken)
    busy.then(
        lambda: [gr.Button(interactive=True), gr.Button(visible=False)], outputs=buttons,
        api_name=False,
    )  # fmt: skip
    stop.click(leave, api_name=False)
    page.unload(leave)

    def choose(event: gr.SelectData):
        shown = {title: called for title, called in shelf.titles()}
        called = event.value["caption"]
        if not isinstance(called, str) or called not in shown:
            raise FaststyleError("Unknown style: choose one from the list.")
        return shown[called]

    gallery.select(choose, outputs=style, api_name=False)
    own.upload(add, own, [gallery, style], api_name="add")
    mine.upload(lambda file: file, mine, photo, api_name=False)
    return PaintTab(gallery, style, finer, again)
