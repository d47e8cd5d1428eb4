"Decoded frames as images: sRGB, upright; and images that FFmpeg cannot decode."

import math
import struct
import warnings
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageSequence

from ..core.extras import extra
from ..images.color import srgb
from ..images.named_colors import PRIMARIES, NamedColors, standard_range, to_srgb
from ..images.opening import opened

__all__ = ["as_png", "decode", "display_matrix", "exif_turn", "in_srgb", "progressive", "upright"]

FULL, LIMITED = 2, 1  # luma ranges
BT709, BT470, BT601, BT2020, UNSPECIFIED = 1, 5, 6, 9, 2  # color matrices
HD = 720  # px of height from which a video without a stated matrix uses BT.709
WIDE = 9, 12  # primaries of BT.2020 and Display P3
HDR = {16: "PQ", 18: "HLG"}  # transfer curves
CLEAR = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # decoders that keep transparency
LONG = 65_000  # ms; longer times of a PNG are multiples of 10
NAMED = "png", "apng"  # whose color profiles have names, which PyAV's side data free twice
SCALER = 4 | 0x2000 | 0x4000 | 0x40000  # swscale: bicubic, full chroma, accurate rounding


def as_png(
    source: Path,  # an animated image
    folder: Path,
) -> Path:
    "Copy an animation to a PNG in a folder."
    file = folder / "film.png"
    with opened(source) as image:
        shown = [frame.copy().info.get("duration", 0) for frame in ImageSequence.Iterator(image)]
        shown = [ms if ms < LONG else min(round(ms, -1), 10 * LONG) for ms in shown]
        image.save(file, save_all=True, compress_level=1, duration=shown)
    return file


def decode(container: Any, stream: Any) -> Iterator:
    "The frames of a stream. FFmpeg's own decoders of VP8 and VP9 leave out transparency."
    name = stream.codec_context.name
    if name not in CLEAR or stream.metadata.get("alpha_mode") != "1":
        yield from container.decode(stream)
        return
    decoder = extra("av", "video").CodecContext.create(CLEAR[name], "r")
    for packet in container.demux(stream):
        for frame in decoder.decode(packet):
            if name == "vp8":
                frame.colorspace = BT470  # the only one that it has, which libvpx doesn't say
            yield frame


def progressive(frames: Iterator) -> Iterator:
    "Frames of a stream; from the first interlaced one on, by FFmpeg's filter bwdif."
    av = extra("av", "video")
    for frame in frames:
        if frame.interlaced_frame:
            break
        yield frame
    else:
        return
    for _, group in groupby(chain([frame], frames), lambda frame: (frame.width, frame.height)):
        first, graph = next(group), av.filter.Graph()
        only = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        source = graph.add_buffer(
            width=first.width, height=first.height, format=first.format, time_base=first.time_base
        )
        graph.link_nodes(source, only, graph.add("buffersink"))
        graph.configure()
        for each in chain([first], group, [None]):
            graph.push(each)
            with suppress(av.BlockingIOError, av.EOFError):
                while True:
                    yield graph.pull()


def upright(
    frame,
    size: tuple[int, int],  # width and height before it is turned
    turned: tuple[bool, bool, bool],  # see display_matrix
) -> np.ndarray:  # [H, W, 3] uint8; [H, W, 4] if any of it is transparent
    "A decoded frame in sRGB, turned and mirrored as its file says."
    hdr = frame.color_trc in HDR
    kind = frame.format
    clear = kind.name == "pal8" or any(part.is_alpha for part in kind.components)
    picture = frame.reformat(
        *size,
        format="rgb48le" if hdr else "rgba" if clear else "rgb24",
        src_colorspace=matrix_of(frame),
        src_color_range=FULL if "yuvj" in kind.name else frame.color_range or LIMITED,
        dst_color_range=FULL,
        interpolation=SCALER,
    ).to_ndarray()
    if hdr:
        curve = HDR[frame.color_trc]
        warnings.warn(
            f"This video has high dynamic range ({curve}). It is painted as SDR.", stacklevel=2
        )
        picture = standard_range(picture.astype(np.float32) / 65535, curve)
    if picture.shape[-1] == 4 and picture[..., 3].min() == 255:
        picture = picture[..., :3]
    swapped, left, up = turned
    picture = picture.transpose(1, 0, 2) if swapped else picture
    return np.ascontiguousarray(picture[:: -1 if up else 1, :: -1 if left else 1])


def display_matrix(
    frame: Any,
    codec: str,  # its name
) -> tuple[bool, bool, bool]:
    "Whether rows and columns are swapped, and then mirrored left to right and upside down."
    try:
        data = None if codec in NAMED else frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # there are other data, such as EXIF, that PyAV does not know
        data = None
    if data is not None:
        a, b, _, c, d, *_ = struct.unpack("<9i", bytes(data)[:36])
    else:
        turn = math.radians(frame.rotation)
        a, b = round(math.cos(turn)), -round(math.sin(turn))
        c, d = -b, a
    swapped = abs(b) > abs(a)
    return swapped, (c if swapped else a) < 0, (b if swapped else d) < 0


def in_srgb(
    picture: np.ndarray,  # [H, W, 3 or 4] uint8
    frame: Any,  # that it was decoded from
    image: Path | None,  # the file of a numbered image, whose profile FFmpeg ignores
) -> np.ndarray:
    "A frame in sRGB; one of high dynamic range is already."
    wide = frame.color_trc not in HDR and frame.color_primaries in WIDE
    if not (image or wide):
        return picture
    shown = colors = Image.fromarray(picture[..., :3].copy())
    if not image:
        colors = to_srgb(shown, NamedColors(PRIMARIES[frame.color_primaries]))
    else:
        with suppress(Exception), opened(image) as file:  # FFmpeg may read what Pillow refuses
            colors = srgb(shown, file.info.get("icc_profile"))
    return picture if colors is shown else np.dstack([np.asarray(colors), picture[..., 3:]])


def exif_turn(
    file: Path,  # one of numbered images, of whose EXIF PyAV tells only by how much to rotate
) -> tuple[bool, bool, bool]:  # as display_matrix
    with suppress(Exception), opened(file) as image:  # damaged EXIF must not prevent painting
        turn = image.getexif().get(ExifTags.Base.Orientation, 1)
        return 4 < turn < 9, turn in (2, 3, 6, 7), turn in (3, 4, 7, 8)
    return False, False, False


def matrix_of(frame) -> int:
    if frame.colorspace in (BT709, BT2020) or frame.format.is_rgb:
        return frame.colorspace
    if frame.colorspace == UNSPECIFIED:
        return BT709 if frame.height >= HD else BT601
    return BT601
