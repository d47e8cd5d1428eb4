"Which way brushes go in an image, and the shape of a painter's strokes."

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates, sobel, uniform_filter, uniform_filter1d

from ..images.files import floats
from ..images.shapes import fitted

__all__ = [
    "StrokeShape", "at", "directions", "has_brushwork", "smooth", "stroke_shape", "structure",
]  # fmt: skip

FAR = 0.12, 0.02  # weights of directions 4 and 16 times as far away, which count where it is flat
LIGHTNESS = np.array([0.3, 0.59, 0.11], np.float32)
SIDE, PLACES, REACH = 800, 6000, 60  # px of the longer side; places looked at, and px around them
COARSE = 30  # px of what is a thing rather than a stroke
WIDE, LONG = 3.8, 3.8  # px across, and times as far along: medians of the built-in paintings
AHEAD, STRAIGHT = 16, 0.79  # px along; the mean cosine of directions there, likewise
MOST = 1.6  # how much wider or narrower strokes may be than usual
STEADY = 1.4  # how much longer or shorter
FLAT = 1e-6  # half of the variance of what shows no strokes
# A painting at NEAR px of the shorter side has brushwork if less than EVEN of its squares of SQUARE
# px differ by less than FINE from what surrounds each pixel.
NEAR, SQUARE, FINE, EVEN = 512, 9, 0.004, 0.01


@dataclass(frozen=True)
class StrokeShape:
    "Strokes of a painter, as multiples of the usual ones."

    width: float = 1.0
    length: float = 1.0  # of strokes of the same width
    bend: float = 0.0  # how much less they keep their direction, in cosines


def has_brushwork(painting: Image.Image) -> bool:
    "Whether hardly any area of a painting is even, as areas of prints and of smooth paint are."
    scale = min(1.0, NEAR / min(painting.size))
    width, height = (max(SQUARE, round(scale * side)) for side in painting.size)
    light = floats(painting.resize((width, height), Image.Resampling.BICUBIC)) @ LIGHTNESS
    off = np.abs(light - uniform_filter(light, 3))
    squares = uniform_filter(off, SQUARE)[SQUARE // 2 :: SQUARE, SQUARE // 2 :: SQUARE]
    return bool((squares < FINE).mean() < EVEN)


def stroke_shape(painting: Image.Image) -> StrokeShape:
    """Measure the strokes of a painting: how far its tones hold across and along their direction,
    and how much that direction turns.

    As with a variogram: the distance at which the mean squared difference from a place is half of
    what it is far away.
    """
    image = painting.resize(fitted(painting.size, SIDE, enlarge=True), Image.Resampling.LANCZOS)
    source = floats(image)
    gray = source @ LIGHTNESS
    gray -= gaussian_filter(gray, COARSE)
    places = np.random.default_rng(0).random((PLACES, 2)) * [image.width - 1, image.height - 1]
    ways = directions(structure(source), 2)
    way = at(ways, places)
    across = differences(gray, places, way[:, ::-1] * [-1, 1])
    along = differences(gray, places, way)
    half = across[-REACH // 3 :].mean() / 2
    if half < FLAT:
        return StrokeShape()
    width, length = (
        max(0.1, np.interp(half, each, np.arange(REACH + 1))) for each in (across, along)
    )
    wide = float(np.clip(width / WIDE, 1 / MOST, MOST))
    long = float(np.clip(length / width / LONG, 1 / STEADY, STEADY))
    ahead = at(ways, places + AHEAD * way)
    return StrokeShape(wide, long, STRAIGHT - float(np.abs((way * ahead).sum(-1)).mean()))


def differences(gray, places, way):
    "Mean squared differences from places at each distance in px, to both sides, rising."
    steps = np.arange(-REACH, REACH + 1)[:, None, None] * way + places
    tones = map_coordinates(gray, [steps[..., 1], steps[..., 0]], order=1, mode="reflect")
    away = (tones - tones[REACH]) ** 2
    return np.maximum.accumulate((away[REACH:] + away[REACH::-1]).mean(1) / 2)


def structure(source):
    "Products of the luminance's derivatives, [H, W, 3]: xx, xy and yy."
    gray = gaussian_filter(source @ LIGHTNESS, 1)
    dx, dy = sobel(gray, 1), sobel(gray, 0)
    return np.stack([dx * dx, dx * dy, dy * dy], -1)


def smooth(x, side):
    "Blur [H, W, C]."
    for axis in (0, 1, 0, 1):
        x = uniform_filter1d(x, int(side) | 1, axis)
    return x


def directions(tensor, half):
    "Unit vectors along the edges for a brush, [H, W, 2]; where it is flat, of edges far away."
    near = total = smooth(tensor, 1.5 * half + 3)
    for weight in FAR:
        half *= 4
        near = smooth(near, half)
        total = total + weight * near
    xx, xy, yy = np.moveaxis(total, -1, 0)
    angle = np.arctan2(2 * xy, xx - yy) / 2
    return np.stack([-np.sin(angle), np.cos(angle)], -1)


def at(field, places):
    "Values at the pixels nearest to places, x and y."
    height, width, *channels = field.shape
    x, y = np.rint(places[..., 0]).astype(int), np.rint(places[..., 1]).astype(int)
    index = y.clip(0, height - 1) * width + x.clip(0, width - 1)
    return field.reshape(-1, *channels).take(index, 0)  # faster than field[y, x]
