"The camera's video, repainted live on a web page (gradio, the extra `web`)."

import time
from collections import defaultdict, deque
from contextlib import contextmanager
from fractions import Fraction
from importlib.util import find_spec
from uuid import uuid4

from PIL import Image

from ..core.errors import FaststyleError
from ..inference.builtin import style_title
from ..inference.options import PaintOptions
from ..video.reader import VideoFrame
from ..video.recorder import VideoRecorder
from ..video.stylize import FramePainter
from .server import served

__all__ = ["camera_page"]

NO_VIDEO = "There is no video: start the camera first."
SOONEST = 0.04  # shortest time in s between frames from the browser
REFUSED = """() => {  // gradio says nothing of a camera that is refused
  const media = navigator.mediaDevices;
  const say = (why) => (document.querySelector("#rate").innerText =
    `The camera is not available (${why}). Allow it in your browser's settings for this page.`);
  if (!media) return void say("the page needs https, or localhost");
  const ask = media.getUserMedia.bind(media);
  media.getUserMedia = (what) => ask(what).catch((error) => {
    say(error.message);
    throw error;
  });
}"""
LOOK_BACK = 30  # frames over which the rate is measured


@contextmanager
def camera_page(
    paint,  # a Stylizer
    host: str = "127.0.0.1",
    port: int = 8080,
    browser: bool = False,  # open the page
    size: int = 240,  # px of the short side
    allow_hosts: list[str] | None = None,  # see `server.served`
):
    "Serve a page that shows the camera's video as `paint` paints it; print its address."
    if not paint.styles:
        raise FaststyleError("An autoencoder only redraws photos: choose a style.")
    with served(
        "faststyle camera",
        lambda gr, page, folder: camera_tab(gr, page, folder.path, paint, size),
        host, port, browser, allow_hosts,
    ):  # fmt: skip
        yield


def camera_tab(gr, page, scratch, paint, size=240):
    "Build the camera tab: the video, its painted version, and the controls."
    visitors = defaultdict(lambda: Live(paint, size))
    rate = gr.Markdown("Allow access to the camera and press its button.", elem_id="rate")
    titles = [(style_title(name), name) for name in paint.styles]
    with gr.Row():
        style = gr.Dropdown(titles, value=paint.named or paint.styles[0], label="Style")
        strength = gr.Slider(0, 1, 1, label="Strength", visible=paint.base is not None)
    with gr.Row():
        camera = gr.Image(sources=["webcam"], streaming=True, show_label=False)
        painted = gr.Image(interactive=False, show_label=False, buttons=["fullscreen"])

    def live(picture, style, strength, request: gr.Request):
        return visitors[request.session_hash](picture, style, strength)

    def snapshot(frame):
        if frame is None:
            raise FaststyleError(NO_VIDEO)
        return frame

    def leave(request: gr.Request):
        left = visitors.pop(request.session_hash, None)
        if left and left.recorder:
            left.recorder.finish()

    camera.stream(
        live, [camera, style, strength], [painted, rate], stream_every=SOONEST,
        concurrency_limit=1, show_progress="hidden", api_name="camera",  # one frame at a time
    )  # fmt: skip
    taken = gr.Image(
        interactive=False,
        format="png",
        label="Snapshot",
        buttons=["download"],
        elem_id="snapshot",
        height=240,
    )
    with gr.Row():
        gr.Button("Snapshot").click(snapshot, painted, taken, api_name="snapshot")
        records = {"visible": find_spec("av") is not None}
        record = gr.Button("Record", elem_id="record", **records)
        film = gr.DownloadButton("Download the recording", interactive=False, **records)

    def recording(request: gr.Request):
        visitor = visitors[request.session_hash]
        if not visitor.times:
            raise FaststyleError(NO_VIDEO)
        if visitor.recorder is None:
            visitor.recorder = VideoRecorder(scratch / uuid4().hex / "camera.mp4")
            return gr.Button("Stop recording"), gr.DownloadButton(interactive=False)
        done, visitor.recorder = visitor.recorder.finish(), None
        shown = gr.DownloadButton(value=done, interactive=done is not None)
        return gr.Button("Record"), shown

    record.click(recording, None, [record, film], api_name="record")
    page.unload(leave)
    page.load(None, js=REFUSED, api_name=False)


class Live:
    "Paint the frames of one camera; a change of style or strength makes a new network."

    def __init__(self, paint, size):
        self.paint, self.size = paint, size
        self.asked, self.painted = None, None
        self.times, self.recorder = deque(maxlen=LOOK_BACK), None

    def __call__(self, picture, style, strength):
        if picture is None:
            return None, "No image."
        if self.asked != (style, strength):
            self.asked = style, strength
            self.painted = FramePainter(self.paint, PaintOptions(style, strength), self.size)
        self.times.append(time.monotonic())
        frame = VideoFrame(picture[..., :3], Fraction(self.times[-1]), Fraction(0))
        painted = Image.fromarray(self.painted(frame).picture)
        if recorder := self.recorder:
            recorder.add(painted, self.times[-1])
        took = self.times[-1] - self.times[0]
        return painted, f"{(len(self.times) - 1) / took:.1f} frames/s" if took else "…"
