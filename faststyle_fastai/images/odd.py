"Files that Pillow does not read, reads in part, or refuses for what is beside the picture."

import logging
import math
import struct
import zlib
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFile, PngImagePlugin

from ..core.extras import extra
from .formats import stream

__all__ = [
    "MOST_PAGES", "PNG", "RawImage", "is_raw", "mended_png", "read_tiff", "tiff_facts", "white_of",
]  # fmt: skip

TEXT = 2**24  # bytes of a PNG's text or profile that are read
PngImagePlugin.MAX_TEXT_CHUNK = TEXT
PngImagePlugin.MAX_TEXT_MEMORY = 4 * TEXT
PNG = b"\x89PNG\r\n\x1a\n"
NEEDED = b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf", b"cICP", b"gAMA", b"cHRM"
SUBFILE, REDUCED = 254, 1  # a TIFF's tag, and its bit of thumbnails
PLANAR, PLANES, BITS, COLORS = 284, 2, 258, 262  # tags, and a value of the first one
WHITE_IS_0, RGB = 0, 2  # of the colors
MULTIPLIED, SEPARATE = 1, 2  # opacity
DNG, MORE = 50706, 330  # more tags: of cameras' files, and of pictures below a thumbnail
TIFFS = b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"
MOST_PAGES = 64  # that are looked at
INFO = {"icc_profile": 34675, "dpi": 282}  # what Pillow notes of a page, and its tag
DEFLATE, ROOM = (8, 32946), 2  # compressions; times the stated bytes, as tiles may be larger
BRIGHT = 16  # highlights of a picture whose white is 1


def mended_png(file: Path | BytesIO) -> BytesIO | None:  # None: not a PNG
    "A PNG without its texts, its profile, and what is damaged beside the picture."
    with stream(file) as whole:
        if (data := whole.read(len(PNG))) != PNG:
            return None
        data += whole.read()
    kept, at = [PNG], len(PNG)
    while at + 12 <= len(data):
        (size,), kind = struct.unpack_from(">I", data, at), data[at + 4 : at + 8]
        chunk = data[at : at + 12 + size]
        right = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")
        if kind in NEEDED and (right or kind[:1].isupper()):
            kept.append(chunk)
        at += 12 + size
    return BytesIO(b"".join(kept))


def tiff_facts(
    image: Image.Image,  # opened; it goes to its picture if a thumbnail comes first
) -> tuple[int, int, bool] | None:  # None: Pillow cannot read it, or would mix up its colors
    "How many pictures a TIFF has, the bits of its channels, and whether 0 is white."
    if not (pictures := choose_page(image)):
        return None
    tags = image.tag_v2  # type: ignore[attr-defined]
    bits = max(tags.get(BITS, (8,)))
    if tags.get(PLANAR) == PLANES and bits > 8:
        return None
    return pictures, bits, tags.get(COLORS) == WHITE_IS_0  # which Pillow minds in 8 bits only


def choose_page(image):
    """Go to a TIFF's picture if a thumbnail comes first; how many pictures there are.

    None if there are thumbnails, and then a page that Pillow cannot read. Pages after `MOST_PAGES`
    do not count.
    """
    pictures, tags, unread = [], image.tag_v2, False
    for i in range(MOST_PAGES):
        try:
            image.seek(i)
        except EOFError:
            break
        except Exception:  # it is damaged, or of a kind that is not read
            unread = True
            break
        if not tags.get(SUBFILE, 0) & REDUCED:
            pictures.append(i)
    image.seek((pictures or [0])[0])
    for name, tag in INFO.items():
        if tag not in tags:  # it is of another page
            image.info.pop(name, None)
    return None if unread and not pictures else max(1, len(pictures))


def read_tiff(
    file: Path | BytesIO,
) -> Image.Image | None:  # gray or RGB in 8 bits, with opacity if it has; None: not a TIFF
    """A TIFF that Pillow cannot read: floats in color, other numbers, or planes of 16 bits.

    Raises `DecompressionBombError` if it has more pixels than Pillow may read.
    """
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # one line is enough
    with stream(file) as data:
        if data.read(4) not in TIFFS:
            return None
        data.seek(0)
        tiff = extra("tifffile", "deep").TiffFile(data)
        some = tiff.pages[:MOST_PAGES]
        page = next((page for page in some if not page.subfiletype & REDUCED), some[0])
        if page.photometric > RGB:  # neither gray nor RGB
            colors = getattr(page.photometric, "name", page.photometric)
            raise ValueError(f"its colors are {colors}. Save it as RGB")
        samples = math.ceil(page.samplesperpixel / 4)
        Image._decompression_bomb_check((page.imagewidth * samples, page.imagelength))
        check_deflated(page, data)
        values = page.asarray()
    if not values.size or values.ndim not in (2, 3):
        raise ValueError("it is not an image")
    if page.planarconfig == PLANES and values.ndim == 3:
        values = np.moveaxis(values, 0, -1)
    values = values.reshape(*values.shape[:2], -1)
    kind = (*page.extrasamples, 0)[0]
    clear = kind in (MULTIPLIED, SEPARATE)
    n = 3 if page.photometric == RGB or (values.shape[-1] > 2 and not clear) else 1
    bits = page.bitspersample
    picture, opacity = (share(part, bits) for part in (values[..., :n], values[..., n : n + 1]))
    picture = 1 - picture if page.photometric == WHITE_IS_0 else picture
    if clear:
        if kind == MULTIPLIED:
            picture = picture / np.maximum(opacity, 1e-6)
        picture = np.concatenate([picture, opacity], -1)
    values = (picture.clip(0, 1) * 255).round().astype(np.uint8)
    found = Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
    if icc := page.tags.get("InterColorProfile"):
        found.info["icc_profile"] = bytes(icc.value)
    if turned := page.tags.get("Orientation"):
        found.getexif()[turned.code] = int(turned.value)
    return found


def check_deflated(page, data) -> None:
    "Raise `ValueError` if a page unpacks to more than it states."
    left = ROOM * page.nbytes + TEXT
    for at, size in zip(page.dataoffsets, page.databytecounts):
        if page.compression in DEFLATE:
            data.seek(at)
            with suppress(zlib.error):  # said when it is read
                left -= len(zlib.decompressobj().decompress(data.read(size), left + 1))
        if left < 0:
            raise ValueError("its data exceed its size")


def share(values, bits):
    "Numbers of any type as shares of white."
    if values.dtype.kind == "u":
        return np.divide(values, 2**bits - 1, dtype=np.float32)
    if values.dtype.kind != "f":
        return values / np.iinfo(values.dtype).max
    values = np.nan_to_num(values.astype(np.float32))
    return values / white_of(values)


def white_of(values: np.ndarray) -> float:
    "The white level of a picture of floats: 1, even if it has highlights, or 255, 65535 or more."
    inside = values[values > 0]
    most = np.quantile(inside, 0.99) if inside.size else 0
    if inside.size and np.median(inside) <= 1 and most <= BRIGHT:
        return 1
    return next((top for top in (1, 255, 65535) if most <= top), float(most))


class RawImage(ImageFile.ImageFile):
    "A camera's RAW file as Pillow's image. LibRaw develops it, upright and in sRGB, on loading."

    format, format_description = "RAW", "Camera RAW"

    def _open(self):
        assert self.fp is not None
        self._exif = tags_of(self.fp)
        with self._explained():
            self._raw = extra("rawpy", "raw").imread(self.filename or self.fp)
        sizes = self._raw.sizes
        self._size = sizes.width, sizes.height
        if sizes.flip in (5, 6):  # a quarter turn
            self._size = self._size[::-1]
        self._mode = "RGB"
        Image._decompression_bomb_check(self.size)

    def load(self):
        if self._im is None:
            with self._explained(), self._raw as raw:
                developed = Image.fromarray(raw.postprocess(use_camera_wb=True).squeeze())
                if developed.mode != "RGB":  # of a camera without colors
                    developed = developed.convert("RGB")
            self.im, self._size = developed.im, developed.size
        return super().load()

    def getexif(self):
        return self._exif

    @contextmanager
    def _explained(self):
        "Errors of LibRaw with the camera's name: it may be newer than LibRaw."
        rawpy = extra("rawpy", "raw")
        try:
            yield
        except rawpy.LibRawError as error:
            why = error.args[0].decode() if error.args else type(error).__name__
            parts = (self.getexif().get(tag) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
            camera = " ".join(str(part).strip() for part in parts if part)
            raise ValueError(f"{why} (camera: {camera or 'unknown'})") from None


def is_raw(file: Path | BytesIO) -> bool:
    "Whether a TIFF of any name is a camera's: a DNG, or a thumbnail with the photo below it."
    with stream(file) as data:
        if data.read(4) not in TIFFS:
            return False
        data.seek(0)
        tags = tags_of(data)
    return DNG in tags or bool(tags.get(SUBFILE, 0) & REDUCED and MORE in tags)


def tags_of(file):
    "EXIF of a file that is built like a TIFF: of all but .cr3, .raf, .orf and .rw2."
    exif = Image.Exif()
    with suppress(Exception):
        exif.load_from_fp(file)
        exif.pop(ExifTags.Base.Orientation, None)  # LibRaw turns the image
    file.seek(0)
    return exif
