"What an image's file says beside the picture: EXIF with GPS, IPTC, XMP, and pixels per inch."

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from .. import __version__
from .opening import opened

__all__ = ["is_signed", "read_metadata", "sign", "with_bytes"]

MOST = 65_000  # bytes; a block of a JPEG holds a few more
XMP, IPTC, IPTC_BLOCK = 700, 33723, 0x0404  # tags of a TIFF; the IPTC among a JPEG's blocks
# EXIF tags that describe how a file is stored; they may not hold for the output.
STORAGE = [tag for tag in ExifTags.Base if tag.name in (
    "Orientation", "StripOffsets", "SamplesPerPixel", "RowsPerStrip", "StripByteCounts",
    "PlanarConfiguration", "Predictor", "ColorMap", "TileWidth", "TileLength", "TileOffsets",
    "TileByteCounts", "SubIFDs", "ExtraSamples", "SampleFormat", "JPEGTables", "JpegIFOffset",
    "JpegIFByteCount", "YCbCrSubSampling", "YCbCrPositioning", "InterColorProfile", "XMLPacket",
    "IPTCNAA", "ImageResources", "CFARepeatPatternDim",
)] + [33422, 37724]  # fmt: skip  # a RAW file's filter, Photoshop's layers
SIZES = ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight
INTEROP = 40965  # a tag of compatibility, with the color space of before
TURNED = rb'(tiff:Orientation(?:="|>))[2-8]'
# What the painted file has no longer: a second picture, a film or depths behind the photo.
BEHIND = re.compile(rb"hdrgm:|GCamera:|GDepth:|apdi:|HDRGainMap")


def read_metadata(
    source: str | Path,  # an image file or an address
) -> dict[str, Any]:  # bytes of exif, iptc and xmp, and dpi, if there are; for `save_picture`
    "What a file says of its photo, without orientation, storage tags and damaged parts."
    kept: dict[str, Any] = {}
    with suppress(Exception), opened(source) as image:
        for name, read in READ.items():
            with suppress(Exception):
                if data := read(image):
                    kept[name] = data
    return kept


def _exif(image):
    exif = image.getexif()
    for tag in [tag for tag in exif if tag in STORAGE or not 269 <= tag < 50_000]:
        del exif[tag]  # the first tags are of storage, the last of RAW files
    photo = exif.get_ifd(ExifTags.IFD.Exif)
    for tag in (*SIZES, INTEROP):  # of the photo before it was turned or reduced
        photo.pop(tag, None)
    if ExifTags.Base.ColorSpace in photo:
        photo[ExifTags.Base.ColorSpace] = 1  # it is sRGB now
    if not exif:
        return b""
    if len(with_bytes(exif).tobytes()) > MOST:
        photo.pop(ExifTags.IFD.MakerNote, None)
    return exif.tobytes()


def with_bytes(exif: Image.Exif) -> Image.Exif:
    "EXIF whose texts are written as they were read: Pillow would replace letters beyond ASCII."
    for tags in (exif, exif.get_ifd(ExifTags.IFD.Exif)):
        for tag, value in [*tags.items()]:
            if isinstance(value, str) and not value.isascii():
                tags[tag] = value.encode("latin-1")
    return exif


def _iptc(image):
    tags = getattr(image, "tag_v2", {})
    data = tags.get(IPTC) or image.info.get("photoshop", {}).get(IPTC_BLOCK)
    return data if isinstance(data, bytes) else b""


def _xmp(image):
    xmp = image.info.get("xmp") or b""
    return b"" if BEHIND.search(xmp) else re.sub(TURNED, rb"\g<1>1", xmp)


def _dpi(image):
    across, down = image.info.get("dpi", (0, 0))
    told = across == down and 10 <= across <= 10_000 and across != 72  # which Pillow makes up
    return float(across) if told else 0


READ = {"exif": _exif, "iptc": _iptc, "xmp": _xmp, "dpi": _dpi}


def is_signed(source: str | Path) -> bool:
    "Whether the metadata of an image file names this program."
    exif = Image.Exif()
    exif.load(read_metadata(source).get("exif", b""))
    return str(exif.get(ExifTags.Base.Software, "")).startswith("faststyle")


def sign(
    metadata: dict[str, Any],  # as from `read_metadata`
    style: str,  # named in the description if there is none
    dpi: float = 0,  # of a print; 0: as it was
) -> dict[str, Any]:
    "Metadata whose EXIF names this program, and that of a print."
    exif, base = Image.Exif(), ExifTags.Base
    exif.load(metadata.get("exif", b""))
    exif[base.Software] = f"faststyle {__version__}"
    if style and not str(exif.get(base.ImageDescription, "")).strip():
        exif[base.ImageDescription] = f"In the style of {style}".encode(errors="replace")
    if dpi:
        exif.update({base.XResolution: dpi, base.YResolution: dpi, base.ResolutionUnit: 2})
        metadata = metadata | {"dpi": dpi}
    return metadata | {"exif": with_bytes(exif).tobytes()}
