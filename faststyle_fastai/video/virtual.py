"The camera's video, repainted and sent to a virtual camera, for calls and broadcasts."

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from ..core.errors import FaststyleError
from ..core.extras import extra
from ..inference.options import PaintOptions
from ..inference.stylizer import Stylizer
from .frame_painter import FramePainter
from .reader import VideoFrame

__all__ = ["virtual_camera"]

HELP = (
    "On Linux, load v4l2loopback (sudo modprobe v4l2loopback). On macOS and Windows, install OBS "
    "and start its virtual camera once. Or open the page of faststyle web as a browser source."
)
FPS = 30  # what programs are told; frames come as soon as they are painted


def virtual_camera(
    paint: Stylizer,
    options: PaintOptions = PaintOptions(),  # noqa: B008 - frozen; its `size` is not used
    size: int = 240,  # px of the short side of the frames
    camera: int | str = 0,  # number of the camera, or a video
    watch: Callable[[float, float], Any] | None = None,  # called with frames/s and latency in s
) -> None:
    """Repaint a camera's video for other programs until it ends. Requires the extra `virtual`.

    Raises `FaststyleError` if there is no camera, or no virtual one.
    """
    cv2, pyvirtualcam = extra("cv2", "virtual"), extra("pyvirtualcam", "virtual")
    source = cv2.VideoCapture(camera)
    painter, began, n = FramePainter(paint, options, size), time.monotonic(), 0
    sink: Any = None
    try:
        seen, picture = source.read()
        if not seen:
            raise FaststyleError(f"Camera {camera} is not available. Choose another --camera.")
        while seen:
            taken = time.monotonic()
            frame = VideoFrame(picture[..., ::-1].copy(), Fraction(taken), Fraction(0))
            painted = painter(frame).picture
            height, width = (side - side % 4 for side in painted.shape[:2])
            painted = np.ascontiguousarray(painted[:height, :width])  # which no camera has odd
            if sink is None:
                sink = opened(pyvirtualcam, width, height)
            sink.send(painted)
            n, now = n + 1, time.monotonic()
            if watch:
                watch(n / (now - began), now - taken)
            seen, picture = source.read()
    finally:
        if sink:
            sink.close()
        source.release()


def opened(pyvirtualcam, width, height):
    try:
        return pyvirtualcam.Camera(width, height, FPS)
    except (RuntimeError, ValueError, OSError) as error:
        raise FaststyleError(f"There is no virtual camera ({error}). {HELP}") from None
