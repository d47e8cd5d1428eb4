"Paint and canvas in relief, lit from the upper left."

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from ..core.values import check_range

__all__ = ["lit"]

SIDE = 1024  # px of the longer side that all px here are of
STEEP, WEAVE = 17, 1.5  # px of the highest paint at relief 1, and of the weave at canvas 1
BLUR = 0.7  # px
THREADS = 260  # of a canvas along the longer side
LIGHT = np.array([-0.5, -0.6, 0.62])  # where it comes from: x, y and towards you
LIGHT /= np.linalg.norm(LIGHT)
HALF = LIGHT + [0, 0, 1]  # between the light and you
HALF /= np.linalg.norm(HALF)
GLOSS, SHINE = 0.09, 40  # of oil at relief 1: its share of the light; how sharply it reflects
DARKEST, BRIGHTEST = 0.3, 1.8  # share of the light
ROWS = 256  # lit at once


def lit(
    picture: Image.Image,  # RGB
    heights: Image.Image,  # 8-bit gray, of the same size: how high the paint lies
    relief: float = 0.5,  # of the paint, from 0 to 1
    canvas: float = 0.0,  # of the canvas below it, from 0 to 1
) -> Image.Image:
    "Light an image as paint in relief (Phong 1975)."
    check_range("relief", relief, 0, 1)
    check_range("canvas", canvas, 0, 1)
    scale = max(picture.size) / SIDE
    high = STEEP * relief * np.asarray(heights, np.float32) / 255
    high += WEAVE * canvas * woven(high.shape)
    high = gaussian_filter(high * scale, BLUR * scale)
    dy, dx = np.diff(high, axis=0, append=high[-1:]), np.diff(high, axis=1, append=high[:, -1:])
    shown = np.array(picture)
    for top in range(0, len(shown), ROWS):  # so that large images take little memory
        rows = slice(top, top + ROWS)
        shown[rows] = lit_rows(shown[rows], dx[rows], dy[rows], relief)
    return Image.fromarray(shown)


def lit_rows(colors, dx, dy, relief):
    upright = 1 / np.sqrt(1 + dx * dx + dy * dy)  # of the normals, (-dx, -dy, 1) * upright
    toward, mirrored = (
        upright * (z - np.float32(x) * dx - np.float32(y) * dy) for x, y, z in (LIGHT, HALF)
    )
    shade = (toward / LIGHT[2]).clip(DARKEST, BRIGHTEST)
    shine = GLOSS * relief * (mirrored.clip(0) ** SHINE - HALF[2] ** SHINE).clip(0)
    linear = (colors.astype(np.float32) / 255) ** 2.2 * shade[..., None] + shine[..., None]
    return (255 * linear.clip(0, 1) ** (1 / 2.2)).astype(np.uint8)


def woven(shape):
    "A plain weave, [H, W] in [0, 1]: threads that go over and under each other."
    y, x = (np.arange(n, dtype=np.float32) * (THREADS / max(shape)) for n in shape)
    over, under = np.abs(np.sin(np.pi * x))[None], np.abs(np.sin(np.pi * y))[:, None]
    odd = (x.astype(int)[None] + y.astype(int)[:, None]) % 2
    return np.where(odd, over, under)
