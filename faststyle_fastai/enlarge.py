"A painted picture brought to its photo's size: strokes as they are, edges as sharp as the photo's."

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from .errors import known
from .finish import resized
from .images import to_tensor
from .losses import luminance, short_shape

__all__ = ["STROKES", "Enlarger", "enlarged", "painting_shape"]

STROKES = {  # name -> px of the short side that a picture is painted at, if it has more
    "finest": None,
    "fine": 1024,
    "medium": 640,
    "broad": 400,
    "broadest": 256,
}
WINDOW = 9  # px of the painted picture, in which it follows the photo or does not
LARGEST = 1024  # px of the copy that tells where it does, of a picture too large for more
FLAT = 1e-3  # the variance of luminance below which there is nothing to follow


def painting_shape(
    shape: tuple[int, int],  # height and width of a picture
    stroke: str,  # a row of `STROKES`
    size: int | None,  # px of the short side instead
) -> tuple[int, int]:
    "The height and width that a picture is painted at."
    most = STROKES[known("stroke", stroke, STROKES)]
    if size:
        return short_shape(shape, size)
    return short_shape(shape, most) if most and min(shape) > most else tuple(shape)


def follows(
    painted: Tensor,  # [1, 3, h, w]
    small: Tensor,  # [1, 3, h, w], the photo it was painted from
) -> Tensor:  # [1, 3, h, w], from -1 to 1.5
    """How far each color rises where the photo's luminance does, in a window around each pixel.

    The slope of a linear regression, as in the guided filter (He et al. 2010): near 1 at an edge
    that the painting kept, 0 where it has strokes of its own.
    """

    def mean(x):
        return F.avg_pool2d(x, WINDOW, 1, WINDOW // 2, count_include_pad=False)

    light = luminance(small)
    center = mean(light)
    slope = mean(light * painted) - center * mean(painted)
    slope = slope / (mean(light.square()) - center.square() + FLAT)
    return mean(slope.clamp(-1, 1.5))


def enlarged(
    painted: Tensor,  # [1, 3, h, w]
    small: Tensor,  # [1, 3, h, w], the photo it was painted from
    photo: Tensor,  # [1, 3, H, W]
) -> Tensor:  # [1, 3, H, W] in [0, 1]
    "`painted` at the size of `photo`, with the detail of it that was too fine to be painted."
    grown = (resized(x, photo.shape[-2:]) for x in (painted, small, follows(painted, small)))
    return detailed(*grown, photo)


def detailed(painted, small, slope, photo):
    "All of one size by now."
    return (painted + slope * (luminance(photo) - luminance(small))).clamp(0, 1)


class Enlarger:
    "The same for a picture too large to be done at once: part by part."

    def __init__(
        self,
        painted: Image.Image,  # RGB
        small: Image.Image,  # RGB, of the same size
        photo: Image.Image,  # RGB
    ):
        self.images, self.photo = (painted, small), photo
        pair = (thumbnail(image) for image in self.images)
        slope = follows(*map(to_tensor, pair))[0]
        self.slope = [Image.fromarray(plane.numpy()) for plane in slope]

    def part(
        self,
        box: tuple[int, int, int, int],  # of the photo: left, top, right, bottom
    ) -> Tensor:  # [1, 3, height, width] in [0, 1]
        painted, small = (to_tensor(self._grown(image, box)) for image in self.images)
        slope = np.stack([np.asarray(self._grown(plane, box)) for plane in self.slope])
        photo = to_tensor(self.photo.crop(box))
        return detailed(painted, small, torch.from_numpy(slope)[None], photo)

    def _grown(self, image, box):
        across, down = (own / full for own, full in zip(image.size, self.photo.size))
        there = box[0] * across, box[1] * down, box[2] * across, box[3] * down
        size = box[2] - box[0], box[3] - box[1]
        return image.resize(size, Image.Resampling.BICUBIC, there)


def thumbnail(image):
    small = image.copy()
    small.thumbnail((LARGEST, LARGEST))
    return small
