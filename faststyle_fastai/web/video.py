"The tab of the page that paints a video."

import time
from functools import partial
from pathlib import Path
from uuid import uuid4

from PIL import Image

from ..core.errors import FaststyleError
from ..images.sizes import fitted
from ..video.reader import open_video
from ..video.stylize import paint_video
from .jobs import EVERY, VideoJob
from .library import plain_name
from .parts import start_and_stop, stop_jobs

__all__ = ["film_tab"]

KINDS = [".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif"]
LONGEST = 60  # s of a video
SHOWN = 640  # px of a frame in the preview
AT = 1 / 6, 1 / 2, 5 / 6  # of the video: its frames in the preview
IDLE = "Choose a video. Three of its frames are painted first."


def film_tab(gr, page, shelf, scratch, queue):
    "Build the tab; returns its styles."
    names = list(shelf.styles())
    with gr.Row():
        with gr.Column():
            film = gr.File(label=f"Video of up to {LONGEST} s", file_types=KINDS, height=120)
            style = gr.Dropdown(shelf.titles(), value=names[0], label="Style")
            strength = gr.Slider(0, 1, 1, step=0.05, label="Strength")
            smooth = gr.Checkbox(label="Brush strokes follow the motion (slower)")
            go, stop = start_and_stop(gr, "Paint the video")
        with gr.Column():
            said = gr.Markdown(IDLE, elem_id="filmed")
            painted = gr.Video(label="Painted", visible=False, interactive=False, buttons=[])
            taken = gr.DownloadButton("Download", interactive=False)
            frames = gr.Gallery(
                label="Three frames", columns=3, interactive=False, height=220, buttons=[],
                object_fit="contain",
            )  # fmt: skip

    def preview(film, called, strength):
        if not film:
            return IDLE, None
        (paint, name), painted = shelf.find(called), []
        length = seconds_of(film)
        for share in AT:
            picture = first_frame(film, share * length)
            picture = picture.resize(fitted(picture.size, SHOWN))
            painted.append(paint(picture, name, strength if paint.base else 1.0))
        return f"{length:.0f} s of video.", painted

    def paint_it(film, called, strength, smooth, request: gr.Request):
        if not film:
            raise FaststyleError("Choose a video.")
        seconds_of(film)
        (paint, name), watch = shelf.find(called), VideoJob()
        out = scratch / uuid4().hex / f"{Path(film).stem}-{plain_name(called)}.mp4"
        how = {"strength": strength if paint.base else 1.0, "smooth": smooth, "watch": watch}
        out.parent.mkdir()
        work = partial(paint_video, paint, film, out, name, **how)
        queue.add(Path(film).stem, watch, work, request.session_hash)
        hidden = gr.Video(visible=False), gr.DownloadButton(interactive=False)
        while watch.state in ("waiting", "running"):
            yield queue.told(watch), *hidden
            time.sleep(EVERY)
        if not out.exists():
            raise FaststyleError(watch.why or "Stopped.")
        shown = gr.Video(out, visible=True), gr.DownloadButton(value=out, interactive=True)
        yield watch.why or "Done.", *shown

    gr.on(
        [film.change, style.change, strength.change], preview, [film, style, strength],
        [said, frames], concurrency_id="paint", concurrency_limit=1, trigger_mode="always_last",
        api_name=False,
    )  # fmt: skip
    go.click(
        paint_it, [film, style, strength, smooth], [said, painted, taken], concurrency_limit=None,
        show_progress_on=said, api_name="video",
    )  # fmt: skip
    end = stop_jobs(gr, queue, VideoJob)
    stop.click(end, api_name="stop_video")
    page.unload(end)
    return style


def seconds_of(film) -> float:
    "How long a video lasts; `FaststyleError` if the page does not take it."
    with open_video(film) as reader:
        seconds = float(reader.seconds or 0)
    if seconds > LONGEST:
        raise FaststyleError(
            f"The video lasts {seconds:.0f} s and this page takes up to {LONGEST} s. For longer "
            f"ones, use faststyle video in a terminal."
        )
    return seconds


def first_frame(film, start) -> Image.Image:
    "The frame shown at a time in seconds."
    with open_video(film) as reader:
        for frame in reader.frames(start):
            return Image.fromarray(frame.picture)
    raise FaststyleError("The video has no frames.")
