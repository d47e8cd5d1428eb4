"Prints as PDF."

from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from ..core.extras import extra
from .color import SRGB

__all__ = ["write_pdf"]

POINTS = 72  # per inch


def write_pdf(
    image: Image.Image,  # sRGB, without transparency
    path: str | Path,
    dpi: float = 0,  # pixels per inch; 0: 72
    bleed: int = 0,  # px on each side that are cut off
    quality: int = 95,  # of the JPEG inside, of 100
):
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
