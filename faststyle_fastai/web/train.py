"The tab of the page that trains a style."

import shutil
from pathlib import Path
from uuid import uuid4

from ..core.errors import FaststyleError
from ..images.discovery import find_pictures
from ..images.files import read_picture, save_picture
from ..models.stylefile import MODEL
from ..training.demo import sample_photos
from ..training.runs import train
from .jobs import EVERY, TrainingJob
from .parts import image_field

__all__ = ["train_tab"]

SAMPLES = "two sample photos"
FEW, DRAWN = 100, 400  # with fewer than FEW photos, DRAWN are drawn per epoch
SMALLEST = 64  # px of a painting's short side


def train_tab(gr, shelf, scratch, paint, *, folders, where, tabs, queue):
    "Build the tab that trains a style and adds it to the library."
    with gr.Row():
        with gr.Column():
            painting = image_field(gr, label="Painting", height=220)
            name = gr.Textbox(label="Name of the style", placeholder="Default: the file name")
            minutes = gr.Slider(1, 30, 3, step=1, label="Minutes")
            go = gr.Button("Train", variant="primary")
            chosen = gr.Dropdown(
                [*folders, SAMPLES], label="Training photos",
                info="A folder of about a thousand gives better styles than two photos.",
            )  # fmt: skip
            with gr.Accordion("Upload photos of your own", open=False):
                own = gr.File(file_count="directory", label="Folder", height=120)
        with gr.Column():
            said = gr.Markdown("Choose a painting.", elem_id="trained")
            running = gr.State([])  # (place in the queue's list, name) of jobs to stop

            @gr.render(running)
            def stops(jobs):
                for i, called in jobs:
                    button = gr.Button(f"Stop {called}", variant="stop", size="sm")
                    button.click(queue.jobs[i].stop.set, api_name=False)

            preview = gr.Image(interactive=False, show_label=False, buttons=["fullscreen"])
            use = gr.Button("Paint with it", visible=False)
            with gr.Accordion("Details", open=False):
                curve = gr.Plot(show_label=False)
    clock, seen = gr.Timer(EVERY, active=False), gr.State((None, None, 0))
    shown = [said, running, preview, curve, use, *paint[:3], clock, seen]

    def learn(painting, name, chosen, own, minutes, request: gr.Request):
        if not painting:
            raise FaststyleError("Choose a painting.")
        picture = read_picture(painting)
        if min(picture.size) < SMALLEST:
            raise FaststyleError(
                f"The painting has {picture.width} x {picture.height} px, too few for strokes. "
                f"Use one of 400 px or more."
            )
        place, folder, how = shelf.place(name or Path(painting).stem), *sample_photos()
        if place.name in queue.busy():
            raise FaststyleError(f"{place.name} is being trained already.")
        if own or chosen not in (None, SAMPLES):
            folder = (
                collect_uploads(own, scratch / f"photos-{uuid4().hex}") if own else folders[chosen]
            )
            how = {"images": DRAWN} if len(find_pictures(folder)[0]) < FEW else {}
        watch = TrainingJob()
        how |= {"minutes": minutes, "quiet": True, "cbs": watch, **where}

        def work():
            shelf.place(place.name)  # another page may have been faster
            kept = save_picture(picture, place / f"{place.name}.png")
            try:
                train(folder, kept, place, **how)
            finally:
                if not (place / MODEL).exists():
                    shutil.rmtree(place, ignore_errors=True)
                if own:
                    shutil.rmtree(folder, ignore_errors=True)

        queue.add(place.name, watch, work, request.session_hash)
        return queue.said(TrainingJob), stoppable(), gr.Timer(active=True)

    def stoppable():
        return [(queue.jobs.index(job), job.called) for job in queue.open(TrainingJob)]

    def look(seen):
        "What has changed since this visitor's last look: (job, image, number of ended jobs)."
        trainings = queue.of(TrainingJob)
        going = [job for job in trainings if job.state == "running"]
        job = (going or trainings or [None])[-1]
        ended = len(trainings) - len(queue.open(TrainingJob))
        picture = job and job.picture
        new = picture is not None and (id(job), id(picture)) != seen[:2]
        found = [queue.said(TrainingJob) or "Choose a painting.", stoppable()]
        found.append(picture if new else gr.skip())
        found.append(job.curve() if job and new else gr.skip())
        new_style = trained()
        found.append(gr.Button(f"Paint with {new_style}", visible=new_style is not None))
        changed = [gr.skip()] * 3
        if ended != seen[2]:
            pictures = gr.Gallery(shelf.pictures(scratch), selected_index=None)  # they have moved
            changed = pictures, gr.Dropdown(shelf.titles()), gr.Button(visible=False)
        more = gr.Timer(active=bool(queue.open()))
        return *found, *changed, more, (id(job), id(picture), ended)

    def refine(called):
        "Put a painting of the library into the fields of this tab."
        if not (file := shelf.painting(called)):
            raise FaststyleError(f"{called} is trained already.")
        copy = scratch / uuid4().hex / file.name  # the page may read its own folder only
        copy.parent.mkdir()
        shutil.copy(file, copy)
        return gr.Tabs(selected="train"), str(copy), called

    def trained():
        "The newest style that this page has trained; None if there is none."
        ended = [job for job in queue.of(TrainingJob) if job not in queue.open()]
        names = [job.called for job in reversed(ended)]
        return next((name for name in names if name in shelf.styles()), None)

    def paint_with_it():
        return gr.Tabs(selected="paint"), gr.Dropdown(shelf.titles(), value=trained())

    asked, told = [painting, name, chosen, own, minutes], [said, running, clock]
    go.click(learn, asked, told, api_name="train", show_progress_on=said)
    paint.finer.click(
        refine, paint.style, [tabs, painting, name], api_name=False,
    ).success(learn, asked, told, api_name=False, show_progress_on=said)  # fmt: skip
    clock.tick(look, seen, shown, api_name=False, show_progress="hidden")
    paint.again(use.click(paint_with_it, outputs=[tabs, paint.style], api_name=False))
    return look, seen, shown


def collect_uploads(files, folder):
    "Copy uploaded files, which are stored among those of other visitors, to a folder of their own."
    folder.mkdir(parents=True)
    for i, file in enumerate(map(Path, files)):
        shutil.copy(file, folder / f"{i}-{file.name}")
    return folder
