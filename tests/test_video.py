import math
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image

from faststyle_fastai.all import FaststyleError, Stylizer, paint_video
from faststyle_fastai.film import SCALER, opened_film
from faststyle_fastai.filmfile import film_writer
from faststyle_fastai.recorder import write_film
from faststyle_fastai.steady import MovedAlong, SlowStatistics

NTSC = Fraction(30000, 1001)


@pytest.fixture(scope="module")
def paint():
    return Stylizer("great_wave", "cpu")


def moving(n, size=(64, 48)):
    "A bright square that wanders over a gradient."
    for i in range(n):
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        picture[..., 0] = np.linspace(40, 200, size[0])
        picture[..., 2] = np.linspace(30, 120, size[1])[:, None]
        at = 4 + i % max(1, size[0] - 24)
        picture[10:26, at : at + 16] = 250, 220, 40
        yield picture


def encode(
    path, pictures, times=None, rate=NTSC, sound=0, codec="libx264", pix_fmt="yuv420p", **tags
):
    "A film of pictures, at times in frames, with seconds of a tone."
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        if sound:
            tone = container.add_stream("aac", rate=44_100, layout="mono")
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        for i, picture in enumerate(pictures):
            if not i:
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = pix_fmt
                stream.codec_context.time_base = 1 / Fraction(rate)
            frame = av.VideoFrame.from_ndarray(
                picture, "rgb24" if picture.dtype == np.uint8 else "rgb48le"
            )
            frame = frame.reformat(
                format=pix_fmt,
                dst_colorspace=tags.get("colorspace"),
                src_color_range=2,
                dst_color_range=tags.get("color_range"),
                interpolation=SCALER,
            )
            frame.time_base, frame.pts = 1 / Fraction(rate), i if times is None else times[i]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound:
            wave = np.sin(np.arange(int(sound * 44_100)) / 20).astype(np.float32)[None]
            piece = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
            piece.sample_rate, piece.pts, piece.time_base = 44_100, 0, Fraction(1, 44_100)
            container.mux(tone.encode(piece))
            container.mux(tone.encode())
    return path


def seen(path):
    with opened_film(path) as film:
        return list(film.frames())


def times(path):
    return [frame.time for frame in seen(path)]


def sound_of(path):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return encode(tmp_path_factory.mktemp("film") / "film.mp4", moving(24), sound=0.8)


def through(source, out, **how):
    "The film read and written, not painted."
    with opened_film(source) as film:
        writer = film_writer(out, film, {})
        for frame in film.frames():
            writer.add(frame)
        writer.finish(0, None, keep=False)
    return out


def test_a_film_is_painted_and_keeps_its_time_and_sound(paint, film, tmp_path):
    out = paint_video(paint, film, tmp_path / "out.mp4")
    assert times(out) == times(film) and times(out)[1] == 1 / NTSC
    assert sound_of(out) == sound_of(film) != []
    before, after = (frame.picture for frame in (seen(film)[3], seen(out)[3]))
    assert after.shape == before.shape == (48, 64, 3)
    alone = np.asarray(paint(Image.fromarray(before))).astype(int)
    assert np.abs(after - alone).mean() < 25 < np.abs(after - before.astype(int)).mean()
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".webm"])
def test_kinds_of_files(film, tmp_path, suffix):
    if suffix == ".webm":
        with pytest.raises(FaststyleError, match="cannot hold libvpx-vp9 and aac sound.*try .mkv"):
            through(film, tmp_path / "out.webm")
        film = encode(tmp_path / "silent.mp4", moving(5))
    out = through(film, tmp_path / f"out{suffix}")
    off = [float(a - b) for a, b in zip(times(out), times(film), strict=True)]
    assert max(map(abs, off)) < 0.001
    assert suffix == ".webm" or sound_of(out) == sound_of(film)


@pytest.mark.parametrize("matrix", [1, 6])
@pytest.mark.parametrize("luma", [1, 2])
def test_grays_come_back(tmp_path, matrix, luma):
    ramp = np.repeat(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 32, 0), 3, 2)
    tags = {"colorspace": matrix, "color_range": luma, "options": {"crf": "1"}}
    source = encode(tmp_path / "in.mkv", [ramp] * 3, **tags)
    out = through(source, tmp_path / "out.mkv")
    assert np.abs(seen(source)[1].picture - ramp.astype(int)).max() <= 2
    assert np.abs(seen(out)[1].picture - ramp.astype(int))[4:-4].mean() <= 1
    colour = np.broadcast_to(np.uint8([200, 60, 40]), (32, 64, 3))
    source = encode(tmp_path / "colour.mkv", [colour] * 3, **tags)
    out = through(source, tmp_path / "colour-out.mkv")
    assert np.abs(seen(out)[1].picture - colour.astype(int)).max() <= 5


def test_uneven_times_stay(film, tmp_path):
    uneven = [0, 1, 2, 7, 8, 20, 21]
    source = encode(tmp_path / "in.mkv", moving(7), times=uneven, rate=Fraction(25))
    assert times(through(source, tmp_path / "out.mkv")) == times(source)
    assert [round(25 * float(t)) for t in times(source)] == uneven


def test_odd_sizes_and_animated_gifs(paint, tmp_path):
    pictures = [Image.fromarray(p) for p in moving(4, (37, 29))]
    gif = tmp_path / "in.gif"
    pictures[0].save(gif, save_all=True, append_images=pictures[1:], duration=[100, 50, 200, 80])
    film = paint_video(paint, gif, tmp_path / "out.mp4")
    assert seen(film)[0].picture.shape == (30, 38, 3)
    assert [float(t) for t in times(film)] == [0, 0.1, 0.15, 0.35]
    again = Image.open(paint_video(paint, gif, tmp_path / "out.gif"))
    assert again.size == (37, 29) and again.n_frames == 4
    assert again.info["duration"] == 100


def test_sequences_of_pictures(paint, tmp_path):
    for i, picture in enumerate(moving(3), 1):
        Image.fromarray(picture).save(tmp_path / f"in{i:02}.png")
    paint_video(paint, tmp_path / "in%02d.png", tmp_path / "out/%03d.jpg")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["001.jpg", "002.jpg", "003.jpg"]
    assert len(seen(paint_video(paint, tmp_path / "in%02d.png", tmp_path / "film.mkv"))) == 3


def test_a_part_of_a_film(paint, film, tmp_path):
    out = paint_video(paint, film, tmp_path / "out.mp4", start=0.2, end=0.6, size=24)
    wanted = [t for t in times(film) if 0.2 <= t < 0.6]
    assert len(times(out)) == len(wanted)
    off = [float(a - (b - wanted[0])) for a, b in zip(times(out), wanted)]
    assert max(map(abs, off)) < 0.005
    assert seen(out)[0].picture.shape == (24, 32, 3)
    assert 0 < len(sound_of(out)) < len(sound_of(film))
    with pytest.raises(FaststyleError, match="no frame of .* lies in the time"):
        paint_video(paint, film, tmp_path / "none.mp4", start=20)


def test_an_interrupted_film_plays_and_goes_on(paint, tmp_path, monkeypatch):
    monkeypatch.setattr("faststyle_fastai.filmfile.SECONDS", 0.2)
    film, out = encode(tmp_path / "in.mp4", moving(30), sound=1), tmp_path / "out.mp4"

    def stop(reached, total):
        if reached > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(FaststyleError, match=r"stopped: painted up to 0.5 of 1.0 s, --resume"):
        paint_video(paint, film, out, watch=stop)
    part = times(out)
    assert 10 < len(part) < 30 and part == times(film)[: len(part)]
    with pytest.raises(FaststyleError, match="other settings"):
        paint_video(paint, film, out, strength=0.5, resume=True)
    painted = []
    paint_video(paint, film, out, resume=True, watch=lambda *at: painted.append(at))
    assert times(out) == times(film) and sound_of(out) == sound_of(film)
    assert 0 < len(painted) < 25 and not list(tmp_path.glob(".*"))


def test_films_that_are_none(paint, film, tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no film")
    for name in ("empty.mp4", "text.mp4"):
        with pytest.raises(ValueError, match=f"{name} cannot be read as a film"):
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
    with pytest.raises(ValueError, match="holds no pictures, only sound"):
        paint_video(paint, tmp_path / "sound.m4a", tmp_path / "out.mp4")
    with pytest.raises(FileNotFoundError, match="no film"):
        paint_video(paint, tmp_path / "none.mp4", tmp_path / "out.mp4")
    with pytest.raises(ValueError, match="no kind of film"):
        paint_video(paint, film, tmp_path / "out.txt")
    with pytest.raises(ValueError, match="no codec h999"):
        paint_video(paint, film, tmp_path / "out.mp4", codec="h999")
    with pytest.raises(FaststyleError, match="written over itself"):
        paint_video(paint, film, film)
    assert not list(tmp_path.glob("out*")) and not list(tmp_path.glob(".*"))


def test_a_cut_film_is_painted_as_far_as_it_goes(paint, tmp_path):
    whole = encode(tmp_path / "whole.mkv", moving(60))
    data = whole.read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) // 2])
    with pytest.raises(FaststyleError, match=r"cut.mkv .*: painted up to \d.\d of 2.0 s"):
        paint_video(paint, tmp_path / "cut.mkv", tmp_path / "out.mp4", size=24)
    assert 5 < len(times(tmp_path / "out.mp4")) < 60


def test_nothing_is_lost_unasked(faststyle, paint, film, tmp_path):
    (tmp_path / "frames").mkdir()
    for i, picture in enumerate(moving(2), 1):
        Image.fromarray(picture).save(tmp_path / f"frames/{i}.png")
    frames = str(tmp_path / "frames/%d.png")
    with pytest.raises(FaststyleError, match="written over itself"):
        paint_video(paint, frames, frames)
    said = faststyle("video", film, "--style", "udnie", "-o", frames)
    assert said.returncode == 1 and "1.png exists: --force" in said.stderr
    (tmp_path / ".out.mp4.parts").mkdir()
    said = faststyle("video", film, "--style", "udnie", "-o", tmp_path / "out.mp4")
    assert said.returncode == 1 and "was interrupted: --resume goes on" in said.stderr
    for out in ("none.gif", "none%d.png"):
        with pytest.raises(FaststyleError, match="no frame of"):
            paint_video(paint, film, tmp_path / out, start=20)


def test_one_frame_and_high_dynamic_range(paint, tmp_path):
    one = encode(tmp_path / "one.mp4", moving(1))
    assert len(times(paint_video(paint, one, tmp_path / "one-out.mp4"))) == 1
    gray = np.full((48, 64, 3), 0.58 * 65535, np.uint16)  # PQ: 203 cd/m², paper white
    tags = {"color_trc": 16, "color_primaries": 9, "colorspace": 9, "color_range": 1}
    hdr = encode(tmp_path / "hdr.mkv", [gray] * 3, pix_fmt="yuv420p10le", codec="libx265", **tags)
    with pytest.warns(UserWarning, match="high dynamic range"):
        picture = seen(hdr)[0].picture
    assert picture.dtype == np.uint8 and 170 < picture.mean() < 235


def test_what_enters_does_not_recolour_the_rest(paint):
    x = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 32), (64, 256), mode="bicubic")
    x = x.clamp(0, 1)
    entered = x.clone()
    entered[..., 128:] = 0.9  # on the right, further from the left than strokes reach
    net = paint.network([None])
    with torch.inference_mode():
        alone = [net(y)[..., :64] for y in (x, entered)]
        slow = SlowStatistics(net)
        slow.is_cut = lambda x: False
        steady = [slow(y, 0.04)[..., :64] for y in (x, entered)]
    change, held = ((a - b).abs().mean() for a, b in (alone, steady))
    assert held < 0.3 * change
    assert torch.allclose(alone[0], steady[0], atol=1e-4)


def test_another_scene_begins_anew(paint):
    slow = SlowStatistics(paint.network([None]))
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
    along = MovedAlong()
    steady = [
        along(photo, picture) for photo, picture in zip(map(np.ascontiguousarray, photos), noisy)
    ]

    def flicker(pictures):
        pairs = zip(pictures, pictures[1:])
        return math.sqrt(np.mean([((b[:, :-3] - a[:, 3:]) ** 2).mean() for a, b in pairs]))

    assert flicker(steady) < 0.5 * flicker(noisy)
    assert (
        np.abs(steady[-1] - photos[-1] / 255).mean() < np.abs(noisy[-1] - photos[-1] / 255).mean()
    )


def test_command_line(faststyle, film, tmp_path):
    said = faststyle("video", film, "--style", "udnie", "-o", "out.mkv", "--end", 0.3, "--smooth")
    assert said.returncode == 0 and said.stdout == "out.mkv\n", said.stderr
    again = faststyle("video", film, "--style", "udnie", "-o", "out.mkv")
    assert again.returncode == 1 and "--force" in again.stderr and again.stderr.count("\n") == 1


def test_a_full_disk_loses_nothing(faststyle, film, tmp_path):
    import resource

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # bytes of a file

    command = "video", film, "--style", "light:great_wave", "-o", tmp_path / "out.mp4"
    said = faststyle(*command, preexec_fn=little_room)
    assert said.returncode == 1 and not (tmp_path / "out.mp4").exists()
    (line,) = said.stderr.splitlines()[-1:]
    assert "out.mp4 cannot be written" in line and "--resume goes on" in line
    said = faststyle(*command, "--resume")
    assert said.returncode == 0, said.stderr
    assert times(tmp_path / "out.mp4") == times(film)


def test_a_training_becomes_a_film(tmp_path):
    path = write_film(
        [Image.fromarray(picture) for picture in moving(5, (65, 48))], tmp_path / "a.mp4"
    )
    assert times(path) == [Fraction(i, 5) for i in range(5)]
    assert seen(path)[0].picture.shape == (48, 64, 3)


def frames_of(path):
    with av.open(str(path)) as container:
        return [(float(f.time), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


def test_as_many_frames_a_second_as_asked(paint, tmp_path):
    source = tmp_path / "in.mp4"
    encode(source, moving(20), rate=10)
    for fps, count in ((5, 10), (20, 40), (12.5, 25)):
        out = paint_video(paint, source, tmp_path / f"{fps}.mp4", fps=fps)
        times = [time for time, _ in frames_of(out)]
        assert len(times) == count and np.allclose(np.diff(times), 1 / fps, atol=1e-3)
    seen = []
    for start in (0, 0.16):  # as a resume begins
        with opened_film(source, 25) as film:
            seen.append(list(film.frames(start)))
    whole, late = seen[0][4:], seen[1]
    assert [f.time for f in whole] == [f.time for f in late]
    assert all(np.array_equal(a.picture, b.picture) for a, b in zip(whole, late))
    cut = paint_video(paint, source, tmp_path / "cut.mp4", fps=5, start=1, end=1.5)
    assert len(frames_of(cut)) == 3


def test_quality_is_chosen(paint, tmp_path):
    source = tmp_path / "in.mp4"
    encode(source, moving(6, (160, 120)), rate=10)
    sizes = [
        paint_video(paint, source, tmp_path / f"{crf}.mp4", crf=crf).stat().st_size
        for crf in (10, None, 40)
    ]
    assert sizes[0] > sizes[1] > sizes[2]
    with pytest.raises(ValueError, match="mpeg4 knows no crf"):
        paint_video(paint, source, tmp_path / "x.mp4", crf=20, codec="mpeg4")
    with pytest.raises(ValueError, match="x.gif knows no crf"):
        paint_video(paint, source, tmp_path / "x.gif", crf=20)


def test_masks_mixes_and_tiles_of_films(paint, tmp_path):
    source, mask = tmp_path / "in.mp4", Image.new("L", (64, 48))
    mask.paste(255, (0, 0, 32, 48))
    encode(source, moving(2), rate=10)
    with opened_film(source) as film:
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
