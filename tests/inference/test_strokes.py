"Images painted with brush strokes."

import re
import xml.etree.ElementTree as xml

import numpy as np
import pytest
from PIL import Image

from faststyle_fastai.all import draw_strokes, paint_strokes, painting_frames, strokes_svg

BROAD = {"brush": 0.1, "layers": 2}
GROUP = "{http://www.w3.org/2000/svg}g"


@pytest.fixture(scope="module")
def painted(photos):
    return paint_strokes(photos / "china" / "0.jpg", **BROAD)


def pixels(image):
    return np.asarray(image).astype(float)


def far(image, other):
    return np.abs(pixels(image) - pixels(other)).mean()


def test_smaller_brushes_come_closer_to_the_photo(photo, painted):
    wide, narrow = painted.brushes
    assert wide.width == 2 * narrow.width and wide.points and narrow.points
    paintings = [*painting_frames(painted, n=2)]
    canvas, blocked_in, finished = (far(each, Image.open(photo)) for each in paintings)
    assert paintings[0].size == (96, 72) and finished < blocked_in < canvas / 2


def test_strokes_follow_an_edge():
    y, x = np.mgrid[:120, :160]
    sides = np.where(y < 0.5 * x + 20, 40, 200)  # an edge that falls by one in two
    found = paint_strokes(np.stack([sides] * 3, -1).astype(np.uint8), brush=0.05, layers=1)
    (brush,) = found.brushes
    height = found.shape[0] / 120
    near = [p for p in brush.points if np.abs(p[:, 1] - 0.5 * p[:, 0] - 20 * height).max() < 30]
    rise, run = np.array([p[-1] - p[0] for p in near]).T[::-1]
    assert len(near) > 20 and np.abs(rise / run - 0.5).max() < 0.1


def test_lines_stay_lines():
    page = Image.new("L", (200, 200), 255)
    page.paste(0, (98, 40, 102, 160))
    found = paint_strokes(page)
    drawn = pixels(draw_strokes(found).convert("L"))
    dark = [np.count_nonzero((b.colors < 128).all(-1)) for b in found.brushes]
    assert dark[0] == 0 < sum(dark)
    assert drawn[45:155, 100].max() < 40 and min(drawn[:, :90].min(), drawn[:, 110:].min()) > 200


def test_frames_converge_to_the_painting(painted):
    final = draw_strokes(painted, 64)
    frames = [*painting_frames(painted, 64, 8, held=2)]
    apart = [far(frame, final) for frame in frames]
    assert len(frames) == 1 + 8 + 2 and apart[-3:] == [0, 0, 0]
    assert min(apart[:4]) > apart[7] > 0 and apart[6] > apart[7]


def test_the_same_strokes_again(photo, painted):
    again, other = paint_strokes(photo, **BROAD), paint_strokes(photo, **BROAD, seed=1)
    assert strokes_svg(again) == strokes_svg(painted) != strokes_svg(other)
    assert draw_strokes(again).tobytes() == draw_strokes(painted).tobytes()


def test_svg_has_the_strokes_of_each_brush(painted):
    picture = xml.fromstring(strokes_svg(painted))
    assert (picture.get("width"), picture.get("height")) == ("96", "72")
    assert picture.get("viewBox") == "0 0 1920 1440" and picture.get("stroke-linecap") == "round"
    groups = picture.findall(GROUP)
    assert [len(group) for group in groups] == [len(b.points) for b in painted.brushes]
    for group, brush in zip(groups, painted.brushes):
        assert float(group.get("stroke-width")) == pytest.approx(10 * brush.width, abs=1)
        (x, y), (end_x, end_y) = brush.points[0][0], brush.points[0][-1]
        start, *steps = re.findall(r"[Mqt]([^Mqt]+)", group[0].get("d"))
        steps = np.array([[*map(int, step.split())][-2:] for step in (start, *steps)])
        assert steps[0] / 10 == pytest.approx([x + 0.5, y + 0.5], abs=0.06)
        assert steps.sum(0) / 10 == pytest.approx([end_x + 0.5, end_y + 0.5], abs=0.06)
        assert group[0].get("stroke") == "#{:02x}{:02x}{:02x}".format(*brush.colors[0])


def test_pens_draw_lines_of_few_colors(photo):
    found = paint_strokes(photo, pens=2)
    light, dark = found.brushes
    assert {tuple(c) for c in light.colors} != {tuple(c) for c in dark.colors}
    assert light.colors[0].sum() > dark.colors[0].sum() and light.width == dark.width < 4
    text = strokes_svg(found)
    assert [g.get("id") for g in xml.fromstring(text).findall(GROUP)] == ["pen-1", "pen-2"]
    assert not re.search('fill="(?!none)', text)
    drawn = draw_strokes(found, 480)
    white = (pixels(drawn) > 250).all(-1)
    assert 0.02 < white.mean() < 0.9


@pytest.mark.parametrize("size", [(1, 1), (300, 1), (1, 300)])
def test_odd_shapes(size):
    for pens in (0, 1):
        found = paint_strokes(Image.new("RGB", size, "teal"), pens=pens, layers=None if pens else 1)
        assert draw_strokes(found).size == size


@pytest.mark.parametrize(
    "wrong",
    [{"brush": 0}, {"layers": 0}, {"layers": 9}, {"detail": 2}, {"pens": 99}]
    + [{"pens": 2, "layers": 3}],
)
def test_wrong_numbers(photo, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        paint_strokes(photo, **wrong)
