"Where people and faces are in a photo, on arrays; the package's people.py and faces.py explain it."

import math

import numpy as np

from ..images.shapes import fitted
from .networks import run
from .pixels import local_mean, luminance, resized

__all__ = ["faces_of", "person_area", "with_faces"]

SEEN, ZOOMS, LARGER, STEP, SURE, SAME = 640, (1, 2, 4), 2, 0.75, 0.7, 0.3  # of the search for faces
FACE, PERSON = 128, 256  # px of the networks' inputs
BESIDE, ABOVE, BELOW, NEAR = 3.0, 1.0, 8.0, 0.5  # of bodies
REACH, NOISE, CERTAIN = 1 / 80, 1e-3, 0.1  # of the guided filter and its result
STROKES, FEATURES, DETAIL, SOFT = 0.5, 0.8, 0.05, 0.4  # of the faces that are drawn
HALF, RAISED, TIMES, LARGEST = (0.62, 0.72), 0.08, 3, 16


def looked_at(photo):
    "A photo at the size at which people are sought."
    width, height = fitted(photo.shape[1::-1], SEEN)
    return resized(photo, (height, width)).clip(0, 1)


def batch(images):
    return np.stack([np.moveaxis(image, 2, 0) for image in images]).astype(np.float32)


def faces_of(
    photo: np.ndarray,  # [H, W, 3] in [0, 1]
) -> list:  # of left, top, right and bottom as shares of the photo, the surest first
    "The faces in a photo, sought in overlapping windows."
    photo = looked_at(photo)
    longest, (height, width) = max(photo.shape), photo.shape[:2]
    square = np.pad(photo, ((0, longest - height), (0, longest - width), (0, 0)))
    windows, places = [], []
    for zoom in ZOOMS:
        if zoom > 1 and zoom * FACE > LARGER * longest:
            break
        gaps = math.ceil((zoom - 1) / STEP)
        step = (zoom - 1) * FACE // gaps if gaps else FACE
        x, side = resized(square, (zoom * FACE,) * 2), zoom * FACE
        for top in range(0, (gaps + 1) * step, step):
            for left in range(0, (gaps + 1) * step, step):
                if top < side * height / longest and left < side * width / longest:
                    windows.append(x[top : top + FACE, left : left + FACE])
                    places.append((left / side, top / side, 1 / zoom))
    scores, boxes = run("face", "cpu", windows=batch(windows))
    corners = np.array(places)
    boxes = boxes * corners[:, None, 2:] + np.tile(corners[:, None, :2], 2)
    boxes = (boxes / np.tile([width / longest, height / longest], 2))[scores > SURE]
    best: list = []
    for box in boxes[np.argsort(-scores[scores > SURE], kind="stable")]:
        if not any(overlap(box, other) > SAME for other in best):
            best.append(box)
    return [box.clip(0, 1) for box in best]


def overlap(a, b):
    "The intersection of two boxes over their union."
    both = (np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])).clip(0).prod()
    return both / (sum((x[2:] - x[:2]).prod() for x in (a, b)) - both)


def person_area(
    photo: np.ndarray,  # [H, W, 3] in [0, 1]
    faces: list,
) -> np.ndarray:  # [H, W, 1] in [0, 1]
    "The people in a photo, if there are faces."
    if not faces:
        return np.zeros_like(photo[..., :1])
    small = looked_at(photo)
    (h, w), found = small.shape[:2], np.zeros_like(small[..., :1])
    places = sorted({(0, 0, w, h), *(body(face, w, h) for face in faces)})
    parts = [small[top:bottom, left:right] for left, top, right, bottom in places]
    (likely,) = run("person", "cpu", photo=batch(resized(part, (PERSON,) * 2) for part in parts))
    for x, part, (left, top, right, bottom) in zip(likely, parts, places):
        there = found[top:bottom, left:right]
        seen = resized(np.moveaxis(x, 0, 2), part.shape[:2]).clip(0, 1)
        np.maximum(there, seen, out=there)
    edges = resized(guided(found, small), photo.shape[:2])
    likely = (edges[..., :3] * photo).sum(2, keepdims=True) + edges[..., 3:]
    return ((likely - CERTAIN) / (1 - 2 * CERTAIN)).clip(0, 1)


def body(face, width, height):
    "Where the body of a face is, in px; the whole photo if it is near."
    left, top, right, bottom = face
    wide, high = right - left, bottom - top
    box = left - BESIDE * wide, top - ABOVE * high, right + BESIDE * wide, bottom + BELOW * high
    left, top, right, bottom = (min(1, max(0, n)) for n in box)
    if min(right - left, bottom - top) > NEAR:
        return 0, 0, width, height
    ends = math.ceil(right * width), math.ceil(bottom * height)
    return int(left * width), int(top * height), *ends


def guided(x, photo):
    "Explain `x` by the photo's colors around each pixel: slopes and offset, [h, w, 4]."
    radius = max(1, round(REACH * max(photo.shape)))
    center, level = local_mean(photo, radius), local_mean(x, radius)
    together = local_mean(photo * x, radius) - center * level
    pairs = (photo[..., None] * photo[..., None, :]).reshape(*photo.shape[:2], 9)
    spread = local_mean(pairs, radius).reshape(*photo.shape, 3)
    spread = spread - center[..., None] * center[..., None, :] + NOISE * np.eye(3)
    slope = np.linalg.solve(spread, together[..., None])[..., 0]
    offset = level - (slope * center).sum(2, keepdims=True)
    return local_mean(np.concatenate([slope, offset], 2).astype(np.float32), radius)


def with_faces(
    painted: np.ndarray,  # [H, W, 3] in [0, 1], changed in place
    photo: np.ndarray,  # of the same shape
    faces: list,
    strength: float,
) -> None:
    "Draw the features of faces: less of the painted detail there, and more of the photo's."
    for face in faces:
        there, radius, where = region(face, *photo.shape[:2])
        y, light = painted[there], luminance(photo[there])
        color = blurred(y, radius)
        drawn = color + STROKES * (y - color) + FEATURES * (light - blurred(light, radius))
        painted[there] = y + strength * where * (drawn.clip(0, 1) - y)


def region(face, height, width):
    "The part around a face, the radius of the blur, and the soft ellipse [h, w, 1]."
    left, top, right, bottom = face
    wide, high = (right - left) * width, (bottom - top) * height
    x, y = (left + right) / 2 * width, (top + bottom) / 2 * height - RAISED * high
    axes = HALF[0] * wide, HALF[1] * high
    reach = [(1 + SOFT) * axis for axis in axes]
    columns = np.arange(max(0, int(x - reach[0])), min(width, int(x + reach[0]) + 1))
    rows = np.arange(max(0, int(y - reach[1])), min(height, int(y + reach[1]) + 1))
    away = np.hypot((columns + 0.5 - x) / axes[0], (rows[:, None] + 0.5 - y) / axes[1])
    near = ((1 + SOFT - away) / (2 * SOFT)).clip(0, 1)[..., None].astype(np.float32)
    there = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return there, max(1, round(DETAIL * max(wide, high))), near**2 * (3 - 2 * near)


def blurred(x, radius):
    "Without detail; large faces are blurred at a smaller size."
    shape, times = x.shape[:2], max(1, radius // LARGEST)
    small = x if times == 1 else resized(x, tuple(math.ceil(n / times) for n in shape))
    for _ in range(TIMES):
        small = local_mean(small, radius // times)
    return small if times == 1 else resized(small, shape)
