"Images painted with brush strokes."

import re
import xml.etree.ElementTree as xml

import numpy as np
import pytest
from PIL import Image

from faststyle_fastai.all import (
    Stylizer,
    draw_heights,
    draw_strokes,
    paint_strokes,
    painting_frames,
    strokes_svg,
)
from faststyle_fastai.inference.html import BROWSER
from faststyle_fastai.strokes import drawing, paths, relief
from faststyle_fastai.strokes.brushwork import stroke_shape

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
    paintings = [*painting_frames(painted, n=2, relief=0)]
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
    drawn = pixels(draw_strokes(found, relief=0).convert("L"))
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


def test_paint_in_relief_is_lit_from_the_upper_left(painted):
    flat, lit = (pixels(draw_strokes(painted, 384, relief=relief)) for relief in (0, 1))
    rise_y, rise_x = np.gradient(pixels(draw_heights(painted, 384)))
    facing = rise_x + 1.2 * rise_y  # toward the light, or away from it
    gain = (lit - flat).mean(-1)
    slopes = np.abs(facing) > 2
    assert slopes.sum() > 1000
    assert np.corrcoef(facing[slopes], gain[slopes])[0, 1] > 0.6
    assert np.abs(gain.mean()) < 10 and far(draw_strokes(painted, 384), flat) > 1


def test_a_canvas_shows_where_paint_is_flat():
    plain = paint_strokes(Image.new("RGB", (260, 200), "teal"), brush=0.2, layers=1)
    flat, woven = (draw_strokes(plain, 1040, 0, canvas) for canvas in (0, 1))
    assert pixels(woven)[..., 1].std() > 2 * pixels(flat)[..., 1].std()
    with pytest.raises(ValueError, match="canvas"):
        draw_strokes(plain, canvas=2)


def stripes(px):
    "A painting of wavy strokes, so many px wide."
    y, x = np.mgrid[:300, :400]
    wave = np.sin(np.pi * (y + 8 * np.sin(x / 40)) / px) * 100
    return Image.fromarray((128 + wave).astype(np.uint8)).convert("RGB")


def test_strokes_are_as_wide_as_those_of_a_painting(photo):
    narrow, wide = (paint_strokes(photo, layers=1, like=stripes(px)) for px in (3, 12))
    usual, plain = (
        paint_strokes(photo, layers=1, like=like) for like in (None, Image.new("L", (9, 9)))
    )
    assert narrow.brushes[0].width < 0.9 * usual.brushes[0].width
    assert wide.brushes[0].width > 1.4 * usual.brushes[0].width
    assert plain.brushes[0].width == usual.brushes[0].width
    own = paint_strokes(photo, brush=0.1, layers=1, like=stripes(3))
    assert own.brushes[0].width == pytest.approx(2 * usual.brushes[0].width)


def test_strokes_bend_as_those_of_a_painting(photo):
    y, x = np.mgrid[:300, :300]
    turning = np.sin(x / 5) * np.sin(y / 5) * 100 + 128
    curls = Image.fromarray(turning.astype(np.uint8)).convert("RGB")
    straight, bent = (stroke_shape(painting) for painting in (stripes(6), curls))
    assert straight.bend < 0 < bent.bend
    lines = [
        paint_strokes(photo, 0.05, 1, like=like).brushes[0].points for like in (stripes(6), curls)
    ]
    turns = [np.mean([turned(line) for line in each]) for each in lines]
    assert turns[0] < turns[1]


def turned(line):
    "The mean angle between the steps of a stroke."
    steps = np.diff(line, axis=0)
    steps = steps / np.linalg.norm(steps, axis=1, keepdims=True)
    return np.arccos((steps[1:] * steps[:-1]).sum(1).clip(-1, 1)).mean()


def test_pictures_are_painted_with_strokes(photo):
    paint = Stylizer("tiny:udnie")
    smooth, painted = (paint(photo, strokes=strokes) for strokes in (False, True))
    again = draw_strokes(paint_strokes(smooth, like=paint.painting_of("udnie")))
    assert painted.tobytes() == again.tobytes() and far(painted, smooth) > 3
    see_through = Image.open(photo).convert("RGBA")
    see_through.putalpha(Image.linear_gradient("L").resize(see_through.size))
    kept = paint(see_through, strokes=True)
    assert kept.getchannel("A").tobytes() == see_through.getchannel("A").tobytes()
    half = Image.new("L", smooth.size)
    half.paste(255, (0, 0, 48, 72))
    masked = pixels(paint(photo, strokes=True, mask=half, tensor=False))
    assert (masked[:, :48] == pixels(painted)[:, :48]).all()
    assert (masked[:, 48:] == pixels(Image.open(photo))[:, 48:]).all()


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


@pytest.mark.parametrize("size", [(1, 1), (300, 1), (1, 300), (2049, 513)])
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


def test_browsers_paint_by_the_same_numbers():
    said = (BROWSER / "strokes.js").read_text()
    for where, names in {
        paths: "SIDE FINEST WIDTH LAYERS PASSES STEP LONGEST TURN INERTIA SAME NEAR FIRST",
        drawing: "HAIRS GROUND THICK UNEVEN",
        relief: "SHINE",
    }.items():
        for name in names.split():
            found = re.search(rf"[ ,]{name} = ([-.\d]+)", said)
            assert found and float(found[1]) == getattr(where, name), name
    assert f"STEEP = {relief.STEEP} * {drawing.RELIEF}" in said
