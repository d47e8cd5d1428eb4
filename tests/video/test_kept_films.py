"Films like those of public bug reports: all that is painted is kept, and what is beside it."

from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
from clips import encode, frames_of, length_of, moving, remuxed, seconds_of_sound, seen, times, turn
from PIL import Image

from faststyle_fastai.all import FaststyleError, paint_video
from faststyle_fastai.core.locks import locked
from faststyle_fastai.video.reader import moving as moving_pictures
from faststyle_fastai.video.reader import open_video
from faststyle_fastai.video.stylize import three_frames
from faststyle_fastai.video.writer import parts_folder


@pytest.fixture
def film(tmp_path):
    return encode(tmp_path / "film.mkv", moving(48), rate=24, sound=2)


LATE = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("webm", "flv")]


@pytest.mark.parametrize("kind", ["mkv", "mpg", "ts", *LATE])
def test_a_cut_film_is_painted_up_to_the_cut(paint, tmp_path, kind):
    codec = {"webm": "libvpx-vp9", "mpg": "mpeg2video", "flv": "flv1"}.get(kind, "libx264")
    film = encode(tmp_path / f"film.{kind}", moving(150), rate=25, codec=codec)
    data = film.read_bytes()
    (cut := tmp_path / f"cut.{kind}").write_bytes(data[: len(data) // 2])
    try:
        paint_video(paint, cut, out := tmp_path / "out.mp4")
    except FaststyleError as error:
        assert "ends early" in str(error)
    assert len(times(out)) >= len(times(cut)) - 1 > 25 and not parts_folder(out).exists()


def test_damaged_sound_is_left_out(paint, film, tmp_path, monkeypatch):
    from faststyle_fastai.video import writer

    def damaged(*args):
        for i, packet in enumerate(packets(*args)):
            if i in (9, 10):
                packet.dts = -(10**9)
                packet.pts = 0
            yield packet

    packets = writer.track_packets
    monkeypatch.setattr(writer, "track_packets", damaged)
    with pytest.warns(UserWarning, match="lacks 2 of the pieces of sound"):
        paint_video(paint, film, out := tmp_path / "out.mp4")
    assert len(times(out)) == 48 and seconds_of_sound(out) > 1.8


@pytest.mark.slow
def test_what_cannot_be_joined_costs_no_pictures(paint, film, tmp_path, monkeypatch):
    from faststyle_fastai.video import writer

    def refuse(*_):
        raise av.error.ArgumentError(22, "Invalid argument")

    monkeypatch.setattr(writer, "track_packets", lambda _, tracks, *__: refuse() if tracks else [])
    with pytest.warns(UserWarning, match="no sound or subtitles"):
        paint_video(paint, film, out := tmp_path / "out.mp4")
    assert len(times(out)) == 48
    monkeypatch.setattr(writer, "add_tracks", refuse)
    with pytest.raises(FaststyleError, match="Continue with --resume"):
        paint_video(paint, film, out := tmp_path / "other.mp4")
    monkeypatch.undo()
    painted = []
    paint_video(paint, film, out, resume=True, watch=lambda *at: painted.append(at))
    assert painted == [] and len(times(out)) == 48


def test_sound_beyond_the_picture_stays_up_to_the_end(paint, tmp_path):
    film = encode(tmp_path / "in.mkv", moving(30), sound=3)
    for end, seconds in ((None, 3), (10, 3), (2, 2)):
        out = paint_video(paint, film, tmp_path / "out.mkv", end=end)
        assert len(times(out)) == 30 and abs(seconds_of_sound(out) - seconds) < 0.1


def test_a_cover_is_not_the_film():
    cover, film = (
        SimpleNamespace(disposition=av.stream.Disposition(kind), codec_context=True)
        for kind in (av.stream.Disposition.attached_pic, 1)
    )
    container = SimpleNamespace(streams=SimpleNamespace(video=[cover, film]))
    assert moving_pictures(container) is film
    container.streams.video = [cover]  # of a song
    assert moving_pictures(container) is None


@pytest.mark.parametrize(
    "matrix, change",
    [
        ((-1, 0, 0, 1), lambda x: x[:, ::-1]),
        ((1, 0, 0, -1), lambda x: x[::-1]),
        ((0, 1, 1, 0), lambda x: x.transpose(1, 0, 2)),
        ((0, -1, -1, 0), lambda x: x.transpose(1, 0, 2)[::-1, ::-1]),
        ((0, 1, -1, 0), lambda x: np.rot90(x, -1)),
    ],
)
def test_mirrored_films(tmp_path, matrix, change):
    film = encode(tmp_path / "film.mp4", moving(3))
    upright = seen(film)[0].picture
    turn(film, matrix)
    assert np.array_equal(seen(film)[0].picture, change(upright))


def test_pixels_that_are_not_square(paint, tmp_path):
    film = encode(tmp_path / "film.mp4", moving(4), sample_aspect_ratio=Fraction(3, 2))
    paint_video(paint, film, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as out:
        assert out.streams.video[0].sample_aspect_ratio == Fraction(3, 2)
    paint_video(paint, film, tmp_path / "out.gif")
    paint_video(paint, film, tmp_path / "%d.png")
    assert Image.open(tmp_path / "out.gif").size == Image.open(tmp_path / "1.png").size == (96, 48)
    turn(film, (0, 1, -1, 0))
    paint_video(paint, film, tmp_path / "turned.mp4")
    with av.open(str(tmp_path / "turned.mp4")) as out:
        assert out.streams.video[0].sample_aspect_ratio == Fraction(2, 3)


@pytest.mark.parametrize("kind", ["mp4", "mkv", "webm"])
def test_the_last_picture_is_shown_as_long_as_it_was(paint, tmp_path, kind):
    pictures = [Image.fromarray(picture) for picture in moving(4)]
    pictures[0].save(
        tmp_path / "a.gif",
        save_all=True,
        append_images=pictures[1:],
        duration=[100, 100, 100, 3000],
    )
    out = paint_video(paint, tmp_path / "a.gif", tmp_path / f"out.{kind}")
    assert len(times(out)) == 4 and length_of(out) == pytest.approx(3.3, abs=0.06)
    out = paint_video(paint, tmp_path / "a.gif", tmp_path / f"part.{kind}", end=2.0)
    assert length_of(out) == pytest.approx(2.0, abs=0.06)


def test_few_pictures_and_long_sound(paint, tmp_path):
    film = encode(tmp_path / "slides.mkv", moving(2), times=(0, 2), rate=1, sound=9)
    out = paint_video(paint, film, tmp_path / "out.mkv")
    assert seconds_of_sound(out) == pytest.approx(seconds_of_sound(film), abs=0.05)


def test_the_picture_shown_at_the_start(tmp_path):
    film = encode(tmp_path / "slides.mp4", moving(3), times=(0, 3, 7), rate=1)
    with open_video(film) as reader:
        shown = [(float(f.time), float(f.seconds)) for f in reader.frames(4)]
    assert [time for time, _ in shown] == [4, 7] and shown[0][1] == 3


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_the_last_picture_stays_while_the_sound_goes_on(tmp_path, kind):
    film = encode(tmp_path / f"podcast.{kind}", moving(1), sound=3)
    with open_video(film) as reader:
        shown = [(float(f.time), float(f.seconds)) for f in reader.frames(2)]
    assert shown[0] == (2, pytest.approx(1, abs=0.1))
    with open_video(film) as reader:
        assert not list(reader.frames(4))
    assert three_frames(film, 0, None, None)


def test_numbered_images_with_a_start_gaps_and_a_rate(paint, tmp_path):
    for n, picture in zip((100, 101, 104), moving(3)):
        Image.fromarray(picture).save(tmp_path / f"{n:04}.png")
    with pytest.warns(UserWarning, match="2 numbers missing"):
        out = paint_video(paint, tmp_path / "%04d.png", tmp_path / "out.mp4", fps=30)
    assert times(out) == [0, Fraction(1, 30), Fraction(2, 30)]
    assert not list(tmp_path.glob(".*"))


def test_sound_is_left_out(paint, film, tmp_path):
    out = paint_video(paint, film, tmp_path / "silent.mp4", sound=False)
    with av.open(str(out)) as silent:
        assert not silent.streams.audio


def test_titles_and_languages_stay(paint, film, tmp_path):
    def titled(copy):
        copy.metadata["title"] = "Holiday"
        copy.streams.audio[0].metadata.update(language="fre", title="Commentaire")
        copy.streams.audio[0].disposition = av.stream.Disposition.comment

    source = remuxed(film, tmp_path / "titled.mkv", titled)
    for kind in ("mkv", "mp4"):
        with av.open(str(paint_video(paint, source, tmp_path / f"out.{kind}"))) as out:
            sound = out.streams.audio[0]
            assert out.metadata["title"] == "Holiday" and sound.metadata["language"] == "fre"
            assert sound.disposition & av.stream.Disposition.comment


def test_another_source_is_not_resumed(paint, film, tmp_path):
    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(FaststyleError, match="Stopped"):
        paint_video(paint, film, out := tmp_path / "out.mp4", watch=stop)
    encode(film, moving(30), rate=24)
    with pytest.raises(FaststyleError, match="other settings"):
        paint_video(paint, film, out, resume=True)


def test_one_painting_at_a_time(paint, film, tmp_path):
    with locked(tmp_path / "out.mp4", "painted"):
        with pytest.raises(FaststyleError, match="is being painted by process"):
            paint_video(paint, film, tmp_path / "out.mp4")


def test_the_size_changes_after_interlaced_pictures(paint, tmp_path):
    data = b""
    for i, size in enumerate([(64, 48), (96, 64)]):
        part = encode(
            tmp_path / f"{i}.ts", moving(12, size), range(12 * i, 12 * i + 12), rate=25,
            codec="mpeg2video", flags=av.codec.context.Flags.interlaced_dct
            | av.codec.context.Flags.interlaced_me,
        )  # fmt: skip
        data += part.read_bytes()
    (tmp_path / "film.ts").write_bytes(data)
    with pytest.warns(UserWarning, match="changes"):
        out = paint_video(paint, tmp_path / "film.ts", tmp_path / "out.mp4")
    assert len(frames_of(out)) >= 22


@pytest.mark.parametrize("kind", ["mp4", "ts"])
def test_sound_that_only_seems_to_fit_is_encoded(paint, tmp_path, kind):
    with av.open(str(tmp_path / "film.mkv"), "w") as joined:
        pictures = joined.add_stream("libx264", rate=24)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound = joined.add_stream("pcm_s16le", rate=44_100, layout="stereo")
        for picture in moving(24):
            joined.mux(pictures.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        joined.mux(pictures.encode())
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 2 * 44_100), np.int16), "s16", "stereo")
        tone.sample_rate, tone.pts = 44_100, 0
        joined.mux(sound.encode(tone))
        joined.mux(sound.encode())
    with pytest.warns(UserWarning, match="cannot hold pcm_s16le sound. It becomes AAC"):
        out = paint_video(paint, tmp_path / "film.mkv", tmp_path / f"out.{kind}")
    assert seconds_of_sound(out) == pytest.approx(1, abs=0.1)


def test_a_start_within_a_picture_of_a_coarse_clock(paint, tmp_path):
    for n, picture in enumerate(moving(4)):
        Image.fromarray(picture).save(tmp_path / f"{n}.png")
    out = paint_video(paint, tmp_path / "%d.png", tmp_path / "out.mp4", fps=5, start=0.15)
    assert len(times(out)) == 4


def test_a_rate_of_its_own_keeps_the_shape_of_pixels(paint, tmp_path):
    film = encode(tmp_path / "film.mp4", moving(24), rate=24, sample_aspect_ratio=Fraction(3, 2))
    with av.open(str(paint_video(paint, film, tmp_path / "out.mp4", fps=6))) as out:
        assert out.streams.video[0].sample_aspect_ratio == Fraction(3, 2)
