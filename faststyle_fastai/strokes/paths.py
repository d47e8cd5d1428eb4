"""Finds the brush strokes that paint an image: curved, in layers from large brushes to small ones.

After Hertzmann, Painterly rendering with curved brush strokes of multiple sizes, 1998. Here strokes
follow the structure tensor, take the median color of their place, and must bring the canvas closer
to the image. Lines stay lines, as a large brush brings nothing closer there.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..core.errors import UsageError
from ..core.values import check_range
from ..images.files import floats, read_picture, to_picture
from ..images.remote import Work
from ..images.shapes import fitted
from ..images.tensors import to_tensor
from .brushwork import StrokeShape, at, directions, smooth, stroke_shape, structure
from .drawing import Brush, Drawing, by_length, draw, draw_strokes, marks, normals

__all__ = ["paint_strokes", "with_strokes"]

SIDE, ENLARGED = 1024, 2  # px of the longer side that strokes are found at; times the image's
FINEST = 1.5  # px of half a brush there
WIDTH, PEN = 0.05, 0.003  # of the largest brush and of a pen, as shares of the longer side
LAYERS = 5  # brushes, each half as wide as the one before
PASSES, HATCHES = 2, 6  # of each brush, to close gaps; of pens, until they are dark enough
STEP, LONGEST = 2, 9  # least px from a point of a stroke to the next; most steps to either side
FEWEST = 4  # points of a stroke; shorter ones look like confetti
TURN, INERTIA = 0.64, 0.3  # cosine of the sharpest turn; share of the last direction in the next
LOOSE = 2  # of that share, for each cosine by which a painter's strokes bend more than usual
SAME, NEAR = 0.12, 0.02  # how far from its own color, and a better canvas, a stroke may lead
ACROSS = np.linspace(-0.8, 0.8, 5)  # half widths from a stroke's middle, where it is judged
FIRST, FINER = -0.001, 1  # gain of the first brush; how much more each finer one must gain
HATCH, CONTRAST = 0.2, 0.2  # share of a pen's color that is not worth a line; cost of dark pens


def paint_strokes(
    picture: Any,  # as `read_picture` takes it
    brush: float | None = None,  # width of the largest, as a share of the longer side; None: about
    # 0.05, see `like`, and 0.003 of pens
    layers: int | None = None,  # brushes, each half as wide as the one before; None: 5
    detail: float = 0.7,  # from 0 to 1: how small a difference is worth a stroke
    pens: int = 0,  # draw on white paper with pens of so many colors; 0: paint
    seed: int = 0,
    like: Any = None,  # a painting, likewise; strokes get the width, length and bend of its own
) -> Drawing:
    """Find the strokes that paint an image.

    Raises what `read_picture` does, and `ValueError` for numbers out of range, and for `layers` of
    pens, which have one width.
    """
    check_range("brush", brush, PEN, 0.5)
    check_range("layers", layers, 1, 8)
    check_range("detail", detail, 0, 1)
    check_range("pens", pens, 0, 32)
    if pens and layers:
        raise UsageError(f"Pens have one width. Do not use both pens={pens} and layers={layers}.")
    whole = read_picture(picture)
    shape = StrokeShape() if like is None else shape_of(Work.of(like))
    brush = brush or (PEN if pens else WIDTH * shape.width)
    side = min(SIDE, ENLARGED * max(whole.size))
    image = whole.resize(fitted(whole.size, side, enlarge=True), Image.Resampling.LANCZOS)
    source, inks = floats(image), pen_colors(image, pens) if pens else []
    ground = np.full(3, 255) if pens else np.median(np.asarray(image), (0, 1)).astype(int)
    canvas = Image.new("RGB", image.size, tuple(ground.tolist()))
    tensor, random, brushes = structure(source), np.random.default_rng(seed), []
    for i in range(1 if pens else layers or LAYERS):
        half = max(FINEST, side * brush / 2 ** (i + 1))
        apart, sight, calm = (8 * half, 3 * half, 4 * half) if pens else (half,) * 3
        blurred, way = smooth(source, sight), directions(tensor, calm)
        least = 0.1 * 0.06**detail * (1 + FINER * i) if i or pens else FIRST
        found = []
        for _ in range(HATCHES if pens else PASSES):
            now = smooth(floats(canvas), sight) if pens else floats(canvas)
            lines = traced(starts(blurred - now, apart, least), way, blurred, now, half, shape)
            color = hatched(lines, blurred, now, inks) if pens else judged(lines, source, now, half)
            order = in_regions(lines, source.shape, random)
            order = order[color[order, 3] > least / 2]
            colors = (255 * color[order, :3]).round().astype(np.uint8)
            found.append(Brush(2 * half, [lines[j] for j in order], colors))
            draw(canvas, marks(found[-1]))
        colors = np.concatenate([each.colors for each in found])
        brushes.append(Brush(2 * half, sum((each.points for each in found), []), colors))
        if half == FINEST:
            break
    if pens:
        brushes = [of_color(brushes[0], (255 * ink).round()) for ink in inks]
    return Drawing(whole.size, source.shape[:2], tuple(ground.tolist()), brushes, bool(pens))


@lru_cache(maxsize=16)
def shape_of(work):
    "The shape of a painting's strokes, remembered for folders of photos."
    return stroke_shape(read_picture(work.source))


def starts(difference, apart, least):
    "The worst place, x and y, of each square of the canvas that differs by more than `least`."
    error = np.abs(difference).mean(-1)
    side = min(max(STEP, round(apart)), *error.shape)
    rows, columns = error.shape[0] // side, error.shape[1] // side
    squares = error[: rows * side, : columns * side].reshape(rows, side, columns, side)
    squares = squares.swapaxes(1, 2).reshape(rows * columns, side * side)
    bad = np.flatnonzero(squares.mean(1) > least)
    down, across = np.divmod(squares[bad].argmax(1), side)
    corners = side * np.stack([bad % columns, bad // columns], -1)
    return (corners + np.stack([across, down], -1)).astype(np.float32)


def traced(places, way, blurred, now, half, shape):
    "Strokes that follow the directions from places to both sides, each [n, 2]."
    (fore, n), (back, m) = (
        follow(places, sign, way, blurred, now, half, shape) for sign in (1, -1)
    )
    lines = (np.concatenate([b[j:0:-1], f[: i + 1]]) for f, i, b, j in zip(fore, n, back, m))
    return [line for line in lines if len(line) >= FEWEST]


def follow(place, sign, way, blurred, now, half, shape):
    "Paths from places to one side, [N, steps + 1, 2], and how many each takes."
    steps, inertia = round(LONGEST * shape.length), max(0.0, INERTIA - LOOSE * shape.bend)
    path, n = np.repeat(place[:, None], steps + 1, 1), np.zeros(len(place), int)
    last, color, active = sign * at(way, place), at(blurred, place), np.arange(len(place))
    for k in range(1, steps + 1):
        next_way = at(way, place)
        cosine = (next_way * last).sum(-1, keepdims=True)
        last = (1 - inertia) * np.where(cosine < 0, -next_way, next_way) + inertia * last
        last /= np.linalg.norm(last, axis=-1, keepdims=True) + 1e-6
        place = place + max(half, STEP) * last
        off, better = (np.abs(at(blurred, place) - x).mean(-1) for x in (color, at(now, place)))
        on = (np.abs(cosine[:, 0]) > TURN) & (off < SAME) & (off <= better + NEAR)
        on &= ((place >= 0) & (place < way.shape[1::-1])).all(-1)
        active, place, last, color = active[on], place[on], last[on], color[on]
        path[active, k], n[active] = place, k
    return path, n


def judged(lines, source, now, half):
    "The colors of strokes and how much closer each brings the canvas, [N, 3 + 1]."
    found = np.zeros((len(lines), 4), np.float32)
    for index, p in by_length(lines):
        across = half * ACROSS[:, None] * normals(p)[1][:, :, None]
        places = (p[:, :, None] + across).reshape(len(p), -1, 2)
        wanted = at(source, places)
        color = np.median(wanted, 1, keepdims=True)
        gain = np.abs(wanted - at(now, places)) - np.abs(wanted - color)
        found[index] = np.column_stack([color[:, 0], gain.mean((1, 2))])
    return found


def hatched(lines, blurred, now, inks):
    "The pens for strokes and how much of their color is missing there, [N, 3 + 1]."
    found = np.zeros((len(lines), 4), np.float32)
    for index, p in by_length(lines):
        own = at(now, p).mean(1)[:, None]
        ink, missing = inks - own, at(blurred, p).mean(1)[:, None] - own  # [N, pens, 3], [N, 1, 3]
        size = np.linalg.norm(ink, axis=-1) + 1e-6
        share = ((ink * missing).sum(-1) / size**2).clip(0, 1)
        left = np.linalg.norm(missing - share[..., None] * ink, axis=-1)
        best = (left + CONTRAST * size * (1 - share)).argmin(1)
        found[index] = np.column_stack([inks[best], share[np.arange(len(p)), best] - HATCH])
    return found


def in_regions(lines, shape, random):
    "The order of painting: roughly, region by region."
    field = smooth(random.standard_normal((*shape[:2], 1), np.float32), shape[1] / 8)[..., 0]
    when = at(field, np.array([line[len(line) // 2] for line in lines]).reshape(-1, 2))
    return np.argsort(when + 0.3 * field.std() * random.standard_normal(len(lines)))


def with_strokes(
    image: Image.Image | Tensor,  # or [B, 3 or 4, H, W] in [0, 1]
    like: Any = None,  # as in `paint_strokes`
) -> Any:  # as `image`, with 8 bits per color channel
    "Paint an image with strokes in relief; transparency stays."
    if isinstance(image, Tensor):
        each = [to_tensor(with_strokes(to_picture(one), like)) for one in image[:, :3].split(1)]
        return torch.cat([torch.cat(each).to(image), image[:, 3:]], 1)
    painted = draw_strokes(paint_strokes(image.convert("RGB"), like=like)).resize(image.size)
    if "A" in image.getbands():
        painted.putalpha(image.getchannel("A"))
    return painted


def pen_colors(image, n):
    "Colors of pens, [up to n, 3], from light to dark; the lightest of the image is left to paper."
    few = image.quantize(n + 1, dither=Image.Dither.NONE).convert("RGB").getcolors()
    colors = sorted((color for _, color in few), key=sum, reverse=True)
    return np.array(colors[1:] or colors, np.float32) / 255


def of_color(brush, color):
    own = np.flatnonzero((brush.colors == color).all(-1))
    return Brush(brush.width, [brush.points[i] for i in own], brush.colors[own])
