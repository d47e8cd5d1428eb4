"The tabs of the page for painting, training and optimizing."

import shutil
import time
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
from .jobs import OptimizationJob, TrainingJob, latest_frame, run_in_thread
from .library import plain_name

__all__ = ["optimize_tab", "paint_tab", "train_tab"]

SHOWN = 1280  # px of an image on the page; downloads have the full size
HEAVY = {"concurrency_id": "heavy", "concurrency_limit": 1}  # one job at a time; others wait
UPLOADED = {"type": "filepath", "sources": ["upload", "clipboard"]}
SAMPLES, NONE = "two sample photos", "nothing"
FEW, DRAWN = 100, 400  # with fewer than FEW photos, DRAWN are drawn per epoch


def paint_tab(gr, shelf, scratch):
    "Build the tab that paints a photo; return its gallery and list of styles."
    names = list(shelf.styles())
    with gr.Row():
        with gr.Column():
            photo = gr.Image(label="Photo", **UPLOADED)
            gallery = gr.Gallery(
                shelf.pictures(), columns=4, height=320, object_fit="cover", label="Styles",
                allow_preview=False, interactive=False, buttons=[],
            )  # fmt: skip
            style = gr.Dropdown(names, value=names[0], label="Style")
            strength = gr.Slider(0, 1, 1, step=0.05, label="Strength")
            with gr.Row():
                other = gr.Dropdown([NONE], value=NONE, label="Mix with")
                share = gr.Slider(0, 1, 0.5, step=0.05, label="Share of the second style")
            keep_colors = gr.Checkbox(label="Keep the photo's colors")
            stroke = gr.Dropdown(list(STROKES), value="medium", label="Width of the brush strokes")
            kinds = [".safetensors", *sorted(PICTURES)]
            own = gr.UploadButton("Add a painting or a .safetensors file", file_types=kinds)
            trainable = shelf.painting(names[0]) is not None
            finer = gr.Button("Make it finer: train this painting", visible=trainable)
        with gr.Column():
            go = gr.Button("Paint", variant="primary")
            said = gr.Markdown("Choose a photo.", elem_id="painted")
            both = gr.ImageSlider(label="Before and after", interactive=False, max_height=720)
            taken = gr.DownloadButton("Download at full size", interactive=False)

    def repaint(photo, called, strength, other, share, keep_colors, stroke):
        if not photo:
            return "Choose a photo.", None, gr.DownloadButton(interactive=False)
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
        return shelf.pictures(), gr.Dropdown(list(shelf.styles()), value=called)

    asked = [photo, style, strength, other, share, keep_colors, stroke]
    changes = [photo.change, style.change, strength.release, other.change, share.release]
    changes += [keep_colors.change, stroke.change]
    gr.on(
        [go.click, *changes], repaint, asked, [said, both, taken],
        concurrency_id="paint", concurrency_limit=1, trigger_mode="always_last",
        show_progress_on=both, api_name="paint",
    )  # fmt: skip

    def choose(event: gr.SelectData):
        called = event.value["caption"]
        if not isinstance(called, str) or called not in shelf.styles():
            raise FaststyleError("Unknown style: choose one from the list.")
        return called

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


def train_tab(gr, shelf, scratch, folders, where, tabs, gallery, style, finer):
    "Build the tab that trains a style and adds it to the library."
    with gr.Row():
        with gr.Column():
            painting = gr.Image(label="Painting", **UPLOADED)
            name = gr.Textbox(label="Name of the style", placeholder="Default: the file name")
            chosen = gr.Dropdown([*folders, SAMPLES], label="Training photos")
            own = gr.File(file_count="directory", label="Or upload your own folder", height=120)
            minutes = gr.Slider(1, 120, 3, step=1, label="Minutes")
            go, stop = start_and_stop(gr, "Train")
        with gr.Column():
            said = gr.Markdown("Choose a painting.", elem_id="trained")
            preview = gr.Image(interactive=False, show_label=False, buttons=["fullscreen"])
            curve = gr.Plot(show_label=False)
    watches = {}

    def learn(painting, name, chosen, own, minutes, request: gr.Request):
        if not painting:
            raise FaststyleError("Choose a painting.")
        folder, how = sample_photos()
        if own or chosen != SAMPLES:
            folder = (
                collect_uploads(own, scratch / f"photos-{uuid4().hex}") if own else folders[chosen]
            )
            how = {"images": DRAWN} if len(find_pictures(folder)[0]) < FEW else {}
        place = shelf.place(name or Path(painting).stem)
        watch = watches[request.session_hash] = TrainingJob()
        how |= {"minutes": minutes, "quiet": True, "cbs": watch, **where}
        kept = save_picture(read_picture(painting), place / f"{place.name}.png")

        def work():
            try:
                train(folder, kept, place, **how)
            finally:
                if not (place / MODEL).exists():
                    shutil.rmtree(place, ignore_errors=True)
                if own:
                    shutil.rmtree(folder, ignore_errors=True)

        for _ in run_in_thread(work):
            frame = latest_frame(watch, gr.skip())
            yield watch.said(), frame, watch.curve(), *[gr.skip()] * 3
        line = f"### Ended. {place.name} is among the styles of the Paint tab."
        names = gr.Dropdown(list(shelf.styles()), value=place.name)
        frame, trained = latest_frame(watch, gr.skip()), gr.Button(visible=False)
        yield line, frame, watch.curve(), shelf.pictures(), names, trained

    def refine(called):
        "Put a painting of the library into the fields of this tab."
        if not (file := shelf.painting(called)):
            raise FaststyleError(f"{called} is trained already.")
        copy = scratch / uuid4().hex / file.name  # the page may read its own folder only
        copy.parent.mkdir()
        shutil.copy(file, copy)
        return gr.Tabs(selected="train"), str(copy), called

    asked, shown = (
        [painting, name, chosen, own, minutes],
        [said, preview, curve, gallery, style, finer],
    )
    go.click(learn, asked, shown, api_name="train", show_progress_on=said, **HEAVY)
    finer.click(
        refine, style, [tabs, painting, name], api_name=False,
    ).success(learn, asked, shown, api_name=False, show_progress_on=said, **HEAVY)  # fmt: skip
    stop.click(stop_button(gr, watches), api_name="stop_training")
    return watches


def optimize_tab(gr, scratch, where):
    "Build the tab that optimizes the pixels of a photo."
    with gr.Row():
        with gr.Column():
            photo = gr.Image(label="Photo", **UPLOADED)
            painting = gr.Image(label="Painting", **UPLOADED)
            size = gr.Slider(64, 2048, 512, step=64, label="Longer side, px")
            go, stop = start_and_stop(gr, "Optimize")
        with gr.Column():
            said = gr.Markdown("Choose a photo and a painting.", elem_id="optimized")
            picture = gr.Image(interactive=False, show_label=False, buttons=["fullscreen"])
            taken = gr.DownloadButton("Download", interactive=False)
            curve = gr.Plot(show_label=False)
    watches = {}

    def optimize(photo, painting, size, request: gr.Request):
        if not (photo and painting):
            raise FaststyleError("Choose a photo and a painting.")
        watch, done = OptimizationJob(), []
        watches[request.session_hash] = watch
        how = {"callback": watch, "end_scale": size, **where}
        for _ in run_in_thread(lambda: done.append(optimize_style(photo, painting, **how))):
            yield watch.said(), latest_frame(watch, gr.skip()), gr.skip(), watch.curve()
        watch.ended = True
        place = scratch / uuid4().hex / f"{Path(photo).stem}-{Path(painting).stem}.png"
        save_picture(done[0], place)
        yield (
            watch.said(),
            done[0],
            gr.DownloadButton(value=place, interactive=True),
            watch.curve(),
        )

    go.click(
        optimize, [photo, painting, size], [said, picture, taken, curve],
        api_name="optimize", show_progress_on=said, **HEAVY,
    )  # fmt: skip
    stop.click(stop_button(gr, watches), api_name="stop_optimizing")
    return watches


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


def stop_button(gr, watches):
    "Make a function that stops this visitor's job."

    def stop(request: gr.Request):
        if watch := watches.get(request.session_hash):
            watch.stop.set()

    return stop
