"The tab of the page that paints a photo."

import math
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from typing import NamedTuple
from uuid import uuid4

from ..core.errors import FaststyleError
from ..images.files import image_size, read_exif, read_picture, to_picture
from ..images.formats import PICTURES
from ..images.saving import save_picture
from ..images.sizes import fitted
from ..inference.enlarge import painting_shape
from ..inference.options import STROKES, PaintOptions
from ..inference.people import painted_area
from ..inference.stylizer import Stylizer
from .gradio import gr
from .guard import reason
from .jobs import RefiningJob
from .library import plain_name, title
from .parts import Site, area_field, fetch, hidden_file, image_field, style_strip

__all__ = ["PaintTab"]

SHOWN = 1280  # px of an image on the page; downloads have the full size
LARGE, TILE = 2e6, 512  # larger paintings, in pixels, are made in tiles, between which they stop
NONE = "nothing"
SECONDS, EVERY = 20, 2.0  # of refining, and between its previews
IDLE = "Choose a photo, or try one of the two samples."
QUIET = {"api_name": False, "show_progress": "hidden"}


class Refined(NamedTuple):
    "A style that was refined for a visitor."

    photo: str
    called: str
    paint: Stylizer
    painting: Path


class PaintTab:
    "The tab that paints a photo."

    def __init__(self, site: Site, samples: list[Path]):
        self.site, self.shelf, self.scratch = site, site.shelf, site.scratch
        # By visitor: what ends a painting, and the style that was refined.
        self.stopping: dict[str | None, Event] = {}
        self.refined: dict[str | None, Refined] = {}
        self.gallery = style_strip(self.shelf.pictures(self.scratch), elem_id="styles")
        with gr.Row():
            with gr.Column(scale=3, elem_id="result"):
                self._show()
            with gr.Column(scale=2):
                self._ask(samples)
        self.asked = [self.photo, self.style, self.strength, self.other, self.share]
        self.asked += [self.keep_colors, self.stroke, self.area]
        self.shown = [self.status, self.both, self.whole, self.keep]
        self._connect()
        self._connect_buttons()

    def _show(self):
        kinds = sorted(PICTURES)
        self.mine = gr.UploadButton("Choose your photo", file_types=kinds, variant="primary")
        self.both = gr.ImageSlider(
            label="Before and after", interactive=False, max_height=300, slider_position=30,
            buttons=["fullscreen"],
        )  # fmt: skip
        self.status = gr.Markdown(IDLE, elem_id="painted")
        with gr.Row():
            self.whole = gr.Button("Download at full size", interactive=False)
            self.stop = gr.Button("Stop", variant="stop", visible=False)
            self.refine = gr.Button(f"Finer: refine it for {SECONDS} seconds", visible=False)
            self.keep = gr.Button("Keep as a style", visible=False)
            self.finer = gr.Button("Train it for a few minutes", visible=False)
        self.file = hidden_file("painted-file")

    def _ask(self, samples):
        first = next(iter(self.shelf.styles()))
        kinds = [".safetensors", *sorted(PICTURES)]
        self.photo = image_field(str(samples[0]), label="Photo", height=150)
        gr.Examples([[str(file)] for file in samples], self.photo, label="Or try one of these")
        self.style = gr.Dropdown(self.shelf.titles(), value=first, label="Style")
        self.strength = gr.Slider(0, 1, 1, step=0.05, label="Strength")
        self.area = area_field()
        self.own = gr.UploadButton("Add a painting as a style", file_types=kinds)
        with gr.Accordion("More", open=False):
            self.stroke = gr.Dropdown(
                list(STROKES), value=PaintOptions.stroke, label="Brush strokes"
            )
            self.keep_colors = gr.Checkbox(label="Keep the photo's colors")
            self.other = gr.Dropdown(self._mixes(first), value=NONE, label="Mix with")
            self.share = gr.Slider(0, 1, 0.5, step=0.05, label="Share of the second style")

    def _connect(self):
        changes = [field.change for field in self.asked]
        gr.on(changes, self.paint, **self._painting(), api_name="paint")
        loaded = self.site.page.load(self.look, None, [self.gallery, self.style], api_name=False)
        self.repaint_after(loaded)
        belongs = [self.other, self.refine, self.finer, self.gallery]
        for event in (self.style.change, loaded.then):
            event(self.follow, self.style, belongs, **QUIET)
        self.gallery.select(self.choose, None, self.style, api_name=False)
        self.own.upload(self.add, self.own, [self.gallery, self.style], api_name="add")
        self.mine.upload(lambda file: file, self.mine, self.photo, api_name=False)

    def _connect_buttons(self):
        buttons = [self.whole, self.refine, self.stop]
        busy = [gr.Button(interactive=False)] * 2 + [gr.Button(visible=True)]
        idle = [gr.Button(interactive=True)] * 2 + [gr.Button(visible=False)]
        for button, act, outputs in (
            (self.whole, self.download, [self.status, self.file]),
            (self.refine, self.make_finer, self.shown),
        ):
            done = button.click(lambda: busy, None, buttons, api_name=False).then(
                act, self.asked, outputs, concurrency_id=act.__name__, concurrency_limit=1,
                show_progress_on=self.status, api_name=act.__name__,
            )  # fmt: skip
            if act == self.download:
                fetch(done, self.file)
            done.then(lambda: idle, None, buttons, api_name=False)
        kept = [self.gallery, self.style]
        self.keep.click(self.keep_it, None, kept, api_name="keep")
        self.stop.click(self.end, api_name=False)
        self.site.page.unload(self.leave)

    def _painting(self):
        "How the page asks for a painting, one at a time."
        return {
            "inputs": self.asked,
            "outputs": self.shown,
            "concurrency_id": "paint",
            "concurrency_limit": 1,
            "trigger_mode": "always_last",
            "show_progress_on": self.both,
            "show_progress": "minimal",
        }

    def repaint_after(self, event):
        "Repaint after an event, also if it leaves all fields as they were."
        event.then(self.paint, **self._painting(), api_name=False)

    def _mixes(self, called):
        "The choices of a second style."
        return [NONE, *((title(other), other) for other in self.shelf.together(called))]

    def _prepared(
        self, visitor, photo, called, strength, other, share, keep_colors, stroke, area
    ):  # fmt: skip
        "The network, its arguments but for the size, and the refined style if it is that."
        paint, name = self.shelf.find(called)
        mix, refined = name, self.refined.get(visitor)
        if other in self.shelf.together(called):  # the choice may be outdated
            mix, refined = {name: 1 - share, self.shelf.find(other)[1]: share}, None
        if refined and (refined.photo, refined.called) == (photo, called):
            paint, mix = refined.paint, None
        else:
            refined = None
        how = {"strength": strength if paint.base else 1.0, "keep_colors": keep_colors}
        how["area"] = area
        return paint, {"style": mix, **how}, refined

    def paint(
        self, photo, called, strength, other, share, keep_colors, stroke, area,
        request: gr.Request
    ):  # fmt: skip
        "Paint the photo as large as it is shown, with the strokes of its full size."
        asked = photo, called, strength, other, share, keep_colors, stroke, area
        if not photo:
            return IDLE, None, gr.Button(interactive=False), gr.Button(visible=False)
        began = time.monotonic()
        paint, how, refined = self._prepared(request.session_hash, *asked)
        try:
            small, size = self._small(photo)
        except (ValueError, OSError) as error:
            return reason(error), None, gr.Button(interactive=False), gr.Button(visible=False)
        short = min(painting_shape(size, stroke, None))
        mask = painted_area(small, PaintOptions(area=how.pop("area")))
        painted = paint(small, **how, mask=mask, size=min(short, *small.size))
        line = f"{size[0]} x {size[1]} px in {time.monotonic() - began:.1f} s."
        if small.size != size:
            line = f"Preview of {line} The download has all pixels."
        if mask and len(set(mask.getextrema())) == 1:
            line += " No person is found: no face can be seen."
        if refined:
            line += " The style is refined on this photo."
        elif self.shelf.painting(called):
            line += " The style was read from the painting alone. Refine it for finer strokes."
        if not paint.base:
            line += " This network has no base, so its strength is always 1."
        shown = self._saved(photo, called, small, painted)
        return line, shown, gr.Button(interactive=True), gr.Button(visible=refined is not None)

    def _small(self, photo):
        "The photo as it is shown, and its own size."
        size = image_size(photo)
        small = read_picture(photo, shortest=min(fitted(size, SHOWN)))
        return small.resize(fitted(small.size, SHOWN)), size

    def _saved(self, photo, called, small, painted):
        "Files of the photo and of its painting as they are shown."
        # gradio would write WebP, which takes half as long as painting.
        folder = self.scratch / uuid4().hex
        preview = folder / f"{Path(photo).stem}-{plain_name(called)}-preview.jpg"
        return save_picture(small, folder / "before.jpg"), save_picture(painted, preview)

    def make_finer(
        self, photo, called, strength, other, share, keep_colors, stroke, area,
        request: gr.Request
    ):  # fmt: skip
        "Refine the style on the photo, with a preview now and then."
        asked = photo, called, strength, other, share, keep_colors, stroke, area
        visitor, painting = request.session_hash, self.shelf.painting_of(called)
        if not photo or not painting:
            raise FaststyleError("Choose a photo, and a style whose painting is known.")
        paint, asked_for, _ = self._prepared(visitor, *asked)
        if isinstance(style := asked_for["style"], dict):
            raise FaststyleError("Refining takes one style: mix it with nothing.")
        (small, _), job = self._small(photo), RefiningJob()
        self.stopping[visitor] = job.stop
        with ThreadPoolExecutor(1) as pool:
            try:
                how = {"stroke": stroke, "watch": job, "painting": painting}
                done = pool.submit(paint.refined, photo, SECONDS, style, **how)
                while wait([done], EVERY).not_done:
                    shown = skip = gr.skip()
                    if job.picture is not None:
                        painted = to_picture(job.picture.clamp(0, 1)).resize(small.size)
                        shown = self._saved(photo, called, small, painted)
                    yield f"Refining: {job.said()}", shown, skip, skip
            finally:  # the visitor may have left
                job.stop.set()
        self.refined[visitor] = Refined(photo, called, done.result(), painting)
        yield self.paint(*asked, request)

    def keep_it(self, request: gr.Request):
        "Add the visitor's refined style to the library."
        if not (refined := self.refined.pop(request.session_hash, None)):
            raise FaststyleError("Refine a style first.")
        called = self.shelf.keep(refined.paint, refined.painting, refined.called)
        return self.shelf.pictures(self.scratch), gr.Dropdown(self.shelf.titles(), value=called)

    def download(
        self, photo, called, strength, other, share, keep_colors, stroke, area,
        request: gr.Request,
        progress=gr.Progress(),  # noqa: B008
    ):  # fmt: skip
        "Paint the photo at its full size."
        asked = photo, called, strength, other, share, keep_colors, stroke, area
        paint, how, _ = self._prepared(request.session_hash, *asked)
        stopped = self.stopping[request.session_hash] = Event()

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
        place = self.scratch / uuid4().hex / f"{Path(photo).stem}-{plain_name(called)}{suffix}"
        save_picture(painted, place, exif=read_exif(photo))
        return f"Saved at {painted.width} x {painted.height} px.", place

    def end(self, request: gr.Request):
        "End the visitor's download or refining."
        if stopped := self.stopping.pop(request.session_hash, None):
            stopped.set()

    def leave(self, request: gr.Request):
        self.end(request)
        self.refined.pop(request.session_hash, None)

    def look(self):
        "The styles, which may have changed since the page was built."
        titles = self.shelf.titles()
        return self.shelf.pictures(self.scratch), gr.Dropdown(titles, value=titles[0][1])

    def follow(self, called):
        "The mixtures, buttons and mark that belong to a style."
        names = list(self.shelf.styles())
        return (
            gr.Dropdown(self._mixes(called), value=NONE),
            gr.Button(visible=self.shelf.painting_of(called) is not None),
            gr.Button(visible=self.shelf.painting(called) is not None),
            gr.Gallery(selected_index=names.index(called) if called in names else None),
        )

    def choose(self, event: gr.SelectData):
        "The style of a thumbnail."
        shown = {title: called for title, called in self.shelf.titles()}
        called = event.value["caption"]
        if not isinstance(called, str) or called not in shown:
            raise FaststyleError("Unknown style: choose one from the list.")
        return shown[called]

    def add(self, file):
        "Add a painting or a style file to the library."
        called = self.shelf.add(file)
        return self.shelf.pictures(self.scratch), gr.Dropdown(self.shelf.titles(), value=called)
