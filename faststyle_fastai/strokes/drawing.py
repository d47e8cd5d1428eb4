"Brush strokes, drawn: as an image of any size, as the frames of its painting, as SVG."

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import islice, repeat

import numpy as np
from PIL import Image, ImageDraw

from ..core.errors import UsageError
from ..core.values import check_range
from ..images.shapes import fitted
from .relief import lit

__all__ = ["Brush", "Drawing", "by_length", "draw", "draw_heights", "draw_strokes", "marks",
           "normals", "painting_frames", "strokes_svg"]  # fmt: skip

FINE = 2  # px that become one, for smooth edges
HAIRS, LEAST = 1.3, 6  # of a brush, for each px of half its width; brushes with fewer show none
TONE = 0.035, 60  # how much the colors of hairs vary: their own share, and that of 255
UNIT = 10  # of an SVG's whole numbers in a px
LARGEST = 8192  # px of an image
RELIEF = 0.5  # of paint; pens have none
GROUND, THICK = 100, 70  # of 255: height of the ground, and of a stroke as wide as the canvas
UNEVEN = 0.6  # deviation of heights, as a share


@dataclass(frozen=True)
class Brush:
    "The strokes of one brush or pen, in the order of painting."

    width: float
    points: list[np.ndarray] = field(repr=False)  # of each stroke: [n, 2], x and y
    colors: np.ndarray = field(repr=False)  # [strokes, 3] uint8


@dataclass(frozen=True)
class Drawing:
    "An image as brush strokes."

    size: tuple[int, int]  # width and height of the image
    shape: tuple[int, int]  # height and width of the canvas that the strokes' places are on
    ground: tuple[int, ...]  # its color
    brushes: list[Brush]  # from large to small; pens from light to dark
    pens: bool = False

    def _repr_png_(self):  # in a notebook
        draw_strokes(self, min(1024, max(8, *self.size))).save(file := BytesIO(), "PNG")
        return file.getvalue()


def draw_strokes(
    strokes: Drawing,
    size: int | None = None,  # px of the longer side; None: the image's
    relief: float | None = None,  # how high the paint lies, from 0 to 1; None: 0.5, and 0 of pens
    canvas: float = 0.0,  # how much of the canvas's weave shows, from 0 to 1
) -> Image.Image:
    "Draw strokes with the hairs of their brushes, lit from the upper left, as an image."
    relief = relief_of(strokes, relief)
    return shown(finished(strokes, size), relief, canvas)


def painting_frames(
    strokes: Drawing,
    size: int | None = None,  # px of the longer side; None: the image's
    n: int = 250,  # about as many of each brush
    held: int = 0,  # how often the last one comes again
    relief: float | None = None,  # as in `draw_strokes`
    canvas: float = 0.0,
) -> Iterator[Image.Image]:
    "Yield the canvas, and images of the painting as it comes into being."
    relief, last = relief_of(strokes, relief), None
    for frame in drawn(strokes, size, n):
        last = shown(frame, relief, canvas)
        yield last
    yield from repeat(last, held)


def draw_heights(
    strokes: Drawing,
    size: int | None = None,  # px of the longer side; None: the image's
) -> Image.Image:
    "Draw how high the paint lies, as an 8-bit gray image."
    return finished(strokes, size).getchannel("K")


def relief_of(strokes, relief):
    if strokes.pens and relief:
        raise UsageError(f"Pens leave no relief. Do not use both pens and relief={relief}.")
    return (0 if strokes.pens else RELIEF) if relief is None else relief


def shown(frame, relief, canvas):
    "One of `drawn`, lit."
    *colors, heights = frame.split()
    picture = Image.merge("RGB", colors)
    return lit(picture, heights, relief, canvas) if relief or canvas else picture


def finished(strokes, size):
    "The last of `drawn`."
    return deque(drawn(strokes, size, 1), maxlen=1).pop()


def drawn(strokes, size, n):
    "Yield the ground, and images of the strokes as they are drawn: red, green, blue and height."
    check_range("size", size, 8, LARGEST)
    longest = min(size or max(strokes.size), LARGEST)
    width, height = (FINE * side for side in fitted(strokes.size, longest, enlarge=True))
    scale = longest / max(strokes.shape)
    canvas = Image.new("CMYK", (width, height), (*strokes.ground, GROUND))  # any four channels
    random = None if strokes.pens else np.random.default_rng(0)
    yield canvas.reduce(FINE)
    used = sum(len(brush.points) > 0 for brush in strokes.brushes)
    for brush in in_height(strokes):
        if not len(brush.points):
            continue
        steps = np.linspace(0, len(brush.points), max(1, n // used) + 1)
        shapes = marks(brush, FINE * scale, random)
        for count in np.diff(steps.astype(int)):
            draw(canvas, islice(shapes, count))
            yield canvas.reduce(FINE)


def in_height(strokes):
    "Brushes with colors and heights: each lies on those before it; the wider, the thicker."
    random, level = np.random.default_rng(0), float(GROUND)
    for brush in strokes.brushes:
        thick = THICK * (brush.width / max(strokes.shape)) ** 0.5
        level += thick
        heights = level + UNEVEN * thick * random.standard_normal((len(brush.points), 1))
        colors = np.hstack([brush.colors, heights.clip(0, 255).astype(np.uint8)])
        yield replace(brush, colors=colors)


def draw(
    canvas: Image.Image,  # changed in place
    strokes: Iterable[tuple],  # as of `marks`
) -> None:
    "Draw strokes."
    pen = ImageDraw.Draw(canvas)
    for shape, color, lines, tones, width in strokes:
        pen.polygon(shape.ravel().tolist(), fill=tuple(color.tolist()))
        flat = lines.reshape(len(lines), 2 * lines.shape[1])
        for line, tone in zip(flat.tolist(), tones.tolist()):
            pen.line(line, fill=tuple(tone), width=width)


def marks(
    brush: Brush,
    scale: float = 1,  # of the canvas to draw on
    random: np.random.Generator | None = None,  # for the hairs; None: none
) -> Iterator[tuple]:  # of each stroke: outline, color, hairs, their colors and their width
    "The brush's marks on a canvas, in px."
    half, found = brush.width / 2, [()] * len(brush.points)
    hairs = int(HAIRS * half) if random and HAIRS * half >= LEAST else 0
    random, across = random or np.random.default_rng(), np.linspace(-0.9, 0.9, hairs)
    width = max(1, round(0.9 * brush.width * scale / max(1, hairs)))
    turn = np.linspace(0, np.pi, 7)[1:-1, None]
    for index, points in by_length(brush.points):
        p, color = curved(points), brush.colors[index]
        t, s = normals(p)
        end = p[:, -1:] + half * (np.cos(turn) * s[:, -1:] + np.sin(turn) * t[:, -1:])
        start = p[:, :1] - half * (np.cos(turn) * s[:, :1] + np.sin(turn) * t[:, :1])
        shape = np.concatenate([p + half * s, end, (p - half * s)[:, ::-1], start], 1)
        lines = p[:, None, ::2] + half * across[:, None, None] * s[:, None, ::2]
        reach = half * np.sqrt(1 - across**2)[:, None] * random.random((2, len(p), hairs, 1))
        lines[:, :, 0] -= reach[0] * t[:, None, 0]
        lines[:, :, -1] += reach[1] * t[:, None, -1]
        tone = TONE[0] * random.standard_normal((len(p), hairs, 1))
        tones = (color[:, None] * (1 + tone) + TONE[1] * tone).clip(0, 255).astype(np.uint8)
        shape, lines = ((x + 0.5) * scale - 0.5 for x in (shape, lines))
        for i, *mark in zip(index, shape, color, lines, tones):
            found[i] = (*mark, width)
    yield from found


def curved(p):
    "Lines of points, [N, n, 2], as quadratic splines, by cutting corners (Chaikin 1974)."
    for _ in range(2):
        cut = np.stack([0.75 * p[:, :-1] + 0.25 * p[:, 1:], 0.25 * p[:, :-1] + 0.75 * p[:, 1:]], 2)
        p = np.concatenate([p[:, :1], cut.reshape(len(p), -1, 2)[:, 1:-1], p[:, -1:]], 1)
    return p


def by_length(points: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    "Yield the strokes of each number of points: their indices, and [N, n, 2]."
    lengths = np.array([len(p) for p in points])
    for n in np.unique(lengths):
        index = np.flatnonzero(lengths == n)
        yield index, np.stack([points[i] for i in index])


def normals(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    "Unit vectors along lines of points, [N, n, 2], and across them."
    t = np.gradient(p, axis=1)
    t /= np.linalg.norm(t, axis=-1, keepdims=True) + 1e-6
    return t, np.stack([-t[..., 1], t[..., 0]], -1)


def strokes_svg(
    strokes: Drawing,
    size: int | None = None,  # px of the longer side; None: the image's
) -> str:
    "Strokes as SVG: a group for each brush or pen, which Inkscape and plotters take for a layer."
    width, height = fitted(strokes.size, size or max(strokes.size), enlarge=True)
    h, w = strokes.shape
    label = "pen" if strokes.pens else "brush"
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" '
        'xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" '
        f'width="{width}" height="{height}" viewBox="0 0 {w * UNIT} {h * UNIT}" '
        'fill="none" stroke-linecap="round" stroke-linejoin="round">'
    ]
    if not strokes.pens:
        parts.append(f'<path fill="{hexed(strokes.ground)}" d="M0 0H{w * UNIT}V{h * UNIT}H0z"/>')
    for i, brush in enumerate(strokes.brushes, 1):
        colors = [f' stroke="{hexed(color)}"' for color in brush.colors]
        of_all = colors[0] if strokes.pens and colors else ""
        parts.append(
            f'<g id="{label}-{i}" inkscape:groupmode="layer" inkscape:label="{label} {i}" '
            f'stroke-width="{brush.width * UNIT:.0f}"{of_all}>'
        )
        own = [""] * len(colors) if strokes.pens else colors
        parts += [f'<path{o} d="{path(p)}"/>' for o, p in zip(own, brush.points)] + ["</g>"]
    return "\n".join([*parts, "</svg>\n"])


def path(p):
    "An SVG's quadratic spline through a stroke of at least three points."
    knots = np.concatenate([p[:1], (p[1:-2] + p[2:-1]) / 2, p[-1:], p[1:2]])
    *joints, bend = np.rint((knots + 0.5) * UNIT).astype(int)
    first, *more = np.diff(joints, axis=0)
    words = "M{} {}q{} {} {} {}".format(*joints[0], *(bend - joints[0]), *first)
    return words + "".join("t{} {}".format(*step) for step in more)


def hexed(color):
    return "#{:02x}{:02x}{:02x}".format(*color)
