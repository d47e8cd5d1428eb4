"Steps around the networks, on arrays: what the package's own inference does with tensors."

import numpy as np
from PIL import Image

__all__ = [
    "enlarged", "filled", "luminance", "recolored", "resized", "toward_palette", "toward_photo",
]  # fmt: skip

BICUBIC, BILINEAR = Image.Resampling.BICUBIC, Image.Resampling.BILINEAR
RADIUS, FLAT = 4, 1e-3  # see the package's finish.py
ROWS = 512  # of a large photo, finished at once
GAIN, TINY = 1.6, 1e-4  # of a palette: most change of contrast, and least variance


def resized(
    x: np.ndarray,  # [H, W, C]
    shape: tuple[int, int],  # height and width
    kernel=BICUBIC,
    box=None,  # left, top, right, bottom of the part to resize
) -> np.ndarray:  # [h, w, C]
    "Resize with antialiasing."
    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in np.moveaxis(x, 2, 0)]
    return np.stack([plane.resize(shape[::-1], kernel, box) for plane in planes], 2)


def luminance(
    x: np.ndarray,  # [H, W, 3]
) -> np.ndarray:  # [H, W, 1]
    "Rec. 709 luma."
    return x @ np.float32([[0.2126], [0.7152], [0.0722]])


def local_mean(x, radius):
    "The mean of a square window around each pixel; edges have smaller windows."
    for axis in (0, 1):
        n = x.shape[axis]
        sums = np.insert(x.cumsum(axis, dtype=np.float64), 0, 0, axis)
        first, last = np.arange(n) - radius, np.arange(n) + radius + 1
        first, last = first.clip(0), last.clip(max=n)
        count = (last - first).reshape(-1, *(1,) * (2 - axis))
        x = ((sums.take(last, axis) - sums.take(first, axis)) / count).astype(np.float32)
    return x


def enlarged(
    painted: np.ndarray,  # [h, w, 3]
    small: np.ndarray,  # [h, w, 3], the photo it was painted from
    photo: np.ndarray,  # [H, W, 3]
) -> np.ndarray:  # [H, W, 3]
    "Enlarge a painted image and add the photo's detail where it fits (He et al. 2010)."
    (height, width), (h, w) = photo.shape[:2], small.shape[:2]
    sources = np.concatenate([painted, luminance(small), follows(painted, small)], 2)
    out = np.empty_like(photo)
    for top in range(0, height, ROWS):
        rows = min(ROWS, height - top)
        box = 0, top * h / height, w, (top + rows) * h / height
        grown, own = resized(sources, (rows, width), box=box), photo[top : top + rows]
        detail = grown[..., 4:] * (luminance(own) - grown[..., 3:4])
        out[top : top + rows] = (grown[..., :3] + detail).clip(0, 1)
    return out


def follows(painted, small):
    "How closely each color follows the photo's luminance, in a window around each pixel."
    light = luminance(small)
    center = local_mean(light, RADIUS)
    slope = local_mean(light * painted, RADIUS) - center * local_mean(painted, RADIUS)
    slope = slope / (local_mean(light**2, RADIUS) - center**2 + FLAT)
    return local_mean(slope.clip(-1, 1.5), RADIUS)


def recolored(painted, photo):
    "The luma of a painting with the chroma of the photo (YCbCr)."
    return (photo + (painted - photo) @ np.float32([[0.299], [0.587], [0.114]])).clip(0, 1)


def filled(
    x: np.ndarray,  # [H, W, 3]
    opacity: np.ndarray,  # [H, W, 1]
) -> np.ndarray:
    "Fill transparent parts with surrounding colors."
    if max(x.shape[:2]) == 1:
        return x
    weight = halved(opacity)
    small = halved(x * opacity) / weight.clip(1e-6)
    small = filled(small, (4 * weight).clip(max=1))
    around = resized(small, x.shape[:2], BILINEAR)
    return around + opacity * (x - around)


def halved(x):
    "Means of 2x2 pixels; of fewer at the edges."
    for axis in (0, 1):
        n = x.shape[axis]
        starts = np.arange(0, n, 2)
        count = np.minimum(2, n - starts).reshape(-1, *(1,) * (2 - axis))
        x = np.add.reduceat(x, starts, axis) / count.astype(np.float32)
    return x


def moments(x):
    "Mean products of the colors, after appending a color that is 1 everywhere: [4, 4]."
    flat = np.insert(x.reshape(-1, 3).astype(np.float64), 3, 1, 1)
    return flat.T @ flat / len(flat)


def gaussian(m):
    "Mean and covariance of moments."
    mean = m[:3, 3]
    return mean, m[:3, :3] - np.outer(mean, mean) + TINY * np.eye(3)


def toward_palette(
    x: np.ndarray,  # [H, W, 3]
    palette: np.ndarray,  # [4, 4], moments of a painting's colors
    share: float,  # of the way, 0 to 1
) -> np.ndarray:
    "Give an image the mean and covariance of a painting's colors (Pitié & Kokaram 2007)."
    (mean, own), (target, wanted) = gaussian(moments(x)), gaussian(palette)
    root, inverse = power(own, 0.5), power(own, -0.5)
    turn = inverse @ power(root @ wanted @ root, 0.5) @ inverse
    turn = (1 - share) * np.eye(3) + share * power(turn, 1, GAIN)
    shift = mean + share * (target - mean) - turn @ mean
    return (x @ turn.T + shift).astype(np.float32)


def toward_photo(
    x: np.ndarray,  # [H, W, 3]
    photo: np.ndarray,  # [H, W, 3]
) -> np.ndarray:
    "Give each channel of an image the mean and standard deviation of the photo's."
    means, spreads = zip(*((each.mean((0, 1)), each.std((0, 1)) + 1e-6) for each in (x, photo)))
    return (x - means[0]) * (spreads[1] / spreads[0]) + means[1]


def power(matrix, exponent, most=np.inf):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values.clip(1e-8, most) ** exponent) @ vectors.T
