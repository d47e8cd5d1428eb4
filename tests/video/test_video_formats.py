import warnings
from fractions import Fraction

import av
import numpy as np
import pytest
from clips import encode, frames_of, moving, remuxed, seconds_of_sound, seen, sound_of, times
from PIL import Image, ImageSequence

from faststyle_fastai.all import FaststyleError, paint_video
from faststyle_fastai.video.image_writers import Animation, write_frames
from faststyle_fastai.video.reader import VideoFrame, open_video
from faststyle_fastai.video.writer import check_video_format, video_writer


def through(source, out, **how):
    "Read and write a video without painting it."
    with open_video(source) as film:
        writer = video_writer(out, film, {})
        for frame in film.frames():
            writer.add(frame)
        writer.finish(0, None, keep=False)
    return out


@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".webm"])
def test_kinds_of_files(film, tmp_path, suffix):
    with warnings.catch_warnings(record=True) as said:
        out = through(film, tmp_path / f"out{suffix}")
    assert ["cannot hold aac sound. It becomes Opus" in str(one.message) for one in said] == [
        True
    ] * (suffix == ".webm")
    off = [float(a - b) for a, b in zip(times(out), times(film), strict=True)]
    assert max(map(abs, off)) < 0.001
    if suffix == ".webm":
        assert seconds_of_sound(out) == pytest.approx(seconds_of_sound(film), abs=0.05)
    else:
        assert sound_of(out) == sound_of(film)


@pytest.mark.parametrize("matrix", [1, 6])
@pytest.mark.parametrize("luma", [1, 2])
def test_grays_come_back(tmp_path, matrix, luma):
    ramp = np.repeat(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 32, 0), 3, 2)
    tags = {"colorspace": matrix, "color_range": luma, "options": {"crf": "1"}}
    source = encode(tmp_path / "in.mkv", [ramp] * 3, **tags)
    out = through(source, tmp_path / "out.mkv")
    assert np.abs(seen(source)[1].picture - ramp.astype(int)).max() <= 2
    assert np.abs(seen(out)[1].picture - ramp.astype(int))[4:-4].mean() <= 1
    color = np.broadcast_to(np.uint8([200, 60, 40]), (32, 64, 3))
    source = encode(tmp_path / "color.mkv", [color] * 3, **tags)
    out = through(source, tmp_path / "color-out.mkv")
    assert np.abs(seen(out)[1].picture - color.astype(int)).max() <= 5


def test_uneven_times_stay(tmp_path):
    uneven = [0, 1, 2, 7, 8, 20, 21]
    source = encode(tmp_path / "in.mkv", moving(7), times=uneven, rate=Fraction(25))
    assert times(through(source, tmp_path / "out.mkv")) == times(source)
    assert [round(25 * float(t)) for t in times(source)] == uneven
    with Image.open(through(source, tmp_path / "out.gif")) as made:
        delays = [frame.info["duration"] for frame in ImageSequence.Iterator(made)]
    assert delays[:-1] == [40, 40, 200, 40, 480, 40]


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


def test_animated_webp(paint, tmp_path):
    first, *rest = [Image.fromarray(p) for p in moving(4, (37, 29))]
    file = tmp_path / "in.webp"
    first.save(file, save_all=True, append_images=rest, duration=[100, 50, 200, 80])
    film = paint_video(paint, file, tmp_path / "out.mp4")
    assert [float(t) for t in times(film)] == [0, 0.1, 0.15, 0.35]
    first.save(tmp_path / "still.webp")
    assert len(seen(paint_video(paint, tmp_path / "still.webp", tmp_path / "b.mp4"))) == 1


def discs():
    "A disc that grows on a clear ground, after a large one."
    y, x = np.mgrid[:40, :48]
    for radius in (22, 8, 12, 16):
        inside = (y - 20) ** 2 + (x - 24) ** 2 < radius**2
        colors = np.stack([5 * x, 6 * y, x + y, 255 * inside], -1)
        yield Image.fromarray(colors.astype(np.uint8))


def clear_parts(file):
    "The share of each frame that is transparent."
    with Image.open(file) as image:
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            yield np.mean(np.array(image.convert("RGBA"))[..., 3] < 128)


@pytest.mark.parametrize("kind", [".gif", ".webp", ".apng"])
@pytest.mark.parametrize("tile", [None, 32])
def test_transparent_animations_stay_so(paint, tmp_path, kind, tile):
    first, *rest = discs()
    file = tmp_path / f"in{kind}"
    first.save(file, save_all=True, append_images=rest, duration=100, disposal=2, lossless=True)
    expected = [np.mean(np.array(frame)[..., 3] == 0) for frame in discs()]
    assert list(clear_parts(file)) == expected
    for out in (".gif", ".webp", ".apng"):
        found = list(clear_parts(paint_video(paint, file, tmp_path / f"out{out}", tile=tile)))
        assert found == expected
    paint_video(paint, file, tmp_path / "%d.png", tile=tile)
    assert list(clear_parts(tmp_path / "3.png")) == expected[2:3]


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_a_transparent_webm_stays_so(paint, tmp_path, codec):
    file, out = tmp_path / "in.webm", tmp_path / "out.webp"
    with av.open(str(file), "w") as container:
        stream = container.add_stream(codec, rate=10, options={"auto-alt-ref": "0"})
        stream.width, stream.height, stream.pix_fmt = 48, 40, "yuva420p"
        for frame in discs():
            frame = av.VideoFrame.from_ndarray(np.array(frame), "rgba")
            container.mux(stream.encode(frame.reformat(format="yuva420p")))
        container.mux(stream.encode())
    expected = [np.mean(np.array(frame)[..., 3] == 0) for frame in discs()]
    paint_video(paint, file, out)
    np.testing.assert_allclose(list(clear_parts(out)), expected, atol=0.03)
    assert times(out) == pytest.approx([0, 0.1, 0.2, 0.3])
    paint_video(paint, file, tmp_path / "half.webp", start=0.2)
    np.testing.assert_allclose(list(clear_parts(tmp_path / "half.webp")), expected[2:], atol=0.03)


def test_gifs_keep_black_edges_and_holes_after_whole_frames(tmp_path):
    clear, whole = (Image.new("RGBA", (40, 40), "black") for _ in range(2))
    for frame, color in ((clear, "green"), (whole, "red")):
        frame.paste(color, (10, 10, 30, 30))
    clear.paste((0, 0, 0, 0), (15, 15, 25, 25))
    frames = [whole.convert("RGB"), clear, whole.convert("RGB")]
    writer = Animation(tmp_path / "out.gif")
    for i, frame in enumerate(frames):
        writer.add(VideoFrame(np.array(frame), Fraction(i, 5), Fraction(1, 5)))
    writer.finish(0, None, True)
    with Image.open(tmp_path / "out.gif") as image:
        found = [np.array(frame.convert("RGBA")) for frame in ImageSequence.Iterator(image)]
    for frame, expected in zip(found, (whole, clear, whole), strict=True):
        opacity = np.array(expected)[..., 3:]
        assert (frame[..., 3:] == opacity).all()
        assert (frame * (opacity > 0) == np.array(expected)).all()


def test_files_without_transparency_say_so(paint, tmp_path):
    first, *rest = discs()
    first.save(file := tmp_path / "in.gif", save_all=True, append_images=rest, disposal=2)
    for out in ("out.mp4", "%d.jpg"):
        with pytest.warns(UserWarning, match="cannot hold transparency, which becomes white"):
            paint_video(paint, file, tmp_path / out)
    with pytest.warns(UserWarning, match="cannot hold transparency, which becomes white"):
        write_frames(file, tmp_path / "frame%d.jpg")
    assert seen(tmp_path / "out.mp4")[1].picture[0, 0].min() > 240
    assert np.array(Image.open(tmp_path / "2.jpg"))[0, 0].min() > 240


def test_sequences_of_pictures(paint, tmp_path):
    for i, picture in enumerate(moving(3), 1):
        Image.fromarray(picture).save(tmp_path / f"in{i:02}.png")
    paint_video(paint, tmp_path / "in%02d.png", tmp_path / "out/%03d.jpg")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["001.jpg", "002.jpg", "003.jpg"]
    assert len(seen(paint_video(paint, tmp_path / "in%02d.png", tmp_path / "film.mkv"))) == 3


def test_numbered_images_stay_where_they_are(paint, tmp_path):
    for i, picture in enumerate(moving(12)):
        Image.fromarray(picture).save(tmp_path / f"{i + 5:03}.png")
    frames = tmp_path / "%03d.png"
    with pytest.raises(FaststyleError, match="its own input"):
        write_frames(frames, frames, size=16)
    with pytest.raises(FaststyleError, match="005.png exists: use --overwrite"):
        check_video_format(frames, force=False, resume=False)
    out = paint_video(paint, frames, tmp_path / "out.mp4", fps=5, start=2, refine=0.01)
    assert len(times(out)) == 2
    with pytest.raises(FaststyleError, match="no frames in the requested time range"):
        paint_video(paint, frames, tmp_path / "none.mp4", fps=5, start=100)


def test_a_gif_shows_each_image_as_long_as_browsers_do(paint, tmp_path):
    film = encode(tmp_path / "in.mp4", moving(60), rate=60)
    with Image.open(paint_video(paint, film, tmp_path / "out.gif")) as image:
        shown = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
    assert min(shown) >= 20 and sum(shown) == 1000


def test_one_frame_and_high_dynamic_range(paint, tmp_path):
    one = encode(tmp_path / "one.mp4", moving(1))
    assert len(times(paint_video(paint, one, tmp_path / "one-out.mp4"))) == 1
    gray = np.full((48, 64, 3), 0.58 * 65535, np.uint16)  # PQ: 203 cd/m², paper white
    tags = {"color_trc": 16, "color_primaries": 9, "colorspace": 9, "color_range": 1}
    hdr = encode(tmp_path / "hdr.mkv", [gray] * 3, pix_fmt="yuv420p10le", codec="libx265", **tags)
    with pytest.warns(UserWarning, match="high dynamic range"):
        picture = seen(hdr)[0].picture
    assert picture.dtype == np.uint8 and 170 < picture.mean() < 235


def test_as_many_frames_a_second_as_asked(paint, tmp_path):
    source = tmp_path / "in.mp4"
    encode(source, moving(20), rate=10)
    for fps, count in ((5, 10), (Fraction(20), 40), (12.5, 25)):
        out = paint_video(paint, source, tmp_path / f"{fps}.mp4", fps=fps)
        times = [time for time, _ in frames_of(out)]
        assert len(times) == count and np.allclose(np.diff(times), float(1 / fps), atol=1e-3)
    seen = []
    for start in (0, 0.16):  # as when resuming
        with open_video(source, 25) as film:
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
    with pytest.raises(ValueError, match="mpeg4 does not support crf"):
        paint_video(paint, source, tmp_path / "x.mp4", crf=20, codec="mpeg4")


def test_chapters_stay(paint, film, tmp_path):
    def divided(copy):
        clock = {"time_base": Fraction(1, 1000)}
        copy.set_chapters(
            [
                clock | {"id": i, "start": begins, "end": begins + 400, "metadata": {"title": name}}
                for i, (name, begins) in enumerate((("first", 0), ("second", 400)))
            ]
        )

    source = remuxed(film, tmp_path / "in.mkv", divided)

    def kept(path):
        with av.open(str(path)) as out:
            return {
                c["metadata"]["title"]: float(c["start"] * c["time_base"]) for c in out.chapters()
            }

    for kind in ("mkv", "mp4"):
        whole = paint_video(paint, source, tmp_path / f"out.{kind}")
        assert kept(whole) == {"first": 0.0, "second": 0.4}
    part = paint_video(paint, source, tmp_path / "part.mkv", start=0.42)
    assert kept(part) == {"second": 0.0}
