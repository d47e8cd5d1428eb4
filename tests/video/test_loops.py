"Videos that play forward, then backward."

import numpy as np
import pytest
from clips import encode, moving, seen, stop_at, times
from conftest import fails, is_clean
from PIL import Image, ImageSequence

from faststyle_fastai.all import FaststyleError, open_video, paint_video
from faststyle_fastai.video.writer import Parts

LOOP = {"loop": "boomerang", "sound": False}


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    monkeypatch.setattr("faststyle_fastai.video.writer.SECONDS", 0.3)
    monkeypatch.setattr("faststyle_fastai.video.loops.HELD", 4 * 64 * 48)  # four frames


@pytest.fixture
def uneven(tmp_path):
    "A film whose frames are shown for 1, 1, 5, 1, 12, 1 … thirtieths of a second."
    frames = [0, 1, 2, 7, 8, *range(20, 34)]
    return encode(tmp_path / "film.mp4", moving(19), times=frames, rate=30), frames


def test_a_boomerang_comes_back(paint, uneven, tmp_path):
    film, forward = uneven
    painted = []
    out = paint_video(
        paint, film, tmp_path / "out.mp4", **LOOP, watch=lambda *at: painted.append(at)
    )
    assert len(painted) == 19  # each frame once
    ends = [*forward[1:], 34]
    back = [34 + 33 - end for end in ends[-2:0:-1]]
    assert [round(30 * float(time)) for time in times(out)] == forward + back
    there, again = np.split(np.float32([frame.picture for frame in seen(out)]), [19])
    off = [np.abs(there - frame).mean((1, 2, 3)) for frame in again]
    assert [*np.argmin(off, axis=1)] == [*range(17, 0, -1)] and np.min(off, axis=1).max() < 4
    assert is_clean(tmp_path)


def test_a_gif_comes_back_for_ever(paint, uneven, tmp_path):
    out = paint_video(paint, uneven[0], tmp_path / "out.gif", **LOOP)
    with Image.open(out) as image:
        frames = [
            (frame.info["duration"], np.asarray(frame.convert("RGB")))
            for frame in ImageSequence.Iterator(image)
        ]
        assert image.info["loop"] == 0 and len(frames) == 19 + 17
    for (shown, there), (again, back) in zip(frames[17:0:-1], frames[19:], strict=True):
        assert shown == again and np.array_equal(there, back)


@pytest.mark.slow
def test_interrupted_boomerangs_go_on(paint, tmp_path, monkeypatch):
    film, whole = encode(tmp_path / "in.mp4", moving(30)), tmp_path / "whole.mp4"
    paint_video(paint, film, whole, **LOOP)
    out = tmp_path / "out.mp4"
    with pytest.raises(FaststyleError, match="Continue with --resume"):
        paint_video(paint, film, out, **LOOP, watch=stop_at(0.5))
    assert 10 < len(times(out)) < 30  # forward only
    with pytest.raises(FaststyleError, match="other settings"):
        paint_video(paint, film, out, resume=True)
    add = Parts.add

    def full(parts, frame):
        if frame.time > 1.5:
            raise OSError(28, "No space left on device")
        add(parts, frame)

    with monkeypatch.context() as patch, pytest.raises(FaststyleError, match="No space .*--resume"):
        patch.setattr(Parts, "add", full)
        paint_video(paint, film, out, **LOOP, resume=True)
    painted = []
    paint_video(paint, film, out, **LOOP, resume=True, watch=lambda *at: painted.append(at))
    assert times(out) == times(whole) and not painted and is_clean(tmp_path)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_short_boomerangs(paint, tmp_path, n):
    film = encode(tmp_path / "in.mp4", moving(n))
    for out in ("out.mp4", "out.gif"):
        assert len(seen(paint_video(paint, film, tmp_path / out, **LOOP))) == max(n, 2 * n - 2)


def test_command_line(faststyle, film):
    call = "video", film, "--style", "tiny:udnie", "--end", 0.2, "--loop"
    said = faststyle(*call, "boomerang", "-o", "out.mkv")
    assert said.returncode == 0 and said.stderr.count("no sound, because it also plays") == 1
    with open_video("out.mkv") as found:
        assert not found.sounds and len(list(found.frames())) == 6 + 4
    fails(faststyle(*call, "spiral", "-o", "a.mp4"), 2, "--loop", "spiral", "boomerang")
    fails(faststyle(*call, "boomerang", "-o", "n/%d.png"), 2, "%d.png", "one file")
