"The camera's video, repainted live on a web page (gradio, the extra `web`)."

import time
from collections import defaultdict, deque
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from PIL import Image

from ..core.errors import FaststyleError
from ..images.masks import read_mask
from ..inference.builtin import style_title
from ..inference.options import PaintOptions
from ..inference.stylizer import Stylizer
from ..video.reader import VideoFrame
from ..video.recorder import VideoRecorder
from ..video.stylize import FramePainter
from .gradio import gr
from .parts import area_field
from .server import served

__all__ = ["camera_page"]

DEFAULT = PaintOptions()
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
    options: PaintOptions = DEFAULT,  # the page may change the style, strength and area
):
    "Serve a page that shows the camera's video as `paint` paints it; print its address."
    if not paint.styles:
        raise FaststyleError("An autoencoder only redraws photos: choose a style.")
    with served(
        "faststyle camera",
        lambda page, folder: CameraTab(page, folder.path, paint, size, options),
        host, port, browser, allow_hosts,
    ):  # fmt: skip
        yield


class CameraTab:
    "The tab of the camera: its video, the painted version, and the controls."

    def __init__(
        self,
        page: gr.Blocks,
        scratch: Path,
        paint: Stylizer,
        size: int = 240,  # px of the short side
        how: PaintOptions = DEFAULT,
    ):
        if how.mask is not None:
            how = replace(how, mask=read_mask(how.mask))
        self.scratch = scratch
        self.visitors: dict[str | None, Live] = defaultdict(lambda: Live(paint, size, how))
        self.rate = gr.Markdown("Allow access to the camera and press its button.", elem_id="rate")
        titles = [(style_title(name), name) for name in paint.styles]
        with gr.Row():
            self.style = gr.Dropdown(titles, value=paint.named or paint.styles[0], label="Style")
            self.strength = gr.Slider(
                0, 1, how.strength, label="Strength", visible=paint.base is not None
            )
            self.area = area_field(how.area)
        with gr.Row():
            self.camera = gr.Image(sources=["webcam"], streaming=True, show_label=False)
            self.painted = gr.Image(interactive=False, show_label=False, buttons=["fullscreen"])
        self.taken = gr.Image(
            interactive=False, format="png", label="Snapshot", buttons=["download"],
            elem_id="snapshot", height=240,
        )  # fmt: skip
        records = find_spec("av") is not None
        with gr.Row():
            self.snap = gr.Button("Snapshot")
            self.record = gr.Button("Record", elem_id="record", visible=records)
            self.film = gr.DownloadButton(
                "Download the recording", interactive=False, visible=records
            )
        self._connect(page)

    def _connect(self, page):
        self.camera.stream(
            self.live, [self.camera, self.style, self.strength, self.area],
            [self.painted, self.rate],
            stream_every=SOONEST, concurrency_limit=1,  # one frame at a time
            show_progress="hidden", api_name="camera",
        )  # fmt: skip
        self.snap.click(self.snapshot, self.painted, self.taken, api_name="snapshot")
        self.record.click(self.recording, None, [self.record, self.film], api_name="record")
        page.unload(self.leave)
        page.load(None, js=REFUSED, api_name=False)

    def live(self, picture, style, strength, area, request: gr.Request):
        return self.visitors[request.session_hash](picture, style, strength, area)

    def snapshot(self, frame):
        if frame is None:
            raise FaststyleError(NO_VIDEO)
        return frame

    def recording(self, request: gr.Request):
        "Start the visitor's recording, or end it and offer it."
        visitor = self.visitors[request.session_hash]
        if not visitor.times:
            raise FaststyleError(NO_VIDEO)
        if visitor.recorder is None:
            visitor.recorder = VideoRecorder(self.scratch / uuid4().hex / "camera.mp4")
            return gr.Button("Stop recording"), gr.DownloadButton(interactive=False)
        done, visitor.recorder = visitor.recorder.finish(), None
        shown = gr.DownloadButton(value=done, interactive=done is not None)
        return gr.Button("Record"), shown

    def leave(self, request: gr.Request):
        left = self.visitors.pop(request.session_hash, None)
        if left and left.recorder:
            left.recorder.finish()


class Live:
    "Paint the frames of one camera; other settings make a new network."

    def __init__(self, paint: Stylizer, size: int, options: PaintOptions):
        self.paint, self.size, self.options = paint, size, options
        self.asked, self.painted = None, None
        self.times: deque[float] = deque(maxlen=LOOK_BACK)
        self.recorder: VideoRecorder | None = None

    def __call__(self, picture, style, strength, area):
        if picture is None:
            return None, "No image."
        if self.asked != (style, strength, area):
            self.asked, how = (style, strength, area), self.options
            if area == "all" and how.mask is None:
                how = replace(how, black=None)  # there is nothing else to paint
            how = replace(how, style=style, strength=strength, area=area)
            self.painted = FramePainter(self.paint, how, self.size)
        self.times.append(time.monotonic())
        frame = VideoFrame(picture[..., :3], Fraction(self.times[-1]), Fraction(0))
        painted = Image.fromarray(self.painted(frame).picture)
        if recorder := self.recorder:
            recorder.add(painted, self.times[-1])
        took, late = self.times[-1] - self.times[0], time.monotonic() - self.times[-1]
        rate = f"{(len(self.times) - 1) / took:.1f} frames/s" if took else "…"
        return painted, f"{rate}, painted in {1000 * late:.0f} ms"
