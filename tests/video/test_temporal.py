import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from clips import encode, moving, seen
from PIL import Image

from faststyle_fastai.all import PaintOptions, Stylizer, paint_video, style_thumbnail
from faststyle_fastai.video.frame_painter import FramePainter
from faststyle_fastai.video.reader import VideoFrame
from faststyle_fastai.video.temporal import FlowBlender, SmoothedStatistics


def test_what_enters_does_not_recolor_the_rest(paint):
    x = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 32), (64, 256), mode="bicubic")
    x = x.clamp(0, 1)
    entered = x.clone()
    entered[..., 128:] = 0.9  # on the right, outside the receptive field of the left part
    net = paint.network([None])
    with torch.inference_mode():
        alone = [net(y)[..., :64] for y in (x, entered)]
        slow = SmoothedStatistics(net)
        slow.is_cut = lambda x: False
        steady = []
        for y in (x, entered):
            slow.next_frame(y, 0.04)
            steady.append(net(y)[..., :64])
    change, held = ((a - b).abs().mean() for a, b in (alone, steady))
    assert held < 0.3 * change
    assert torch.allclose(alone[0], steady[0], atol=1e-4)


def test_another_scene_begins_anew(paint):
    slow = SmoothedStatistics(paint.network([None]))
    assert not slow.is_cut(torch.zeros(1, 3, 32, 32))
    assert slow.is_cut(torch.ones(1, 3, 32, 32))
    assert not slow.is_cut(torch.full((1, 3, 32, 32), 0.95))


def test_strokes_move_along():
    rng = np.random.default_rng(0)
    scene = np.asarray(
        Image.fromarray(rng.integers(0, 255, (16, 24, 3), np.uint8)).resize((160, 96))
    )
    photos = [scene[:, i : i + 128] for i in range(0, 12, 3)]  # a pan
    noisy = [(p / 255 + rng.normal(0, 0.1, p.shape)).astype(np.float32) for p in photos]
    along = FlowBlender(0.8)
    steady = [
        along(photo, picture) for photo, picture in zip(map(np.ascontiguousarray, photos), noisy)
    ]

    assert flicker(steady) < 0.5 * flicker(noisy)
    assert (
        np.abs(steady[-1] - photos[-1] / 255).mean() < np.abs(noisy[-1] - photos[-1] / 255).mean()
    )


@pytest.mark.slow
def test_places_of_a_painting_move_with_the_film(photos):
    scene = np.asarray(Image.open(photos / "china" / "0.jpg").convert("RGB").resize((220, 128)))
    frames = [np.ascontiguousarray(scene[:, i : i + 176]) for i in range(0, 15, 3)]  # a pan
    paint = Stylizer(style_thumbnail("starry_night"), "cpu", "float32", arch="slim")
    options = PaintOptions(faces="painted")
    film, alone = FramePainter(paint, options, painterly=True), FramePainter(paint, options)
    alone.painters = [paint.sight_painter()]  # each frame by itself
    along, one_by_one = (
        [
            each(VideoFrame(frame, Fraction(i, 25), Fraction(1, 25))).picture / 255
            for i, frame in enumerate(frames)
        ]
        for each in (film, alone)
    )
    assert flicker(along) < 0.4 * flicker(one_by_one)
    away = np.abs(along[-1] - one_by_one[-1]).mean()
    assert away < 0.5 * np.abs(along[-1] - frames[-1] / 255).mean()


def test_a_painting_may_be_an_image(photos, film, tmp_path):
    image = Image.open(photos / "china" / "0.jpg").resize((160, 144))
    how = {"painterly": True, "painting": image, "end": 0.1, "size": 48}
    assert paint_video(Stylizer("tiny:udnie", "cpu"), film, tmp_path / "out.mp4", **how).is_file()


def test_a_tiny_painterly_film():
    paint = Stylizer(style_thumbnail("starry_night"), "cpu", "float32", arch="slim")
    film = FramePainter(paint, PaintOptions(faces="painted"), painterly=True)
    frames = np.random.default_rng(0).integers(0, 255, (2, 6, 10, 3), np.uint8)
    for i, frame in enumerate(frames):
        assert film(VideoFrame(frame, Fraction(i, 25), Fraction(1, 25))).picture.shape == (6, 10, 3)


def test_a_painter_remembers_frames_only_where_they_show():
    paint = Stylizer("tiny:udnie", "cpu")

    def memory(smooth=False, **how):
        return FramePainter(paint, PaintOptions(**how), smooth=smooth).memory((300, 400))

    tiles, person = {"tile": 128}, {"area": "person"}
    assert memory() == memory(**person) == 12 and memory(**tiles) == memory(**tiles, **person) == 0
    assert memory(True, **tiles) == 1 and memory(True, **tiles, **person) == 12
    assert memory(True, **tiles, **person, black="the_scream") == 1


def flicker(pictures):
    "Of a pan by 3 px a frame."
    pairs = zip(pictures, pictures[1:])
    return math.sqrt(np.mean([((b[:, :-3] - a[:, 3:]) ** 2).mean() for a, b in pairs]))


def test_a_name_is_enough(film, tmp_path):
    assert paint_video("tiny:udnie", film, tmp_path / "out.mp4", end=0.1).exists()


def test_smoothing_calms_the_strokes(paint, tmp_path):
    rng, still = np.random.default_rng(0), next(iter(moving(1))).astype(float)
    noisy = [np.uint8((still + rng.normal(0, 4, still.shape)).clip(0, 255)) for _ in range(8)]
    unsteady = []
    for smooth in (False, True):
        video = encode(tmp_path / "in.mkv", noisy, options={"crf": "1"})
        out = paint_video(paint, video, tmp_path / f"{smooth}.mp4", smooth=smooth, crf=1)
        frames = [np.float32(frame.picture) for frame in seen(out)]
        unsteady.append(np.abs(np.diff(frames, axis=0)).mean())
    assert unsteady[1] < 0.9 * unsteady[0]
