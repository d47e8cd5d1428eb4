"Color: profiles, converted to sRGB on reading; soft proofs for print; luminance."

from contextlib import suppress
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image, ImageCms

from ..core.errors import FaststyleError
from .named_colors import NamedColors, to_srgb

__all__ = ["parse_profile", "soft_proof", "srgb"]


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# Embedded in written images; without a creation time, which would differ each time.
SRGB = SRGB[:24] + bytes(12) + SRGB[36:]
SAME = 3  # of 255: profiles that change no color by more are sRGB's
MODES = {"GRAY": "L", "CMYK": "CMYK", "RGB": "RGB"}  # a profile's color space -> Pillow's mode


def srgb(
    image: Image.Image,
    profile: bytes | None,  # as embedded in its file
    named: NamedColors | None = None,  # what else the file says, which counts more
) -> Image.Image:  # RGB
    "An image converted to sRGB; a damaged profile or one for other color spaces is ignored."
    if named:
        return to_srgb(image.convert("RGB"), named)
    if embedded := parse_profile(profile):
        mode = MODES.get(embedded.profile.xcolor_space.strip())
        encoded = image.convert("RGB") if mode == "RGB" and image.mode != "CMYK" else image
        if mode == "L" and encoded.mode == "RGB":
            bands = encoded.split()
            encoded = bands[0] if len({band.tobytes() for band in bands}) == 1 else encoded
        if encoded.mode == mode:
            with suppress(ImageCms.PyCMSError):
                return converted(encoded, embedded, _profile(SRGB), "RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache(32)
def parse_profile(profile: bytes | None) -> ImageCms.ImageCmsProfile | None:
    "A profile, if it is valid and changes colors, whatever its name."
    try:
        parsed = _profile(profile) if profile else None
        mode = parsed and MODES.get(parsed.profile.xcolor_space.strip())
        if mode is None or mode == "CMYK":
            return parsed
        before = every_color().convert(mode)
        after = np.asarray(converted(before, parsed, _profile(SRGB), "RGB"), int)
        return parsed if np.abs(after - before.convert("RGB")).max() > SAME else None
    except (ImageCms.PyCMSError, OSError):
        return None


def every_color():
    "An image of all colors, nine steps of each."
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    return Image.fromarray(np.stack(np.meshgrid(steps, steps, steps), -1).reshape(27, 27, 3))


def converted(image, source, target, mode) -> Image.Image:
    "A copy of an image in another color profile."
    return cast(Image.Image, ImageCms.profileToProfile(image, source, target, outputMode=mode))


def soft_proof(
    image: Image.Image,  # RGB, sRGB
    profile: str | Path,  # a printer's profile, .icc
) -> Image.Image:  # RGB, sRGB
    """An image as a printer would reproduce its colors.

    Raises `FileNotFoundError` for a missing profile, and `FaststyleError` for one that is not CMYK.
    """
    path = Path(profile)
    if not path.is_file():
        raise FileNotFoundError(f"Color profile not found: {path}.")
    try:
        paper = _profile(path.read_bytes())
        inks = converted(image, _profile(SRGB), paper, "CMYK")
        return converted(inks, paper, _profile(SRGB), "RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        raise FaststyleError(f"{path} is not a CMYK color profile: {error}.") from None


def _profile(data):
    return ImageCms.ImageCmsProfile(BytesIO(data))
