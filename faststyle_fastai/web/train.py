"The tab of the page that trains a style."

import shutil
from pathlib import Path
from uuid import uuid4

from ..core.errors import FaststyleError
from ..images.discovery import find_pictures, picture_files
from ..images.files import read_picture
from ..images.saving import save_picture
from ..models.stylefile import MODEL
from ..training.demo import sample_photos
from ..training.runs import train
from .gradio import gr
from .jobs import DONE, EVERY, LISTED, SAVED, TrainingJob
from .library import named_after, spoken
from .parts import WAYS, Site, image_field, paint_with, refused, shell, show_with

__all__ = ["TrainTab"]

SAMPLES = "two sample photos"
FEW, DRAWN = 100, 400  # with fewer than FEW photos, DRAWN are drawn per epoch
SMALLEST = 64  # px of a painting's short side
STOP = "Stop "
IDLE, READY = "Choose a painting.", "Ready to teach."
NONE = "none", ""  # of the visitor's styles


class TrainTab:
    "The tab that trains a style and adds it to the library."

    def __init__(self, site: Site, tabs: gr.Tabs, folders: dict[str, Path]):
        self.site, self.shelf, self.queue = site, site.shelf, site.queue
        self.tabs, self.folders = tabs, folders
        bar, stage, side = shell("Teach a painting")
        with bar:
            self.discard = gr.Button("Discard it", visible=False, variant="stop")
            self.use = gr.Button("Paint with it", visible=False, variant="primary")
        with stage, gr.Row(elem_classes="pair"):
            self.painting = image_field(label="Painting", elem_classes=["drop", "works"])
            self.preview = gr.Image(
                visible=False, interactive=False, show_label=False, buttons=[],
                elem_classes="hero",
            )  # fmt: skip
        with side:
            self.status = gr.Markdown(IDLE, elem_id="trained")
            self.go = gr.Button("Teach it", variant="primary", interactive=False)
            # Always the same buttons: a click on one that is made anew would be lost.
            self.stops = [gr.Button(visible=False, variant="stop") for _ in range(LISTED)]
            self._ask()
            gr.Markdown(WAYS)
            with gr.Accordion("Details", open=False, visible=False) as more:
                self.curve = gr.Plot(show_label=False)
        show_with(more, self.preview)
        self.newest = gr.Textbox(visible=False)  # its name
        self.clock = gr.Timer(EVERY, active=False)
        self.seen = gr.State((None, None, []))
        self._connect()

    def _ask(self):
        self.known = gr.Dropdown([NONE], value="", label="Or one of My styles", visible=False)
        self.name = gr.Textbox(label="Name of the style", placeholder="Default: the file name")
        self.minutes = gr.Slider(1, 30, 3, step=1, label="Minutes")
        counts = {name: len(picture_files(folder)) for name, folder in self.folders.items()}
        photos = [(f"{name} ({count:,})", name) for name, count in counts.items()]
        self.chosen = gr.Dropdown(
            [*photos, (SAMPLES, SAMPLES)], label="Photos to learn on",
            info="The more photos, the better the style: about a thousand is best.",
        )  # fmt: skip
        with gr.Accordion("Or on photos of yours", open=False):
            self.own = gr.File(file_count="directory", label="Folder", height=120)

    def _connect(self):
        asked = [self.painting, self.name, self.chosen, self.own, self.minutes]
        begun = self.go.click(
            self.start, asked, self.status, api_name="train", show_progress="hidden"
        )
        self.painting.change(
            self.chosen_one, self.painting, [self.painting, self.go, self.status], api_name=False,
            show_progress="hidden",
        )  # fmt: skip
        self.known.input(
            self.take, self.known, [self.painting, self.name], api_name=False,
            show_progress="hidden",
        )  # fmt: skip
        for button in self.stops:
            button.click(self.stop, button, api_name=False, show_progress="hidden")
        discarded = self.discard.click(
            self.discarded, self.newest, api_name=False, show_progress="hidden"
        )
        self.look_after(self.clock.tick, begun.success, discarded.success)
        paint_with(self.newest, self.use, self.tabs)

    def look_after(self, *events):
        "Show the state of the trainings after events, one look at a time and in their order."
        outputs = [self.status, *self.stops, self.preview, self.curve, self.use, self.newest]
        outputs += [self.known, self.clock, self.seen, self.go, self.discard]
        how = {"concurrency_id": "trainings", "concurrency_limit": 1, "show_progress": "hidden"}
        for event in events:
            event(self.look, self.seen, outputs, api_name=False, **how)

    def chosen_one(self, file):
        "What a painting makes possible; one that cannot be read is taken out again."
        if why := refused(file):
            return None, gr.Button(interactive=False), why
        said = gr.skip() if not file else READY
        return gr.skip(), gr.Button(interactive=bool(file)), said

    def start(self, painting, name, chosen, own, minutes, request: gr.Request):
        "Put a training into the queue."
        if not painting:
            raise FaststyleError(IDLE)
        picture = read_picture(painting)
        if min(picture.size) < SMALLEST:
            raise FaststyleError(
                f"The painting has {picture.width} x {picture.height} px, too few for strokes. "
                f"Use one of 400 px or more."
            )
        place, uploads = self.shelf.place(name or named_after(painting)), None
        if place.name in self.queue.busy():
            raise FaststyleError(f"{spoken(place.name)} is being trained already.")
        if own:
            uploads = collect_uploads(own, self.site.scratch / f"photos-{uuid4().hex}")
        folder, how = self._photos(uploads or self.folders.get(chosen))
        watch = TrainingJob()
        how |= {"minutes": minutes, "quiet": True, "cbs": watch, **self.site.where}

        def work():
            self.shelf.place(place.name)  # another page may have been faster
            kept = save_picture(picture, place / f"{place.name}.png")
            try:
                train(folder, kept, place, **how)
            finally:
                if not (place / MODEL).exists():
                    shutil.rmtree(place, ignore_errors=True)
                if uploads:
                    shutil.rmtree(uploads, ignore_errors=True)

        self.queue.add(place.name, watch, work, request.session_hash)
        return self.queue.said(TrainingJob, request.session_hash)

    def _photos(self, folder):
        "A folder to train on, None for the sample photos, and its arguments of `train`."
        if not folder:
            return sample_photos()
        return folder, {"images": DRAWN} if len(find_pictures(folder)[0]) < FEW else {}

    def stop(self, label):
        for job in self.queue.open(TrainingJob):
            if STOP + job.title == label:
                self.queue.end(job)

    def look(self, seen, request: gr.Request):
        "What has changed since this visitor's last look: (job, image, paintings)."
        visitor = request.session_hash
        again = bool(self.queue.open())  # first: a job that ends meanwhile is looked at once more
        trainings = self.queue.of(TrainingJob)
        running = [job for job in trainings if job.state == "running"]
        job = (running or trainings or [None])[-1]
        stops = [STOP + job.title for job in self.queue.open(TrainingJob)][:LISTED]
        picture = job and job.picture
        ours = job in self.queue.open() or id(job) == seen[0]  # not what ended before this visit
        new = picture is not None and ours and (id(job), id(picture)) != seen[:2]
        newest = self._newest(visitor)
        at_sight = [called for called in self.shelf.styles() if self.shelf.painting(called)]
        return [
            self.queue.said(TrainingJob, visitor) or gr.skip(),
            *(gr.Button(label, visible=True) for label in stops),
            *[gr.Button(visible=False)] * (LISTED - len(stops)),
            gr.Image(picture, visible=True) if new else gr.skip(),
            job.curve() if new else gr.skip(),
            gr.Button(f"Paint with {spoken(newest or '')}", visible=newest is not None),
            newest or "",
            gr.skip()
            if at_sight == seen[2]
            else gr.Dropdown([NONE, *at_sight], visible=bool(at_sight)),
            gr.Timer(active=again),
            (id(job), id(picture), at_sight),
            gr.Button(variant="secondary" if stops else "primary"),
            gr.Button(f"Discard {spoken(newest or '')}", visible=self._is_partial(newest)),
        ]

    def _is_partial(self, name):
        "Whether the latest training of a style was stopped."
        states = [job.state for job in self.queue.of(TrainingJob) if job.called == name]
        return states[-1:] == [SAVED]

    def discarded(self, name):
        "Delete a style whose training was stopped; its painting stays."
        if self._is_partial(name):
            shutil.rmtree(self.shelf.own()[name])

    def _newest(self, visitor):
        "The newest style that was trained lately, or by this visitor; None if there is none."
        known = self.queue.known(TrainingJob, visitor)
        trained = [job for job in known if job.state in (DONE, SAVED)]
        names = [job.called for job in reversed(trained)]
        styles = self.shelf.styles()
        return next((n for n in names if n in styles and not self.shelf.painting(n)), None)

    def take(self, called):
        "Put a painting of the library into the fields of this tab."
        if not called:
            return gr.skip(), gr.skip()
        if not (file := self.shelf.painting(called)):
            raise FaststyleError(f"{called} is trained already.")
        return self.site.copied(file), called


def collect_uploads(files, folder):
    "Copy uploaded files, which are stored among those of other visitors, to a folder of their own."
    folder.mkdir(parents=True)
    for i, file in enumerate(map(Path, files)):
        shutil.copy(file, folder / f"{i}-{file.name}")
    return folder
