"Videos that change their size, are damaged, rotated or interrupted."

import gc
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from fractions import Fraction

import av
import numpy as np
import pytest
from clips import NTSC, encode, frames_of, moving, seconds_of_sound, seen, times, turn
from conftest import FEW, profile
from fastai.callback.core import Callback
from PIL import ExifTags, Image

from faststyle_fastai.all import FaststyleError, Stylizer, paint_video, read_picture
from faststyle_fastai.training.runs import train
from faststyle_fastai.video.image_writers import write_frames
from faststyle_fastai.video.reader import open_video
from faststyle_fastai.video.writer import Parts, parts_folder


@pytest.fixture(scope="module")
def grows(tmp_path_factory):
    "A video of 64x48 px, then of 96x64."
    folder = tmp_path_factory.mktemp("grows")
    whole = b""
    for i, size in enumerate(((64, 48), (96, 64))):
        clip = encode(folder / f"{i}.ts", moving(12, size), range(12 * i, 12 * i + 12), rate=25)
        whole += clip.read_bytes()
    (folder / "grows.ts").write_bytes(whole)
    return folder / "grows.ts"


def test_frames_of_another_size_are_scaled_to_the_first(paint, grows, tmp_path):
    with pytest.warns(UserWarning, match="size of .*grows.ts changes. All .* to 64x48 px"):
        paint_video(paint, grows, tmp_path / "out.mp4")
    shapes = [picture.shape for _, picture in frames_of(tmp_path / "out.mp4")]
    assert set(shapes) == {(48, 64, 3)} and len(shapes) == len(seen(grows)) >= 22
    with pytest.warns(UserWarning, match="changes"):
        paint_video(paint, grows, tmp_path / "late.mp4", start=0.6)  # in the larger part
    assert {picture.shape for _, picture in frames_of(tmp_path / "late.mp4")} == {(48, 64, 3)}
    assert len(times(tmp_path / "late.mp4")) == sum(time >= 0.6 for time in times(grows))


def damaged(film, seed):
    data, draw = bytearray(film.read_bytes()), random.Random(seed)
    if seed % 3 == 0:
        return data[: draw.randrange(len(data))]
    for _ in range((1, 10, 60)[seed % 3 + seed % 2 - 1]):
        data[draw.randrange(len(data))] = draw.randrange(256)
    return data


KINDS = [("mp4", "libx264"), ("avi", "mpeg4"), ("ts", "mpeg2video")]


@pytest.mark.slow
@pytest.mark.parametrize("kind, codec", KINDS)
def test_damaged_films_leave_no_parts(paint, tmp_path, kind, codec):
    film = encode(tmp_path / f"film.{kind}", moving(12), rate=25, codec=codec)
    for seed in range(18):
        (hurt := tmp_path / f"{seed}.{kind}").write_bytes(damaged(film, seed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                paint_video(paint, hurt, out := tmp_path / f"{seed}-out.mp4")
            except (FaststyleError, ValueError) as error:
                assert "--resume" not in str(error)
        assert not parts_folder(out).exists()


def test_what_the_encoder_refuses_cannot_be_resumed(paint, film, tmp_path, monkeypatch):
    def refuse(self, frame):
        raise av.error.ArgumentError(22, "Invalid argument")

    monkeypatch.setattr(Parts, "add", refuse)
    with pytest.raises(FaststyleError, match="cannot be written") as told:
        paint_video(paint, film, tmp_path / "out.mp4")
    assert "--resume" not in str(told.value) and list(tmp_path.iterdir()) == []


def test_a_rotated_film_is_painted_upright(paint, tmp_path):
    film = encode(tmp_path / "film.mp4", moving(6))
    turn(film, (0, 1, -1, 0))  # by 90 degrees
    paint_video(paint, film, tmp_path / "out.mp4", strength=0.0)
    with av.open(str(tmp_path / "out.mp4")) as painted:
        frame = next(painted.decode(video=0))
    assert (frame.width, frame.height, frame.rotation) == (48, 64, 0)
    seen, first = frame.to_ndarray(format="rgb24"), next(moving(1)).astype(float)
    wrong, upright = (np.abs(seen - np.rot90(first, turns)).mean() for turns in (1, -1))
    assert upright < wrong / 2


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_numbered_images_have_profiles_and_lie_on_their_side(tmp_path, kind):
    photo, turned = Image.fromarray(next(moving(1))), Image.Exif()
    for i in range(1, 9):
        turned[ExifTags.Base.Orientation] = i
        photo.save(tmp_path / f"{i}.{kind}", icc_profile=profile(1 + i % 2), exif=turned)
    upright = [read_picture(tmp_path / f"{i}.{kind}") for i in range(1, 9)]
    for first in (0, 5):
        with open_video(tmp_path / f"%d.{kind}") as film:
            frames = [frame.picture for frame in film.frames(start=first / 25)]
        assert [frame.shape[:2] for frame in frames] == [im.size[::-1] for im in upright[first:]]
        off = [np.abs(a - np.asarray(b, float)).mean() for a, b in zip(frames, upright[first:])]
        assert max(off) < 6
    gc.collect()  # the process ended where PyAV had freed the profile's name twice


def test_a_short_mpg(paint, tmp_path):
    film = encode(tmp_path / "film.mp4", moving(6), rate=25)
    paint_video(paint, film, tmp_path / "short.mpg")  # H.264 in one packet, with one time
    frames = seen(paint_video(paint, tmp_path / "short.mpg", tmp_path / "out.mp4"))
    assert [frame.time for frame in frames] == [Fraction(i, 25) for i in range(6)]


def test_23_976_frames_per_second(paint, tmp_path):
    rate = NTSC * 4 / 5
    film = encode(tmp_path / "film.mp4", moving(30), rate=rate)
    paint_video(paint, film, tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4") == times(film) == [i / rate for i in range(30)]


@pytest.mark.slow
def test_a_gif_of_many_frames(paint, tmp_path):
    first, *rest = map(Image.fromarray, moving(150, (32, 24)))
    first.save("many.gif", save_all=True, append_images=rest, duration=40)
    paint_video(paint, "many.gif", tmp_path / "out.mp4")
    assert [round(time * 100) for time in times(tmp_path / "out.mp4")] == list(range(0, 600, 4))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows kills at once")
@pytest.mark.parametrize("number", [signal.SIGTERM, getattr(signal, "SIGKILL", 9)])
def test_a_killed_film(paint, number, tmp_path):
    film = encode(tmp_path / "film.mp4", moving(120), rate=6, sound=20)
    command = [sys.executable, "-m", "faststyle_fastai", "video", film, "--style"]
    running = subprocess.Popen(
        [*command, "tiny:great_wave", "-o", "out.mp4"], stderr=subprocess.PIPE, text=True
    )
    while not list(tmp_path.glob(".out.mp4.parts/*.nut")):
        time.sleep(0.05)
        assert running.poll() is None
    running.send_signal(number)
    said = running.communicate(timeout=60)[1]
    out = tmp_path / "out.mp4"
    if number == signal.SIGTERM:  # it ends as after Ctrl-C
        assert "Stopped: painted up to" in said and running.returncode == 130
        assert 25 < len(times(out)) < 120
    else:
        assert not out.exists() and running.returncode == -9
    paint_video(paint, str(film), out, paint.named, resume=True)
    assert len(times(out)) == 120 and not parts_folder(out).exists()


class Interrupting:
    "A file whose 30th packet comes together with Ctrl-C."

    def __init__(self, container):
        self.container, self.n = container, 0

    def __getattr__(self, name):
        return getattr(self.container, name)

    def mux(self, packets):
        self.n += 1
        if self.n == 30:
            os.kill(os.getpid(), signal.SIGINT)
        self.container.mux(packets)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_no_frame_is_lost_to_ctrl_c(paint, tmp_path, monkeypatch):
    film, out, opened = encode(tmp_path / "film.mp4", moving(60)), tmp_path / "out.mp4", av.open
    own = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(
                "av.open",
                lambda file, *args, **kwargs: (
                    Interrupting(opened(file, *args, **kwargs))
                    if str(file).endswith("000000.tmp")
                    else opened(file, *args, **kwargs)
                ),
            )
            with pytest.raises(FaststyleError, match="Stopped: painted up to"):
                paint_video(paint, film, out)
        assert 30 <= len(times(out)) < 60  # the encoder holds some back
        paint_video(paint, film, out, resume=True)
    finally:
        signal.signal(signal.SIGINT, own)
    assert times(out) == times(film)


class Terminate(Callback):
    def after_batch(self):
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows kills at once")
def test_a_terminated_training_is_saved(photos, painting):
    with pytest.raises(FaststyleError, match="Stopped. The network so far is in run"):
        train(photos, painting, "run", **FEW, cbs=Terminate())
    assert Stylizer("run").styles == ["waves"]


def test_interlaced_frames_have_no_combs(tmp_path):
    def fields(n):  # two fields of a bar that moves, in one frame
        for i in range(n):
            frame = np.zeros((48, 64, 3), np.uint8)
            for field in (0, 1):
                at = 4 + 4 * i + 2 * field
                frame[10 + field : 38 : 2, at : at + 12] = 230
            yield frame

    path, n = tmp_path / "in.mkv", 10
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"x264-params": "tff=1:crf=10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for picture in fields(n):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    frames = seen(path)
    assert [frame.time for frame in frames] == [Fraction(i, 25) for i in range(n)]
    assert all(frame.seconds == Fraction(1, 25) for frame in frames)
    lines = np.float32([frame.picture[14:34] for frame in frames[1:-1]]).mean(-1)
    assert np.abs(lines[:, 1:] - lines[:, :-1]).max() < 60  # a comb has 230


def test_plain_frames_that_grow_brighter(tmp_path):
    "Their features have no variance, so smoothed statistics would enlarge the change."
    frames = (np.full((48, 64, 3), 30 * i, np.uint8) for i in range(6))
    encode(tmp_path / "slates.mp4", frames)
    paint_video(Stylizer("udnie", "cpu"), tmp_path / "slates.mp4", tmp_path / "out.mp4")
    painted = [picture for _, picture in frames_of(tmp_path / "out.mp4")]
    assert len(painted) == 6 and all(10 < picture.mean() < 245 for picture in painted)


def test_images_of_a_longer_run_are_told_of(tmp_path):
    source = encode(tmp_path / "in.mp4", moving(4))
    write_frames(source, tmp_path / "out%d.png")
    with pytest.warns(UserWarning, match="still has 2 older images"):
        assert write_frames(source, tmp_path / "out%d.png", end=0.06) == 2


def test_a_cut_film_keeps_its_sound_up_to_the_cut(paint, tmp_path):
    film = encode(tmp_path / "film.mkv", moving(150), rate=25, sound=6)
    data = film.read_bytes()
    (cut := tmp_path / "cut.mkv").write_bytes(data[: len(data) // 2])
    with pytest.raises(FaststyleError, match=r"cut.mkv ends early: painted up to \d.\d of 6.0 s"):
        paint_video(paint, cut, out := tmp_path / "out.mp4", size=24)
    assert len(times(out)) > 25 and 1 < seconds_of_sound(out) < 5
