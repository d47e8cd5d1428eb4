"Stylizer: the style of any painting, or a built-in one, applied to any image."

import json
import math
import os
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..core.assets import ASSETS
from ..core.errors import FaststyleError
from ..core.values import check_range
from ..images.files import floats, read_array, read_picture, warn_if_small
from ..images.formats import file_name, is_painting, named_works
from ..images.opening import opened
from ..images.remote import is_link
from ..images.shapes import same_shape, short_shape
from .builtin import BUILTIN_STYLES, NETWORKS, plain_name, unknown_style
from .networks import check_device, run
from .options import PaintOptions, painting_shape
from .people import faces_of, person_area, with_faces
from .pixels import BILINEAR, enlarged, filled, recolored, resized, toward_palette, toward_photo

__all__ = ["Stylizer"]

UNIT, LEAST = 16, 144  # px that sides are divided by where places are matched, and the least
SIDE, AREA = 512, 2**19  # px of a painting's short side, at most, and its area
MOST = 3e6  # pixels that are painted at once
SMALL = 128  # px of a painting's short side; smaller ones show no brush strokes
PALETTE = 0.5  # share of the way to the painting's colors
FULL = "The full distribution does: pip install faststyle_fastai."


class Stylizer:
    """Repaints images in a built-in style, or at sight in that of a painting.

    `styles` are the names of its styles. Raises `FileNotFoundError` for a missing painting,
    `ValueError` for an unknown style or a device that is not there, and `FaststyleError` for what
    needs the full distribution.
    """

    def __init__(
        self,
        source: Any,  # a built-in style, gallery (all of them), or a painting: a file, an address
        # or an image
        device: str | None = None,  # a row of networks.DEVICES; None: cpu
        precision: str = "auto",  # these three are of the full distribution, and change nothing
        trust_pickle: bool = False,
        arch: str | None = None,  # but the only network here is that for paintings
    ):
        if arch not in (None, "full"):
            raise FaststyleError(f"This distribution has no network {arch}. {FULL}")
        self.device = check_device(device)
        self.at_sight = not isinstance(source, (str, Path)) or is_painting(source)
        if isinstance(source, list):
            source = source[0] if len(source) == 1 else None
        if self.at_sight:
            is_place = isinstance(source, (str, Path))
            named = named_works(source) if is_place else None
            name = Path(file_name(source)).stem if is_place else "painting"
            self.named, works = named or (name, [source])
            if len(works) > 1 or source is None or (named and os.path.isdir(works[0])):
                raise FaststyleError(f"This distribution mixes no paintings. {FULL}")
            self.styles = [self.named]
            self.places = of_painting(works[0], self.device)
            warn_if_small(works[0], SMALL)
            return
        self.styles = [*BUILTIN_STYLES]
        name = plain_name(str(source).removeprefix("gallery:"))
        self.named = None if name == "gallery" else name
        if self.named and self.named not in self.styles:
            if os.path.isdir(source):
                raise FaststyleError(f"{source} is a folder. {FULL}")
            if os.path.exists(source):
                raise FaststyleError(f"{source} is a trained style. {FULL}")
            if name.partition(":")[0] in NETWORKS or is_link(source):
                raise FaststyleError(f"This distribution cannot open {source}. {FULL}")
            raise ValueError(unknown_style(source, self.styles, "Built-in"))

    def __call__(
        self,
        picture: Any,  # a file, an address, an image, or [H, W, 3] of uint8
        style: Any = None,  # a name, or a mix {name: weight} of built-in styles
        strength: float = 1.0,  # from 0, the photo, to 1
        likeness: float | None = None,  # at sight: from 0, the painting's light, to 1, the photo's
        # (the default)
        array: bool = False,  # return [H, W, 3 or 4] float32 in [0, 1] instead of an image
        **options,  # the other fields of options.PaintOptions
    ) -> Any:  # an image of the same size, RGBA if some of it is transparent; or an array
        """Repaint an image; transparency is preserved.

        Raises what the constructor does, `ValueError` for an option out of its range, and for an
        image that would be painted at more than three megapixels.
        """
        how = PaintOptions(style, strength, **options)
        if likeness is not None and not self.at_sight:
            raise FaststyleError("likeness= needs a painting.")
        likeness = 1.0 if likeness is None else likeness
        check_range("likeness", likeness, 0, 1)
        if isinstance(how.tile, int) or how.exact or how.strokes:
            what = "strokes" if how.strokes else "tiles"
            raise FaststyleError(f"This distribution paints no {what}. {FULL}")
        given = read_array(picture)
        photo, opacity = given[..., :3], given[..., 3:]
        faces = faces_of(photo) if how.faces == "natural" or how.area != "all" else []
        source = filled(photo, opacity) if opacity.size else photo
        layers = [photo] if how.black is None else [self.layer(source, how.black, how, likeness)]
        layers.append(self.layer(source, how.style, how, likeness))
        for layer in layers[how.black is None :] if how.faces == "natural" else ():
            with_faces(layer, photo, faces, how.strength)
        back, painted = layers
        if (area := painted_area(photo, how, faces)) is not None:
            painted = back + area * (painted - back)
        painted = np.concatenate([painted, opacity], 2)
        if array:
            return painted
        return Image.fromarray((255 * painted.clip(0, 1)).round().astype(np.uint8))

    def layer(self, photo, style, how, likeness):
        "The whole image in one style."
        shape = painting_shape(photo.shape[:2], how.stroke, how.size)
        if math.prod(shape) > MOST:
            less = "smaller --size" if how.size else "broader --stroke"
            raise ValueError(
                f"This distribution paints at up to {MOST / 1e6:g} megapixels, and {shape[1]}x"
                f"{shape[0]} px are more. Choose a {less}."
            )
        same = shape == photo.shape[:2]
        small = photo if same else resized(photo, shape, BILINEAR).clip(0, 1)
        if self.at_sight:
            painted = small + how.strength * (self.at_sight_of(small, style, likeness) - small)
        else:
            painted = self.built_in(small, style, how.strength)
        painted = painted.clip(0, 1)
        painted = painted if same else enlarged(painted, small, photo)
        return recolored(painted, photo) if how.keep_colors else painted

    def at_sight_of(self, photo, style, likeness):
        "Each place of a photo takes a place of the painting."
        self.style_weights(style)
        x = padded(photo, [max(LEAST, -(-n // UNIT) * UNIT) for n in photo.shape[:2]])
        own, _ = run("places", self.device, image=x)
        keys, blocks = self.places
        given = {"photo": x, "own": own, "keys": keys, "blocks": blocks}
        (painted,) = run("neighbors", self.device, likeness=np.float32([likeness]), **given)
        return cropped(painted, photo).clip(0, 1)

    def built_in(self, photo, style, strength):
        "A network of all built-in styles, then their colors, and the photo's as strength falls."
        mix = self.style_weights(style)
        x = padded(photo, [max(8, n) for n in photo.shape[:2]])
        (painted,) = run("gallery", self.device, 1 - strength, photo=x, style=mix[None])
        painted, palette = cropped(painted, photo), np.tensordot(mix / mix.sum(), palettes(), 1)
        moved = toward_palette(painted, palette, PALETTE * strength)
        return moved + (1 - strength) * (toward_photo(painted, photo) - moved)

    def style_weights(self, style) -> np.ndarray:
        "Weights over the styles."
        style = self.named or self.styles[0] if style is None else style
        if isinstance(style, list) and len(style) != len(self.styles):
            raise ValueError(f"{len(style)} weights for {len(self.styles)} styles: give one each.")
        if isinstance(style, list):
            style = dict(zip(self.styles, style))
        if isinstance(style, int) and not 0 <= style < len(self.styles):
            raise ValueError(f"style={style}: there are {len(self.styles)} styles.")
        mix = style if isinstance(style, dict) else {style: 1.0}
        mix = {self.styles[k] if isinstance(k, int) else k: weight for k, weight in mix.items()}
        mix = {k if k in self.styles else plain_name(k): weight for k, weight in mix.items()}
        for name, weight in mix.items():
            if name not in self.styles:
                raise ValueError(unknown_style(name, self.styles))
            check_range(name, weight, 0)
        if not 0 < round(sum(mix.values()), 4) <= 1.5:
            raise ValueError(f"The weights of {mix} must have a sum above 0 and at most 1.5.")
        return np.float32([mix.get(name, 0.0) for name in self.styles])


def painted_area(photo, how, faces):
    "What to paint of a photo, [H, W, 1] in [0, 1]; None: all of it."
    mask = None
    if how.mask is not None:
        gray = mask_of(how.mask)
        if not same_shape(gray.size, photo.shape[1::-1]):
            warnings.warn("The mask is resized to the photo.", stacklevel=3)
        mask = floats(gray.resize(photo.shape[1::-1]))[..., None]
    if how.area == "all":
        return mask
    if not faces:
        warnings.warn("No person is found: no face can be seen.", stacklevel=3)
    area = person_area(photo, faces)
    area = area if how.area == "person" else 1 - area
    return area if mask is None else area * mask


def mask_of(source):
    "A gray image; `ValueError` for one with transparency."
    with opened(source) as image:
        if len(image.getbands()) not in (1, 3):
            raise ValueError(f"A mask must be a gray image. This one has {image.mode}.")
        return read_picture(image).convert("L")


def padded(photo, shape):
    "A network's input, [1, 3, H, W], with the photo's last row and column repeated."
    (height, width), (h, w) = shape, photo.shape[:2]
    x = np.pad(photo, ((0, height - h), (0, width - w), (0, 0)), mode="edge")
    return np.ascontiguousarray(np.moveaxis(x, 2, 0)[None], np.float32)


def cropped(painted, photo):
    "A network's output as an image of the photo's size."
    return np.moveaxis(painted[0], 0, 2)[: photo.shape[0], : photo.shape[1]]


def of_painting(painting, device):
    "Keys and blocks of a painting's places."
    x = floats(read_picture(painting))
    short, long = sorted(x.shape[:2])
    side = max(LEAST, min(SIDE, short, int(math.sqrt(AREA * short / long))))
    x = resized(x, short_shape(x.shape[:2], side), BILINEAR).clip(0, 1) if side != short else x
    height, width = (n // UNIT * UNIT for n in x.shape[:2])
    return run("places", device, image=padded(x[:height, :width], (height, width)))


@lru_cache
def palettes():
    "The moments of the colors of each built-in style's painting: [n, 4, 4]."
    found = json.loads((ASSETS / "palettes.json").read_text())
    return np.float32([found[name] for name in BUILTIN_STYLES])
