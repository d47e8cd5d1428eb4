"How videos are encoded: containers, codecs, and their settings."

from contextlib import suppress
from pathlib import Path
from typing import Any

from ..core.extras import extra
from ..images.formats import is_numbered
from .image_writers import ANIMATIONS

__all__ = ["CODEC", "CODECS", "check_encoding", "encoding"]

CODECS = {".webm": ("libvpx-vp9", {"crf": "31", "row-mt": "1"})}
CODEC = "libx264", {"crf": "18", "preset": "veryfast"}  # for other file types
WITH_CRF = "libx264", "libx265", "libvpx-vp9", "libaom-av1", "libsvtav1"
# Encoders without crf, which otherwise end at their worst quality; and a fixed one, 3 of 1 to 31.
OLD = "mpeg4", "msmpeg4", "mpeg2video", "mpeg1video", "flv", "wmv1", "wmv2"
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
    suffix, writes = out.suffix.lower(), False
    container = CONTAINERS.get(suffix, suffix[1:])
    with suppress(ValueError):
        writes = av.format.ContainerFormat(container, "w").is_output
    if not writes:
        raise ValueError(
            f"{out}: unsupported video format. Use .mp4, .mkv, .webm, .mov, .gif, .webp, .apng or "
            "frames/%04d.png."
        )
    usual, options = CODECS.get(suffix, CODEC)
    if codec and codec != usual:
        options = FIXED if codec in OLD else {}
    codec = codec or usual
    if crf is not None:
        if codec not in WITH_CRF:
            raise ValueError(f"{codec} does not support crf. Use {', '.join(WITH_CRF)}.")
        options = {**options, "crf": str(crf)}
    if codec not in av.codecs_available:
        raise ValueError(
            f"Codec {codec} is not available. Use a name from ffmpeg, such as libx264."
        )
    kinds = [kind.name for kind in av.codec.Codec(codec, "w").video_formats or ()]
    if kinds and PIXELS not in kinds:
        raise ValueError(f"Codec {codec} takes {kinds[0]}, not {PIXELS}. Try libx264.")
    return container, codec, options
