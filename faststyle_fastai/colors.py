"Colour profiles: what is read becomes sRGB, and what print would make of it."

from contextlib import suppress
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageCms

from .errors import FaststyleError

__all__ = ["SRGB", "other_colors", "printed", "srgb"]


def _srgb():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + bytes(12) + profile[36:]  # not the second it was made in


SRGB = _srgb()  # to be embedded in what is written
MODES = {"GRAY": "L", "CMYK": "CMYK", "RGB": "RGB"}  # a profile's colours -> Pillow's mode


def srgb(
    image: Image.Image,
    profile: bytes | None,  # as embedded in its file
) -> Image.Image:  # RGB
    "A picture in sRGB, by its own profile unless that is damaged or for another kind of colours."
    if own := other_colors(profile):
        mode = MODES.get(own.profile.xcolor_space.strip())
        seen = image.convert("RGB") if mode == "RGB" and image.mode != "CMYK" else image
        if seen.mode == mode:
            with suppress(ImageCms.PyCMSError):
                return ImageCms.profileToProfile(seen, own, _profile(SRGB), outputMode="RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def other_colors(
    profile: bytes | None,
) -> ImageCms.ImageCmsProfile | None:
    "A profile, if it is sound and not sRGB."
    try:
        own = profile and _profile(profile)
        return own if own and "sRGB" not in ImageCms.getProfileDescription(own) else None
    except (ImageCms.PyCMSError, OSError):
        return None


def printed(
    image: Image.Image,  # RGB, sRGB
    profile: str | Path,  # of a printer, .icc
) -> Image.Image:  # RGB, sRGB
    "A picture in the colours that a printer has for it."
    path = Path(profile)
    if not path.is_file():
        raise FileNotFoundError(f"no colour profile {path}.")
    try:
        paper = _profile(path.read_bytes())
        inks = ImageCms.profileToProfile(image, _profile(SRGB), paper, outputMode="CMYK")
        return ImageCms.profileToProfile(inks, paper, _profile(SRGB), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        raise FaststyleError(f"{path} is no CMYK colour profile to proof with: {error}.") from None


def _profile(data):
    return ImageCms.ImageCmsProfile(BytesIO(data))
