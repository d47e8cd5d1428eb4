"The tabs of the page for painting, training and optimizing."

import shutil
import time
from functools import partial
from pathlib import Path
from uuid import uuid4

from ..core.errors import FaststyleError
from ..images.discovery import find_pictures
from ..images.files import read_exif, read_picture, save_picture
from ..images.formats import PICTURES
from ..images.sizes import fitted
from ..inference.enlarge import STROKES
from ..models.stylefile import MODEL
from ..optimization.optimize import optimize_style
from ..training.demo import sample_photos
from ..training.runs import train
from .jobs import EVERY, OptimizationJob, TrainingJob
from .library import plain_name

__all__ = ["optimize_tab", "paint_tab", "train_tab"]

SHOWN = 1280  # px of an image on the page; downloads have the full size
UPLOADED = {"type": "filepath", "sources": ["upload", "clipboard"]}
SAMPLES, NONE = "two sample photos", "nothing"
FEW, DRAWN = 100, 400  # with fewer than FEW photos, DRAWN are drawn per epoch
SMALLEST = 64  # px of a painting's short side
IDLE = "Drop a photo, or choose one of the two below."


def paint_tab(gr, page, shelf, scratch, samples):
    "Build the tab that paints a photo; returns its gallery, styles and button to train."
    names = list(shelf.styles())
    gallery = gr.Gallery(
        shelf.pictures(scratch), object_fit="cover", label="Styles", show_label=False, height=150,
        allow_preview=False, interactive=False, buttons=[], elem_id="styles",
    )  # fmt: skip
    with gr.Row():
        with gr.Column(scale=3, elem_id="result"):
            both = gr.ImageSlider(label="Before and after", interactive=False, max_height=420)
            said = gr.Markdown(IDLE, elem_id="painted")
            with gr.Row():
                taken = gr.DownloadButton("Download at full size", interactive=False)
                trainable = shelf.painting(names[0]) is not None
                finer = gr.Button("Make it finer: train this painting", visible=trainable)
        with gr.Column(scale=2):
            photo = gr.Image(str(samples[0]), label="Photo", height=180, **UPLOADED)
            gr.Examples([[str(sample)] for sample in samples], photo, label="Or try one of these")
            style = gr.Dropdown(shelf.titles(), value=names[0], label="Style")
            strength = gr.Slider(0, 1, 1, step=0.05, label="Strength")
            kinds = [".safetensors", *sorted(PICTURES)]
            own = gr.UploadButton("Add a painting as a style", file_types=kinds)
            with gr.Accordion("More", open=False):
                stroke = gr.Dropdown(list(STROKES), value="medium", label="Brush strokes")
                keep_colors = gr.Checkbox(label="Keep the photo's colors")
                mixes = [NONE, *shelf.together(names[0])]
                other = gr.Dropdown(mixes, value=NONE, label="Mix with")
                share = gr.Slider(0, 1, 0.5, step=0.05, label="Share of the second style")

    def repaint(photo, called, strength, other, share, keep_colors, stroke):
        if not photo:
            return IDLE, None, gr.DownloadButton(interactive=False)
        paint, name = shelf.find(called)
        mix = name
        if other in shelf.together(called):  # the choice may be outdated
            mix = {name: 1 - share, shelf.find(other)[1]: share}
        began = time.monotonic()
        strength = strength if paint.base else 1.0
        painted = paint(photo, mix, strength, keep_colors=keep_colors, stroke=stroke)
        took = time.monotonic() - began
        suffix = ".png" if painted.mode == "RGBA" else ".jpg"
        place = scratch / uuid4().hex / f"{Path(photo).stem}-{plain_name(called)}{suffix}"
        save_picture(painted, place, exif=read_exif(photo))
        small = fitted(painted.size, SHOWN)
        pair = [picture.resize(small) for picture in (read_picture(photo), painted)]
        line = f"{painted.width} x {painted.height} px in {took:.1f} s."
        if shelf.painting(called):
            line += " The style was read from the painting alone. Train it for finer strokes."
        if not paint.base:
            line += " This network has no base, so its strength is always 1."
        return line, tuple(pair), gr.DownloadButton(value=place, interactive=True)

    def add(file):
        called = shelf.add(file)
        return shelf.pictures(scratch), gr.Dropdown(shelf.titles(), value=called)

    asked = [photo, style, strength, other, share, keep_colors, stroke]
    changes = [photo.change, style.change, strength.change, other.change, share.change]
    changes += [keep_colors.change, stroke.change]
    gr.on(
        [page.load, *changes], repaint, asked, [said, both, taken],
        concurrency_id="paint", concurrency_limit=1, trigger_mode="always_last",
        show_progress_on=both, api_name="paint",
    )  # fmt: skip

    def choose(event: gr.SelectData):
        shown = {title: called for title, called in shelf.titles()}
        called = event.value["caption"]
        if not isinstance(called, str) or called not in shown:
            raise FaststyleError("Unknown style: choose one from the list.")
        return shown[called]

    gallery.select(choose, outputs=style, api_name=False)
    style.change(
        lambda called: (
            gr.Dropdown([NONE, *shelf.together(called)], value=NONE),
            gr.Button(visible=shelf.painting(called) is not None),
        ),
        style, [other, finer], api_name=False,
    )  # fmt: skip
    own.upload(add, own, [gallery, style], api_name="add")
    return gallery, style, finer


def train_tab(gr, shelf, scratch, folders, where, tabs, queue, gallery, style, finer):
    "Build the tab that trains a style and adds it to the library."
    with gr.Row():
        with gr.Column():
            painting = gr.Image(label="Painting", height=260, **UPLOADED)
            name = gr.Textbox(label="Name of the style", placeholder="Default: the file name")
            chosen = gr.Dropdown(
                [*folders, SAMPLES], label="Training photos",
                info="A folder of about a thousand gives better styles than two photos.",
            )  # fmt: skip
            with gr.Accordion("Upload photos of your own", open=False):
                own = gr.File(file_count="directory", label="Folder", height=120)
            minutes = gr.Slider(1, 30, 3, step=1, label="Minutes")
            go, stop = start_and_stop(gr, "Train")
        with gr.Column():
            said = gr.Markdown("Choose a painting.", elem_id="trained")
            preview = gr.Image(interactive=False, show_label=False, buttons=["fullscreen"])
            use = gr.Button("Paint with it", visible=False)
            with gr.Accordion("Loss", open=False):
                curve = gr.Plot(show_label=False)
    clock, seen = gr.Timer(EVERY, active=False), gr.State((None, None, 0))
    shown = [said, preview, curve, use, gallery, style, finer, clock, seen]

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
        if place.name in [job.called for job in queue.open()]:
            raise FaststyleError(f"{place.name} is being trained already.")
        if own or chosen != SAMPLES:
            folder = (
                collect_uploads(own, scratch / f"photos-{uuid4().hex}") if own else folders[chosen]
            )
            how = {"images": DRAWN} if len(find_pictures(folder)[0]) < FEW else {}
        watch = TrainingJob()
        watch.visitor = request.session_hash
        how |= {"minutes": minutes, "quiet": True, "cbs": watch, **where}

        def work():
            kept = save_picture(picture, place / f"{place.name}.png")
            try:
                train(folder, kept, place, **how)
            finally:
                if not (place / MODEL).exists():
                    shutil.rmtree(place, ignore_errors=True)
                if own:
                    shutil.rmtree(folder, ignore_errors=True)

        queue.add(place.name, watch, work)
        return queue.said(), gr.Timer(active=True)

    def look(seen):
        "What has changed since this visitor's last look: (job, image, number of ended jobs)."
        trainings = [job for job in queue.jobs if isinstance(job, TrainingJob)]
        going = [job for job in trainings if job.state == "running"]
        job = (going or trainings or [None])[-1]
        ended = sum(job.state in ("done", "stopped", "failed") for job in trainings)
        picture = job and job.picture
        new = picture is not None and (id(job), id(picture)) != seen[:2]
        found = [queue.said() or "Choose a painting.", picture if new else gr.skip()]
        found.append(job.curve() if job and new else gr.skip())
        ready = job is not None and job.state in ("done", "stopped")
        usable = ready and job.called in shelf.styles()
        found.append(gr.Button(f"Paint with {job.called}" if usable else "", visible=usable))
        changed = [gr.skip()] * 3
        if ended != seen[2]:
            changed = shelf.pictures(scratch), gr.Dropdown(shelf.titles()), gr.Button(visible=False)
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

    def paint_with_it():
        done = [job.called for job in queue.jobs if job.called in shelf.styles()]
        return gr.Tabs(selected="paint"), gr.Dropdown(shelf.titles(), value=done[-1])

    asked, told = [painting, name, chosen, own, minutes], [said, clock]
    go.click(learn, asked, told, api_name="train", show_progress_on=said)
    finer.click(
        refine, style, [tabs, painting, name], api_name=False,
    ).success(learn, asked, told, api_name=False, show_progress_on=said)  # fmt: skip
    clock.tick(look, seen, shown, api_name=False, show_progress="hidden")
    use.click(paint_with_it, outputs=[tabs, style], api_name=False)
    stop.click(stop_job(gr, queue, TrainingJob), outputs=[said, clock], api_name="stop_training")
    return look, seen, shown


def optimize_tab(gr, scratch, where, queue):
    "Build the tab that optimizes the pixels of a photo."
    gr.Markdown("Slow and finer: paints one photo in the style of one painting, in minutes.")
    with gr.Row():
        with gr.Column():
            photo = gr.Image(label="Photo", height=220, **UPLOADED)
            painting = gr.Image(label="Painting", height=220, **UPLOADED)
            size = gr.Slider(64, 2048, 512, step=64, label="Longer side, px")
            go, stop = start_and_stop(gr, "Optimize")
        with gr.Column():
            said = gr.Markdown("Choose a photo and a painting.", elem_id="optimized")
            picture = gr.Image(interactive=False, show_label=False, buttons=["fullscreen"])
            taken = gr.DownloadButton("Download", interactive=False)
            with gr.Accordion("Loss", open=False):
                curve = gr.Plot(show_label=False)

    def optimize(photo, painting, size, request: gr.Request):
        if not (photo and painting):
            raise FaststyleError("Choose a photo and a painting.")
        watch, done, shown = OptimizationJob(), [], None
        watch.visitor = request.session_hash
        how = {"callback": watch, "end_scale": size, **where}
        work = partial(optimize_style, photo, painting, **how)
        queue.add(f"{Path(photo).stem}-{Path(painting).stem}", watch, lambda: done.append(work()))
        while watch.state in ("waiting", "running"):
            time.sleep(EVERY)
            new, shown = watch.picture is not shown, watch.picture
            line = watch.said() if watch.state == "running" else queue.said()
            yield line, shown if new else gr.skip(), gr.skip(), watch.curve()
        if not done:
            raise FaststyleError(watch.why or "Stopped.")
        watch.ended = True
        place = scratch / uuid4().hex / f"{watch.called}.png"
        save_picture(done[0], place)
        taken = gr.DownloadButton(value=place, interactive=True)
        yield watch.said(), done[0], taken, watch.curve()

    go.click(
        optimize, [photo, painting, size], [said, picture, taken, curve],
        api_name="optimize", show_progress_on=said, concurrency_limit=None,
    )  # fmt: skip
    stop.click(stop_job(gr, queue, OptimizationJob), api_name="stop_optimizing")


def collect_uploads(files, folder):
    "Copy uploaded files, which are stored among those of other visitors, to a folder of their own."
    folder.mkdir(parents=True)
    for i, file in enumerate(map(Path, files)):
        shutil.copy(file, folder / f"{i}-{file.name}")
    return folder


def start_and_stop(gr, label):
    "Build the start and stop buttons."
    with gr.Row():
        return gr.Button(label, variant="primary"), gr.Button("Stop", variant="stop")


def stop_job(gr, queue, kind):
    "Make a function that stops a visitor's newest job, or the one that runs."

    def stop(request: gr.Request):
        jobs = [job for job in queue.open() if isinstance(job, kind)]
        own = [job for job in jobs if job.visitor == request.session_hash]
        if jobs:
            (own or jobs)[-1 if own else 0].stop.set()
        if kind is TrainingJob:
            return queue.said() or "No training is running.", gr.Timer(active=bool(queue.open()))

    return stop
