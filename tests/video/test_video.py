import os
import shutil

import av
import numpy as np
import pytest
import torch
from clips import NTSC, encode, frames_of, moving, seen, sound_of, stop_at, times
from conftest import fails, full_disk
from PIL import Image

from faststyle_fastai.all import FaststyleError, Stylizer, paint_video, read_picture
from faststyle_fastai.images.formats import is_numbered
from faststyle_fastai.images.named_colors import PRIMARIES, NamedColors, to_srgb
from faststyle_fastai.video.codecs import write_video
from faststyle_fastai.video.reader import open_video


def test_a_film_is_painted_and_keeps_its_time_and_sound(paint, film, tmp_path):
    out = paint_video(paint, film, tmp_path / "out.mp4")
    assert times(out) == times(film) and times(out)[1] == 1 / NTSC
    assert sound_of(out) == sound_of(film) != []
    before, after = (frame.picture for frame in (seen(film)[3], seen(out)[3]))
    assert after.shape == before.shape == (48, 64, 3)
    alone = np.asarray(paint(Image.fromarray(before))).astype(int)
    assert np.abs(after - alone).mean() < 25 < np.abs(after - before.astype(int)).mean()
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_a_part_of_a_film(paint, film, tmp_path):
    out = paint_video(paint, film, tmp_path / "out.mp4", start=0.2, end=0.6, size=24)
    wanted = [t for t in times(film) if 0.2 <= t < 0.6]
    assert len(times(out)) == len(wanted)
    off = [float(a - (b - wanted[0])) for a, b in zip(times(out), wanted)]
    assert max(map(abs, off)) < 0.005
    assert seen(out)[0].picture.shape == (24, 32, 3)
    assert 0 < len(sound_of(out)) < len(sound_of(film))
    with pytest.raises(FaststyleError, match="has no frames in the requested time"):
        paint_video(paint, film, tmp_path / "none.mp4", end=0.0)
    with pytest.raises(FaststyleError, match="has no frames in the requested time"):
        paint_video(paint, film, tmp_path / "none.mp4", start=20)


def no_memory(*_):
    raise torch.OutOfMemoryError("CUDA out of memory")


def interrupted(*_):
    raise KeyboardInterrupt


@pytest.mark.slow
def test_a_film_is_painted_in_a_style_refined_on_it(painting, tmp_path, monkeypatch):
    monkeypatch.setattr("faststyle_fastai.video.writer.SECONDS", 0.2)
    film, sight = encode(tmp_path / "in.mp4", moving(12)), Stylizer(painting, "cpu", "float32")
    plain = paint_video(sight, film, tmp_path / "plain.mp4")
    whole = paint_video(sight, film, tmp_path / "whole.mp4", refine=0.01)
    assert not np.array_equal(seen(plain)[5].picture, seen(whole)[5].picture)
    cut = tmp_path / "cut.mp4"
    with pytest.raises(FaststyleError, match="Continue with --resume"):
        paint_video(sight, film, cut, refine=0.01, watch=stop_at(0.2))
    other = Stylizer("tiny:great_wave", "cpu", "float32")
    with pytest.raises(FaststyleError, match="other settings"):
        paint_video(other, film, cut, refine=0.01, resume=True)
    with monkeypatch.context() as patch:
        ends = {no_memory: "enough memory to paint .* --?resume", interrupted: "0.0 of 0.4 s. Cont"}
        for end, why in ends.items():
            patch.setattr("faststyle_fastai.video.stylize.FramePainter.__call__", end)
            with pytest.raises(FaststyleError, match=why):
                paint_video(sight, film, tmp_path / "none.mp4", refine=0.01)
            (kept,) = tmp_path.glob(".none.mp4*")
            assert (kept / "refined.safetensors").is_file()
            shutil.rmtree(kept)
    monkeypatch.setattr(Stylizer, "refined", None)  # the network of the first frames is used again
    paint_video(sight, film, cut, refine=0.01, resume=True)
    assert times(cut) == times(whole)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "cut.mp4", "in.mp4", "plain.mp4", "whole.mp4",
    ]  # fmt: skip


def test_an_interrupted_film_plays_and_goes_on(paint, tmp_path, monkeypatch):
    monkeypatch.setattr("faststyle_fastai.video.writer.SECONDS", 0.2)
    film, out = encode(tmp_path / "in.mp4", moving(30), sound=1), tmp_path / "out.mp4"
    with pytest.raises(FaststyleError, match="painted up to 0.5 of 1.0 s. Continue with --resume"):
        paint_video(paint, film, out, watch=stop_at(0.5))
    part = times(out)
    assert 10 < len(part) < 30 and part == times(film)[: len(part)]
    with pytest.raises(FaststyleError, match="other settings"):
        paint_video(paint, film, out, strength=0.5, resume=True)
    *_, last = sorted(tmp_path.glob(".out.mp4.parts/*.nut"))
    shutil.copy(last, last.with_name("999999.nut"))
    os.truncate(last.with_name("999999.nut"), 0)  # as after a power loss
    painted = []
    paint_video(paint, film, out, resume=True, watch=lambda *at: painted.append(at))
    assert times(out) == times(film) and sound_of(out) == sound_of(film)
    assert 0 < len(painted) < 25 and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("fps", [None, 29.97])
def test_a_resumed_film_ends_like_an_uninterrupted_one(paint, tmp_path, monkeypatch, fps):
    monkeypatch.setattr("faststyle_fastai.video.writer.SECONDS", 0.2)
    brighter = (picture // 4 + 6 * i for i, picture in enumerate(moving(30)))
    film, out = encode(tmp_path / "in.mp4", map(np.uint8, brighter)), tmp_path / "out.mp4"
    how = {"crf": 1, "fps": fps}
    whole = frames_of(paint_video(paint, film, tmp_path / "whole.mp4", **how))
    with pytest.raises(FaststyleError, match="Continue with --resume"):
        paint_video(paint, film, out, **how, watch=stop_at(0.5))
    with pytest.raises(FaststyleError, match="other settings"):
        paint_video(paint, film, out, **how, tile=64, resume=True)
    paint_video(paint, film, out, **how, resume=True)
    for (time, one), (same, other) in zip(whole, frames_of(out), strict=True):
        assert time == same and np.abs(one.astype(float) - other).mean() < 1


def test_films_that_are_none(paint, film, tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no film")
    for name in ("empty.mp4", "text.mp4"):
        with pytest.raises(ValueError, match=f"{name} cannot be read as a video"):
            paint_video(paint, tmp_path / name, tmp_path / "out.mp4")
    with (
        av.open(str(tmp_path / "sound.m4a"), "w", format="mp4") as container,
        av.open(str(film)) as source,
    ):
        stream = container.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    with pytest.raises(ValueError, match="contains only sound, no video"):
        paint_video(paint, tmp_path / "sound.m4a", tmp_path / "out.mp4")
    with pytest.raises(FileNotFoundError, match="Video not found"):
        paint_video(paint, tmp_path / "none.mp4", tmp_path / "out.mp4")
    with pytest.raises(FaststyleError, match="overwrite its own input"):
        paint_video(paint, film, film)
    assert not list(tmp_path.glob("out*")) and not list(tmp_path.glob(".*"))


def test_nothing_is_lost_unasked(faststyle, paint, film, tmp_path):
    (tmp_path / "frames").mkdir()
    for i, picture in enumerate(moving(2), 1):
        Image.fromarray(picture).save(tmp_path / f"frames/{i}.png")
    frames = str(tmp_path / "frames/%d.png")
    with pytest.raises(FaststyleError, match="overwrite its own input"):
        paint_video(paint, frames, frames)
    said = faststyle("video", film, "--style", "udnie", "-o", frames)
    assert said.returncode == 1 and "1.png exists: use --overwrite" in said.stderr
    (tmp_path / ".out.mp4.parts").mkdir()
    (tmp_path / ".out.mp4.parts/settings.json").touch()
    said = faststyle("video", film, "--style", "udnie", "-o", tmp_path / "out.mp4")
    assert said.returncode == 1 and "was interrupted. Continue with --resume" in said.stderr
    for out in ("none.gif", "none%d.png"):
        with pytest.raises(FaststyleError, match="has no frames in"):
            paint_video(paint, film, tmp_path / out, start=20)


def test_frames_as_they_are(faststyle, film, tmp_path):
    said = faststyle("video", film, "-o", tmp_path / "all/%03d.png")
    assert said.returncode == 0, said.stderr
    first, *others = [read_picture(file) for file in sorted((tmp_path / "all").iterdir())]
    assert len(others) == 23 and np.array_equal(first, seen(film)[0].picture)
    faststyle("video", film, "-o", tmp_path / "few/%03d.png", "--fps", "10", "--size", "24")
    few = [read_picture(file) for file in (tmp_path / "few").iterdir()]
    assert len(few) == 9 and few[0].size == (32, 24)
    fails(faststyle("video", film, "-o", "out.mp4"), 2, "Give a --style")
    fails(faststyle("video", film, "-o", "n/%d.png", "--start", "90"), 1, "no frames")


def test_command_line(faststyle, film):
    said = faststyle(
        "video", film, "--style", "udnie", "-o", "out.mkv", "--end", 0.3, "--temporal-smoothing"
    )
    assert said.returncode == 0 and said.stdout == "out.mkv\n", said.stderr
    said = faststyle("video", film, "--style", "udnie", "-o", "p.mkv", "--end", 0.1, "--painterly")
    assert said.returncode == 0 and said.stdout == "p.mkv\n" and not said.stderr.strip()
    again = faststyle("video", film, "--style", "udnie", "-o", "out.mkv")
    assert again.returncode == 1 and "--overwrite" in again.stderr and again.stderr.count("\n") == 1


def test_a_full_disk_loses_nothing(faststyle, film, tmp_path):
    command = "video", film, "--style", "slim:great_wave", "-o", tmp_path / "out.mp4"
    with full_disk(2000):
        said = faststyle(*command)
    assert said.returncode == 1 and not (tmp_path / "out.mp4").exists()
    (line,) = said.stderr.splitlines()[-1:]
    assert "out.mp4 cannot be written" in line and "Continue with --resume" in line
    said = faststyle(*command, "--resume")
    assert said.returncode == 0, said.stderr
    assert times(tmp_path / "out.mp4") == times(film)


def test_masks_mixes_and_tiles_of_films(paint, tmp_path):
    source, mask = tmp_path / "in.mp4", Image.new("L", (64, 48))
    mask.paste(255, (0, 0, 32, 48))
    encode(source, moving(2), rate=10)
    with open_video(source) as film:
        original = next(iter(film.frames())).picture.astype(int)

    def first(**how):
        style = how.pop("style", None)
        out = paint_video(paint, source, tmp_path / "%04d.png", style, **how)
        return np.asarray(Image.open(str(out) % 1))[..., :3].astype(int)

    whole, other = first(), first(style="the_scream")
    kept = first(mask=mask)
    assert np.abs(kept[:, 40:] - original[:, 40:]).max() <= 1
    assert np.array_equal(kept[:, :28], whole[:, :28])
    both = first(mask=mask, black="the_scream")
    assert np.abs(both[:, :20] - whole[:, :20]).mean() < np.abs(both[:, :20] - other[:, :20]).mean()
    assert np.abs(both[:, 44:] - other[:, 44:]).mean() < np.abs(both[:, 44:] - whole[:, 44:]).mean()
    mixed = first(style={"great_wave": 0.5, "the_scream": 0.5})
    assert 0 < np.abs(mixed - whole).mean() < np.abs(other - whole).mean()
    assert np.abs(first(tile=32) - whole).mean() < 8


def test_the_command_takes_what_stylize_takes(faststyle, tmp_path):
    encode(tmp_path / "in.mp4", moving(4), rate=10)
    Image.linear_gradient("L").resize((64, 48)).save("mask.png")
    how = (
        "--mix",
        "mondrian=.4",
        "--mask",
        "mask.png",
        "--tile",
        "none",
        "--strength",
        0.8,
    )
    how += "--fps", 5, "--crf", 30, "--precision", "float32", "--quiet"
    said = faststyle("video", "in.mp4", "--style", "great_wave", *how, "-o", "out.mp4")
    assert said.stdout == "out.mp4\n" and said.stderr == "", said.stderr
    assert len(frames_of("out.mp4")) == 2


def test_a_stop_while_a_style_is_refined_stops_it_all(painting, film, tmp_path, monkeypatch, term):
    monkeypatch.setattr("faststyle_fastai.inference.refine.steps_within", term)
    sight = Stylizer(painting, "cpu", "float32")
    with pytest.raises(KeyboardInterrupt):
        paint_video(sight, film, tmp_path / "out.mp4", refine=1)
    assert not list(tmp_path.iterdir())


def test_the_smallest_films(paint, tmp_path):
    out = paint_video(paint, encode(tmp_path / "in.mp4", moving(3, (4, 4))), tmp_path / "out.mp4")
    assert [frame.picture.shape for frame in seen(out)] == [(4, 4, 3)] * 3
    line = write_video([Image.new("RGB", (64, 1), "red")] * 2, tmp_path / "line.mp4")
    assert seen(line)[1].picture.shape == (2, 64, 3)


def test_what_only_looks_like_numbered_images():
    assert is_numbered("a/%04d.png") and not is_numbered("100%dance.mp4")


def test_wide_colors_of_a_film_become_srgb(tmp_path):
    pictures = [np.full((48, 64, 3), (200, 90, 60), np.uint8)] * 2
    plain, wide = (
        seen(encode(tmp_path / f"{n}.mp4", pictures, color_primaries=n))[0].picture[20, 20]
        for n in (1, 12)
    )
    right = to_srgb(Image.new("RGB", (1, 1), tuple(map(int, plain))), NamedColors(PRIMARIES[12]))
    assert np.array_equal(wide, right.getpixel((0, 0))) and abs(plain.astype(int) - wide).max() > 9
