"Writes images as a video."

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from ..core.atomic import atomic_write
from ..core.extras import extra
from .codecs import CODEC, CODECS, PIXELS
from .frames import encodable, tagged
from .image_writers import ANIMATIONS, Animation
from .reader import VideoFrame

__all__ = ["write_video"]


def write_video(
    pictures: Iterable[Image.Image],  # RGB, all of the same size
    path: Path,
    rate: int = 5,  # frames per second
) -> Path:
    "Write images as a video that plays anywhere, or as an animation."
    if path.suffix.lower() in ANIMATIONS:
        animation = Animation(path)
        for i, picture in enumerate(pictures):
            animation.add(VideoFrame(np.asarray(picture), Fraction(i, rate), Fraction(1, rate)))
        animation.finish(0, None, False)
        return path
    av, (name, options) = extra("av", "video"), CODECS.get(path.suffix.lower(), CODEC)
    first = next(rest := iter(pictures))
    width, height = (max(2, side // 2 * 2) for side in first.size)
    with atomic_write(path) as temporary, av.open(f"file:{temporary}", "w") as video:
        stream = video.add_stream(name, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, PIXELS
        tagged(stream)
        for i, picture in enumerate(chain([first], rest)):
            picture = picture if min(picture.size) > 1 else picture.resize((width, height))
            frame = encodable(np.asarray(picture.crop((0, 0, width, height))), stream)
            frame.pts, frame.time_base = i, Fraction(1, rate)
            video.mux(stream.encode(frame))
        video.mux(stream.encode())
    return path
