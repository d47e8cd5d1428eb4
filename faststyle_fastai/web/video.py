"The tab of the page that paints a video."

import math
import time
from functools import partial
from pathlib import Path
from uuid import uuid4

from PIL import Image

from ..core.errors import FaststyleError
from ..images.sizes import fitted
from ..video.reader import open_video
from ..video.stylize import paint_video
from .gradio import gr
from .jobs import EVERY, VideoJob
from .library import plain_name, work_of
from .parts import Site, refused, shell, show_with, style_cards, style_update

__all__ = ["FilmTab"]

KINDS = [".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif"]
LONGEST = 60  # s of a video
SHOWN = 640  # px of a frame in the preview
AT = 1 / 6, 1 / 2, 5 / 6  # of the video: its frames in the preview
WHAT = "A video is painted frame by frame, with steady colors. It keeps its sound."
IDLE = f"Choose a video of up to {LONGEST} s. Three of its frames are painted first."


class FilmTab:
    "The tab that paints a video."

    def __init__(self, site: Site):
        self.site, self.shelf, self.queue = site, site.shelf, site.queue
        first = next(iter(self.shelf.styles()))
        bar, stage, side = shell("Paint a video")
        with bar:
            self.file = gr.DownloadButton("Download", interactive=False, variant="primary")
        with stage:
            self.film = gr.File(label="Video", file_types=KINDS, elem_classes="drop")
            self.frames = gr.Gallery(
                show_label=False, visible=False, elem_classes="hero", interactive=False,
                buttons=[], preview=True, selected_index=1, object_fit="contain",
            )  # fmt: skip
            self.painted = gr.Video(
                label="Painted", visible=False, elem_classes="hero", interactive=False, buttons=[]
            )
            with gr.Row(elem_classes="strip"):
                own = gr.UploadButton(
                    "Your painting", file_types=["image", ".safetensors"], elem_classes="own"
                )
                self.style = style_cards(self.shelf.titles(), first)
        with side:
            self.status = gr.Markdown(IDLE, elem_id="filmed")
            start = site.start_and_stop("Paint the video", VideoJob, "stop_video", [self.film])
            with gr.Column(visible=False) as more:
                self.strength = gr.Slider(0, 100, 100, step=5, label="Strength in %")
                self.before = gr.Checkbox(label="Show the original")
                self.smooth = gr.Checkbox(label="Brush strokes follow the motion (slower)")
            self.made = gr.State()  # the painted video
            gr.Markdown(WHAT)
        show_with(more, self.film)
        gr.on(own.upload, self.added, own, self.style, show_progress="hidden", api_name=False)
        asked = [self.film, self.style, self.strength]
        fields = [*asked, self.before]
        shown = [self.film, self.status, self.frames, self.painted, self.made]
        how = {"concurrency_id": "paint", "concurrency_limit": 1, "trigger_mode": "always_last"}
        how["api_name"] = False
        gr.on([field.change for field in asked], self.preview, fields, shown, **how)
        gr.on(self.before.change, self.compare, [*fields, self.made], shown, **how)
        start(
            self.paint, [*asked, self.smooth],
            [self.status, self.frames, self.painted, self.file, self.before, self.made],
            concurrency_limit=None, show_progress="hidden", api_name="video",
        )  # fmt: skip

    def added(self, file):
        "Add a painting or a style file to the library."
        called = self.shelf.add(file)
        return style_update(self.shelf.titles(), called)

    def preview(self, film, called, strength, before):
        "Paint a few frames, or show them as they are."
        nothing = gr.Gallery(visible=False), gr.Video(visible=False), None
        if not film:
            return gr.skip(), gr.skip(), *nothing
        if why := refused(film, length_of):
            return None, why, *nothing
        length, count = length_of(film)
        pictures = [first_frame(film, share * length) for share in AT]
        shown = [picture.resize(fitted(picture.size, SHOWN)) for picture in pictures]
        said = gr.skip()
        if not before:
            (paint, name), began = self.shelf.find_for_film(called), time.monotonic()
            strength = strength / 100 if paint.base else 1.0
            shown = [paint(picture, name, strength) for picture in shown]
            larger = math.prod(pictures[0].size) / math.prod(shown[0].size)
            takes = (time.monotonic() - began) / len(shown) * larger * count
            takes = f"{takes:.0f} seconds" if takes < 90 else f"{takes / 60:.0f} minutes"
            said = f"{length:.0f} s of video. Painting it takes about {takes}."
        frames = gr.Gallery(shown, visible=True, selected_index=1)
        return gr.skip(), said, frames, gr.Video(visible=False), None

    def compare(self, film, called, strength, before, made):
        "Show the video, or its frames, before or after."
        if not made:
            return self.preview(film, called, strength, before)
        return gr.skip(), gr.skip(), gr.skip(), gr.Video(film if before else made), gr.skip()

    def paint(self, film, called, strength, smooth, request: gr.Request):
        "Put a video into the queue and follow it to its end."
        if not film:
            raise FaststyleError("Choose a video.")
        length_of(film)
        (paint, name), watch = self.shelf.find_for_film(called), VideoJob()
        out = self.site.scratch / uuid4().hex / f"{Path(film).stem}-{plain_name(called)}.mp4"
        how = {"strength": strength / 100 if paint.base else 1.0, "smooth": smooth, "watch": watch}
        out.parent.mkdir()
        work = partial(paint_video, paint, film, out, name, **how)
        self.queue.add(Path(film).stem, watch, work, request.session_hash)
        while watch.state in ("waiting", "running"):
            waits = gr.DownloadButton(interactive=False)
            yield self.queue.told(watch), gr.skip(), gr.skip(), waits, gr.skip(), gr.skip()
            time.sleep(EVERY)
        if not out.exists() and watch.stop.is_set():
            yield "Stopped. Nothing is painted.", *[gr.skip()] * 5
            return
        if not out.exists():
            raise FaststyleError(watch.why or "Stopped.")
        file = gr.DownloadButton(f"Download ({work_of(called)})", value=out, interactive=True)
        said, shown = watch.why or "Done. Play it, or download it.", gr.Video(out, visible=True)
        yield said, gr.Gallery(visible=False), shown, file, False, out


def length_of(film) -> tuple[float, int]:
    "The seconds and frames of a video; `FaststyleError` if the page does not take it."
    try:
        with open_video(film) as reader:
            seconds = float(reader.seconds or 0)
            frames = round(seconds * reader.rate)
    except (ValueError, OSError) as error:
        name = Path(film).name
        raise FaststyleError(f"{name} is damaged, or not a video that can be read.") from error
    if seconds > LONGEST:
        raise FaststyleError(
            f"The video lasts {seconds:.0f} s and this page takes up to {LONGEST} s. For longer "
            f"ones, use faststyle video in a terminal."
        )
    return seconds, frames


def first_frame(film, start) -> Image.Image:
    "The frame shown at a time in seconds."
    with open_video(film) as reader:
        for frame in reader.frames(start):
            return Image.fromarray(frame.picture)
    raise FaststyleError("The video has no frames.")
