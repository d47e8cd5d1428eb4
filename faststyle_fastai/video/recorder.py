"Writes a few images as a video."

from fractions import Fraction
from pathlib import Path

from PIL import Image

from ..core.atomic import atomic_write
from ..core.extras import extra
from .writer import CODEC

__all__ = ["write_video"]

RATE = 5  # frames per second


def write_video(
    pictures: list[Image.Image],  # RGB, all of the same size
    path: Path,
) -> Path:
    "Write images as a video that plays anywhere."
    av, (name, options) = extra("av", "video"), CODEC
    width, height = (side // 2 * 2 for side in pictures[0].size)
    with atomic_write(path) as temporary, av.open(str(temporary), "w") as video:
        stream = video.add_stream(name, rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for i, picture in enumerate(pictures):
            frame = av.VideoFrame.from_image(picture.crop((0, 0, width, height)))
            frame.pts, frame.time_base = i, Fraction(1, RATE)
            video.mux(stream.encode(frame))
        video.mux(stream.encode())
    return path
