"Faces stay faces: their features are drawn into the painted image."

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..images.files import image_size, to_picture
from ..images.sizes import local_mean, resized
from ..images.tensors import luminance, to_tensor
from .people import Faces

__all__ = ["with_faces"]

STROKES, FEATURES = 0.5, 0.8  # share of the painted detail that is kept, and of the photo's added
DETAIL = 0.05  # radius of the blur that separates detail from color, of a face's size
HALF = 0.62, 0.72  # axes of the ellipse, of a face's width and height
RAISED = 0.08  # of the height; a box of a face ends at the eyebrows
SOFT = 0.4  # of the ellipse, on each side of its edge
TIMES = 3  # of blurring with a box, nearly a Gaussian
LARGEST = 16  # radius that is blurred at full size


@torch.inference_mode()
def with_faces(
    painted: Any,  # an image or [1, 3 or 4, H, W] in [0, 1], changed in place
    photo: Any,  # likewise, of the same size
    faces: Faces,
    shares: Sequence[float],  # of the effect on each
) -> Any:  # `painted`
    "Draw the features of faces: less of the painted detail there, and more of the photo's."
    for face, share in zip(faces, shares):
        box, radius, where = region(face, image_size(painted))
        if isinstance(painted, Tensor):
            there = (..., slice(box[1], box[3]), slice(box[0], box[2]))
            y, x = painted[there], photo[there].to(painted.device)
        else:
            y, x = (to_tensor(image.crop(box)) for image in (painted, photo))
        y[:, :3] = drawn(y[:, :3], x[:, :3], radius, share * where.to(y.device))
        if not isinstance(painted, Tensor):
            painted.paste(to_picture(y), box[:2])
    return painted


def region(face, size):
    "The box around a face in px, the radius of the blur, and the soft ellipse [h, w]."
    (left, top, right, bottom), (width, height) = face, size
    wide, high = (right - left) * width, (bottom - top) * height
    x, y = (left + right) / 2 * width, (top + bottom) / 2 * height - RAISED * high
    axes = HALF[0] * wide, HALF[1] * high
    reach = [(1 + SOFT) * axis for axis in axes]
    box = (
        max(0, int(x - reach[0])), max(0, int(y - reach[1])),
        min(width, int(x + reach[0]) + 1), min(height, int(y + reach[1]) + 1),
    )  # fmt: skip
    across = (torch.arange(box[0], box[2]) + 0.5 - x) / axes[0]
    down = (torch.arange(box[1], box[3]) + 0.5 - y) / axes[1]
    away = (across.square() + down.square()[:, None]).sqrt()
    near = ((1 + SOFT - away) / (2 * SOFT)).clamp(0, 1)
    return box, max(1, round(DETAIL * max(wide, high))), near.square() * (3 - 2 * near)


def drawn(painted, photo, radius, where):
    color, light = blurred(painted, radius), luminance(photo)
    features = FEATURES * (light - blurred(light, radius))
    face = color + STROKES * (painted - color) + features
    return torch.lerp(painted, face.clamp(0, 1), where)


def blurred(x, radius):
    "Without detail; large faces are blurred at a smaller size."
    shape, times = x.shape[-2:], max(1, radius // LARGEST)
    small = x if times == 1 else resized(x, [math.ceil(n / times) for n in shape])
    for _ in range(TIMES):
        small = local_mean(small, radius // times)
    return small if times == 1 else resized(small, shape)
