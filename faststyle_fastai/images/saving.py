"Writing of images, whole or not at all."

import struct
import zlib
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin, TiffTags

from ..core.atomic import atomic_write
from ..core.errors import UsageError
from ..core.extras import extra
from .color import SRGB
from .files import flatten_alpha, floats, to_picture, unit
from .metadata import IPTC, IPTC_BLOCK, MOST, XMP, with_bytes
from .odd import PNG
from .opening import is_tensor

__all__ = ["QUALITY", "check_format", "check_size", "save_picture"]

QUALITY = 95  # of 100
POINTS = 72  # of a PDF, per inch


def save_picture(
    picture: Any,  # an image; a tensor as in `to_picture`; or [H, W, 3 or 4] in [0, 1]
    path: str | Path,  # format by extension
    depth: int = 8,  # bits per channel, 8 or 16 (.png, .tif)
    exif: bytes = b"",  # as from `read_metadata`
    iptc: bytes = b"",  # likewise; only JPEG and TIFF keep it
    xmp: bytes = b"",  # likewise
    dpi: float = 0,  # likewise: pixels per inch; 0: not said
    bleed: int = 0,  # px that are added to each side of a print, which are cut off
    quality: int = QUALITY,  # of JPEG, WebP, AVIF and PDF
) -> Path:
    """Write an image atomically as sRGB, on white if the format has no transparency.

    Raises `ValueError` for an unknown extension, and for a `depth` that it does not have. A PDF
    requires the extra `pdf`.
    """
    path = check_format(path, depth)
    suffix = path.suffix.lower()
    options = {"icc_profile": SRGB} | tagged(suffix, exif, iptc, xmp, dpi)
    with atomic_write(path) as temporary:
        if depth == 16:
            values = unit(picture).cpu().numpy() if is_tensor(picture) else picture
            values = with_bleed(shares(values), bleed)
            DEEP[suffix](temporary, (values * 65535).round().astype(np.uint16), options)
        else:
            image = to_picture(picture) if is_tensor(picture) else picture
            if isinstance(image, np.ndarray):
                image = Image.fromarray((255 * shares(image)).round().astype(np.uint8))
            if image.mode in ("P", "PA") or "transparency" in image.info:
                image = image.convert("RGBA" if image.has_transparency_data else "RGB")
            if image.info:  # of its source, which Pillow would write
                image = image.copy()
                image.info = {}
            if image.mode in ("RGBA", "LA") and suffix not in TRANSPARENT:
                image = flatten_alpha(image)
            if image.mode in ("L", "LA"):
                del options["icc_profile"]  # it is of colors
            if bleed:
                image = Image.fromarray(with_bleed(np.asarray(image), bleed))
            check_size(path, *image.size)
            if suffix == ".pdf":
                write_pdf(image, temporary, dpi, bleed, quality)
            else:
                image.save(temporary, quality=quality, **options)
    return path


def shares(picture):
    "The values of an image or an array, [H, W, C], from 0 to 1: integers are up to 255."
    values = np.asarray(picture)
    return (floats(values) if np.issubdtype(values.dtype, np.integer) else values).clip(0, 1)


def with_bleed(values, bleed):
    "Mirror the edges of [H, W] or [H, W, C] outward, so that no white shows where a print is cut."
    return np.pad(values, [(bleed, bleed)] * 2 + [(0, 0)] * (values.ndim - 2), "symmetric")


def tagged(suffix, exif, iptc, xmp, dpi) -> dict[str, Any]:
    "Metadata as Pillow's options for a format."
    if suffix in (".tif", ".tiff"):
        tags = Image.Exif()
        tags.load(exif)
        tags.update({tag: data for tag, data in ((IPTC, iptc), (XMP, xmp)) if data})
        if dpi:
            tags.update({282: dpi, 283: dpi, 296: 2})
        return {"exif": with_bytes(tags)}
    options: dict[str, Any] = {"exif": exif} if exif else {}
    if suffix == ".png":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        if xmp:
            options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp)
    elif xmp:
        options["xmp"] = xmp
    if suffix in JPEG:
        options = {name: data for name, data in options.items() if len(data) < MOST}
        options["subsampling"] = 0
        if iptc and len(iptc) < MOST:
            block = struct.pack(">4sHHI", b"8BIM", IPTC_BLOCK, 0, len(iptc)) + iptc
            block = b"Photoshop 3.0\0" + block + bytes(len(iptc) % 2)
            options["extra"] = struct.pack(">HH", 0xFFED, len(block) + 2) + block
    return options | ({"dpi": (dpi, dpi)} if dpi else {})


def deep_png(path, values, options):
    "Write a PNG of 16 bits, of which Pillow knows only gray ones."
    height, width, n = values.shape
    rows = values.astype(">u2", order="C").view(np.uint8).reshape(height, -1)
    rows[1:] -= rows[:-1].copy()  # filter 2, which compresses better
    colors = struct.pack(">IIBBBBB", width, height, 16, 2 if n == 3 else 6, 0, 0, 0)
    chunks = [(b"IHDR", colors), (b"iCCP", b"sRGB\0\0" + zlib.compress(SRGB))]
    chunks += [(kind, data) for kind, data, _ in options["pnginfo"].chunks]
    if dpi := options.get("dpi"):
        chunks.append((b"pHYs", struct.pack(">IIB", *(round(d / 0.0254) for d in dpi), 1)))
    if exif := options.get("exif"):
        chunks.append((b"eXIf", exif.removeprefix(b"Exif\0\0")))
    data = zlib.compress(np.insert(rows, 0, 2, axis=1).tobytes())
    with open(path, "wb") as file:
        file.write(PNG)
        for chunk in (*chunks, (b"IDAT", data), (b"IEND", b"")):
            PngImagePlugin.putchunk(file, *chunk)


def deep_tiff(path, values, options):
    "Write a TIFF of 16 bits, of which Pillow knows only gray ones."
    height, width, n = values.shape
    tags, ifd = options["exif"], TiffImagePlugin.ImageFileDirectory_v2()
    for tag in tags:
        ifd[tag] = tags.get_ifd(tag) if tag in TiffTags.TAGS_V2_GROUPS else tags[tag]
    storage = {
        "ImageWidth": width, "ImageLength": height, "BitsPerSample": (16,) * n, "Compression": 1,
        "PhotometricInterpretation": 2, "SamplesPerPixel": n, "RowsPerStrip": height,
        "StripOffsets": 0, "StripByteCounts": values.nbytes, "InterColorProfile": SRGB,
    }  # fmt: skip
    for name, value in storage.items():
        ifd[ExifTags.Base[name]] = value
    if n == 4:
        ifd[ExifTags.Base.ExtraSamples] = 2  # opacity that is not multiplied in
    with open(path, "wb") as file:
        ifd.save(file)
        file.write(values.astype("<u2").tobytes())


def write_pdf(image, path, dpi, bleed, quality):
    "Write a page as large as an image, with its color profile; requires the extra `pdf`."
    pdf: Any = extra("img2pdf", "pdf")
    jpeg, dpi = BytesIO(), dpi or POINTS
    image.convert("RGB").save(jpeg, "jpeg", quality=quality, subsampling=0, icc_profile=SRGB)
    boxes = {}
    if bleed:  # the bleed box is the whole page
        boxes = {"trimborder": [bleed / dpi * POINTS] * 2, "bleedborder": [0, 0]}
    layout = pdf.get_fixed_dpi_layout_fun((dpi, dpi))
    with open(path, "wb") as file:
        pdf.convert(jpeg.getvalue(), layout_fun=layout, outputstream=file, **boxes)


DEEP = {".png": deep_png, ".tif": deep_tiff, ".tiff": deep_tiff}
JPEG = ".jpg", ".jpeg", ".jfif", ".jpe"
# What Pillow writes, but not for photos: too few pixels or colors, or by other programs.
UNFIT = {
    ".blp", ".bufr", ".emf", ".grib", ".h5", ".hdf", ".icns", ".ico", ".msp", ".palm", ".wmf",
    ".xbm",
}  # fmt: skip
MOST_PX = {".webp": 16_383, ".gif": 65_535, ".avif": 65_535} | dict.fromkeys(JPEG, 65_500)
TRANSPARENT = {".png", ".webp", ".tif", ".tiff", ".gif", ".avif"}


def check_format(path: str | PurePath, depth: int = 8) -> Path:
    "Return `path` if its format can be written at this bit depth; otherwise raise `ValueError`."
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in UNFIT or Image.registered_extensions().get(suffix) not in Image.SAVE:
        raise ValueError(
            f"{path}: unsupported image format '{path.suffix}'. Use .jpg, .png or .webp."
        )
    if suffix == ".pdf":
        extra("img2pdf", "pdf")
    if depth not in (8, 16):
        raise UsageError(f"Invalid depth={depth}. Use 8 or 16 bits.")
    if depth == 16 and suffix not in DEEP:
        raise ValueError(f"{path} cannot store 16 bits per channel. Use {', '.join(DEEP)}.")
    return path


def check_size(path: Path, width: int, height: int) -> None:
    "Raise `ValueError` if the format has no room for so many pixels a side."
    most = MOST_PX.get(path.suffix.lower(), max(width, height))
    if max(width, height) > most:
        raise ValueError(
            f"{path} cannot hold {width}x{height} px: the format is limited to {most} px per side. "
            "Use .png."
        )
