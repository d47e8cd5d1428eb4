"""Short videos whose motion is known, and the temporal error of their painted frames.

A scene is a list of frames and a function `flow(i, j)`: for each pixel of frame i, how far away the
same point is in frame j, [H, W, 2]. That of a filmed clip is found by OpenCV's DIS.
"""

import math
from fractions import Fraction

import cv2
import numpy as np

from faststyle_fastai.inference.options import PaintOptions
from faststyle_fastai.video.frame_painter import FramePainter
from faststyle_fastai.video.reader import VideoFrame, open_video

__all__ = ["FRAMES", "SIZE", "filmed", "painted_film", "parallax", "synthetic", "temporal_error"]

SIZE, FRAMES, RATE = (320, 240), 24, 25
HIDDEN = 0.06  # difference of two photos in [0, 1] above which a pixel counts as occluded


def painted_film(stylizer, frames, style=None, **how):
    "Frames as `faststyle video` paints them, at their own size."
    painted = FramePainter(stylizer, PaintOptions(style, stroke="finest"), **how)
    step = Fraction(1, RATE)
    return [painted(VideoFrame(f, i * step, step)).picture for i, f in enumerate(frames)]


def temporal_error(photos, pictures, flow, apart=1):
    """The root mean squared error between painted frames that many apart, in [0, 1].

    The earlier frame is moved as the video moves. Occluded pixels are left out.
    """
    errors = []
    for i in range(apart, len(pictures)):
        where = flow(i, i - apart)
        before, now = (np.float32(pictures[k]) / 255 for k in (i - apart, i))
        photo_before, photo = (np.float32(photos[k]) / 255 for k in (i - apart, i))
        off = np.abs(warped(photo_before, where) - photo).mean(-1)
        seen = off < HIDDEN  # outside the image, warped photos are -1
        errors.append(((now - warped(before, where)) ** 2)[seen].mean())
    return math.sqrt(np.mean(errors))


def warped(picture, flow):
    rows, columns = np.indices(picture.shape[:2], np.float32)
    where = columns + flow[..., 0], rows + flow[..., 1]
    return cv2.remap(picture, *where, cv2.INTER_LINEAR, borderValue=(-1, -1, -1))


def filmed(path):
    "The first frames of a video."
    with open_video(path) as video:
        frames = [cv2.resize(frame.picture, SIZE) for frame in video.frames(end=FRAMES / RATE)]
    grays = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return frames, lambda i, j: dis.calc(grays[i], grays[j], None)


def synthetic(photo):
    "A pan, a zoom, and a square that moves across, all in one photo of 480 x 360 px."
    photo, whole = np.asarray(photo), np.ones((360, 480), bool)
    square = np.pad(np.ones((60, 60), bool), ((0, 300), (0, 420)))

    def moving(x, y, zoom=0.0):
        return lambda t: np.float32([[1 - zoom * t, 0, x * t], [0, 1 - zoom * t, y * t]])

    def still(t):
        return np.float32([[1, 0, 40], [0, 1, 40]])

    def across(t):
        return np.float32([[1, 0, -20 - 6 * t], [0, 1, -80]])

    return {
        "pan": layered([(photo, whole, moving(2.5, 1.25))]),
        "zoom": layered([(photo, whole, moving(1, 1, 0.004))]),
        "object": layered([(photo, whole, still), (photo, square, across)]),
    }


def parallax(photos):
    "Three photos of 480 x 360 px as layers in depth; the nearer, the faster they pass."
    layers, random = [], np.random.default_rng(0)
    for depth, photo in enumerate(photos):
        clouds = cv2.GaussianBlur(random.standard_normal((360, 480)).astype(np.float32), (0, 0), 40)
        shape = clouds > np.quantile(clouds, 0.65) if depth else np.ones((360, 480), bool)
        speed = 0.7 * 2.2**depth
        layers.append(
            (np.asarray(photo), shape, lambda t, s=speed: np.float32([[1, 0, s * t], [0, 1, 20]]))
        )
    return layered(layers)


def layered(layers):
    """A scene of layers (photo, shape, affine), the nearest last.

    Pixel p of frame t shows a layer's photo at affine(t) p, where its shape is.
    """
    columns, rows = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in SIZE))
    frames, seen = [], []
    for t in range(FRAMES):
        frame, top = np.zeros((SIZE[1], SIZE[0], 3), np.uint8), np.zeros((SIZE[1], SIZE[0]), int)
        for i, (photo, shape, affine) in enumerate(layers):
            (a, _, x), (_, b, y) = affine(t)
            where = a * columns + x, b * rows + y
            inside = cv2.remap(np.uint8(shape), *where, cv2.INTER_NEAREST, borderValue=0) > 0
            frame[inside] = cv2.remap(photo, *where, cv2.INTER_CUBIC)[inside]
            top[inside] = i
        frames.append(frame)
        seen.append(top)

    def flow(i, j):
        found = np.zeros((SIZE[1], SIZE[0], 2), np.float32)
        for k, (_, _, affine) in enumerate(layers):
            ((a, _, x), (_, b, y)), ((c, _, u), (_, d, v)) = affine(i), affine(j)
            moved = np.stack(
                [(a * columns + x - u) / c - columns, (b * rows + y - v) / d - rows], -1
            )
            found[seen[i] == k] = moved[seen[i] == k]
        return found

    return frames, flow
