"How videos are encoded: containers, codecs, their settings and colors; and images as a video."

from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..core.atomic import atomic_write
from ..core.extras import extra
from ..images.formats import is_numbered
from .frames import BT601, BT709, FULL, HD, LIMITED, SCALER
from .image_writers import ANIMATIONS, Animation
from .reader import VideoFrame

__all__ = [
    "CODECS",
    "check_encoding",
    "encodable",
    "encoding",
    "local",
    "picture_stream",
    "write_video",
]

CODECS = {".webm": ("libvpx-vp9", {"crf": "31", "row-mt": "1"})}
CODEC = "libx264", {"crf": "18", "preset": "veryfast"}  # for other file types
WITH_CRF = "libx264", "libx265", "libvpx-vp9", "libaom-av1", "libsvtav1"
# Encoders without crf, which otherwise end at their worst quality; and a fixed one, 3 of 1 to 31.
OLD = (
    "mpeg4", "msmpeg4", "msmpeg4v2", "mpeg2video", "mpeg1video", "flv", "h261", "h263", "h263p",
    "rv10", "rv20", "wmv1", "wmv2",
)  # fmt: skip
FIXED = {"flags": "+qscale", "global_quality": str(3 * 118)}
CONTAINERS = {".mkv": "matroska", ".m4v": "mp4", ".ts": "mpegts", ".mpg": "mpeg"}
PIXELS = "yuv420p"  # FFmpeg's name of the colors that are written


def check_encoding(out: Path, codec: str | None, crf: int | None, resume: bool) -> None:
    "Raise `ValueError` for an ending or a codec that is not known, or that lacks an option."
    if not (is_numbered(out) or out.suffix.lower() in ANIMATIONS):
        encoding(out, codec, crf)
        return
    for name, value in {"crf": crf, "codec": codec, "resume": resume or None}.items():
        if value is not None:
            raise ValueError(f"{out} does not support {name}. Use .mp4, .mkv, .webm or .mov.")


def encoding(
    out: Path,
    codec: str | None,  # None: H.264, or VP9 for .webm
    crf: int | None,
) -> tuple[str, str, dict[str, Any]]:  # FFmpeg's container and codec, and the codec's options
    "How a file is encoded; raises as `check_encoding`."
    av: Any = extra("av", "video")
    suffix = out.suffix.lower()
    container = CONTAINERS.get(suffix, suffix[1:])
    try:
        av.format.ContainerFormat(container, "w")
    except ValueError:
        raise ValueError(
            f"{out}: unsupported video format. Use .mp4, .mkv, .webm, .mov, .gif, .webp, .apng or "
            "frames/%04d.png."
        ) from None
    usual, options = CODECS.get(suffix, CODEC)
    if codec and codec != usual:
        options = FIXED if codec in OLD else {}
    codec = codec or usual
    if crf is not None:
        if codec not in WITH_CRF:
            raise ValueError(f"{codec} does not support crf. Use {', '.join(WITH_CRF)}.")
        options = {**options, "crf": str(crf)}
    encoder: Any = None
    with suppress(ValueError):  # there is none, although there may be a decoder
        encoder = av.codec.Codec(codec, "w")
    if not encoder or encoder.type != "video":
        raise ValueError(
            f"Codec {codec} is not available. Use a name from ffmpeg, such as libx264."
        )
    kinds = [kind.name for kind in encoder.video_formats or ()]
    if kinds and PIXELS not in kinds:
        raise ValueError(f"Codec {codec} takes {kinds[0]}, not {PIXELS}. Try libx264.")
    return container, codec, options


def picture_stream(
    container: Any,  # av.container.OutputContainer
    codec: str,
    options: dict[str, Any],  # of the codec, see `encoding`
    rate: Fraction | int,  # frames per second
    size: tuple[int, int],  # width and height, even
) -> Any:  # av.VideoStream
    "Add a stream of frames to a container; it says which colors they have."
    stream = container.add_stream(codec, rate=rate, options=options)
    stream.width, stream.height = size
    stream.pix_fmt, context = PIXELS, stream.codec_context
    matrix = BT709 if stream.height >= HD else BT601
    context.color_range, context.colorspace = LIMITED, matrix
    context.color_primaries = context.color_trc = matrix
    return stream


def encodable(
    picture: np.ndarray,  # [H, W, 3] uint8, of even sides
    stream: Any,  # see `picture_stream`
) -> Any:  # av.VideoFrame
    "A frame in a stream's colors."
    frame = extra("av", "video").VideoFrame.from_ndarray(picture, "rgb24")
    return frame.reformat(
        format=PIXELS,
        dst_colorspace=stream.codec_context.colorspace,
        src_color_range=FULL,
        dst_color_range=LIMITED,
        interpolation=SCALER,
    )


def local(path: Path) -> str:
    "A path as FFmpeg takes it: what comes before a colon would be a protocol."
    return f"file:{path}"


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
    with atomic_write(path) as temporary, av.open(local(temporary), "w") as video:
        stream = picture_stream(video, name, options, rate, (width, height))
        for i, picture in enumerate(chain([first], rest)):
            picture = picture if min(picture.size) > 1 else picture.resize((width, height))
            frame = encodable(np.asarray(picture.crop((0, 0, width, height))), stream)
            frame.pts, frame.time_base = i, Fraction(1, rate)
            video.mux(stream.encode(frame))
        video.mux(stream.encode())
    return path
