"Cameras' RAW files, developed by LibRaw."

from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image, ImageFile

from ..core.extras import extra
from .formats import stream
from .odd import REDUCED, SUBFILE, TIFFS

__all__ = ["RawImage", "is_raw"]

DNG, MORE = 50706, 330  # tags of a TIFF


class RawImage(ImageFile.ImageFile):
    "A RAW file as an image of Pillow's. It is developed, upright and in sRGB, when it is loaded."

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
