"Frames of several shapes, rates of animations, and clocks that begin anew."

from fractions import Fraction
from types import SimpleNamespace

import av
import pytest
from clips import encode, moving
from PIL import ExifTags, Image

from faststyle_fastai.inference.options import PaintOptions
from faststyle_fastai.video.frame_painter import FramePainter
from faststyle_fastai.video.image_writers import Animation
from faststyle_fastai.video.reader import VideoFrame, open_video
from faststyle_fastai.video.stylize import paint_video
from faststyle_fastai.video.tracks import add_tracks, track_packets
from faststyle_fastai.video.writer import video_writer


@pytest.mark.parametrize("out", ["show.mp4", "show.gif"])
def test_photos_that_lie_on_their_side_get_bars(paint, tmp_path, out):
    for i, turn in enumerate((1, 6, 1)):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = turn
        Image.fromarray(next(moving(1))).save(tmp_path / f"{i}.jpg", exif=exif)
    with pytest.warns(UserWarning, match="differ in shape and get bars"):
        paint_video(paint, tmp_path / "%d.jpg", tmp_path / out, strength=0.0, fps=1 / 6)
    with open_video(tmp_path / out) as film:  # each photo has a part of its own
        shapes = [frame.picture.shape[:2] for frame in film.frames()]
    assert set(shapes) == {(48, 64)} and len(shapes) >= 3


def test_fast_animations_keep_their_rate(tmp_path):
    film = Animation(tmp_path / "fast.webp")
    for i, picture in enumerate(moving(12)):
        film.add(VideoFrame(picture, Fraction(i, 60), Fraction(1, 60)))
    assert sum(film.delays) == 200 and min(film.delays) > 10  # browsers slow down shorter ones


def test_sound_goes_on_where_its_clock_begins_anew(paint, tmp_path):
    part = encode(tmp_path / "part.ts", moving(25), rate=25, sound=1)
    (tmp_path / "both.ts").write_bytes(2 * part.read_bytes())
    paint_video(paint, tmp_path / "both.ts", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as film:
        ends = {s.type: float(s.duration * s.time_base) for s in film.streams}
    assert ends["audio"] == pytest.approx(ends["video"], abs=0.3) and ends["video"] > 1.8


def test_one_damaged_time_of_sound_moves_no_other(tmp_path):
    film = encode(tmp_path / "film.mkv", moving(3), sound=3)

    def sound_times(damaged):
        with av.open(str(film)) as source, av.open(str(tmp_path / "out.mkv"), "w") as joined:

            def demux(streams):
                for i, packet in enumerate(source.demux(streams)):
                    if i in damaged:
                        packet.pts = packet.dts = 0
                    yield packet

            read = SimpleNamespace(streams=source.streams, demux=demux)
            tracks = add_tracks(joined, source, {source.streams.audio[0].index: None})
            return [packet.dts for packet in track_packets(read, tracks, Fraction(0), 0, None)]

    found, whole = sound_times({80, 81}), sound_times({})
    assert found[-40:] == whole[-40:] and found == sorted(found)


def test_one_frame_of_hevc_has_its_time(tmp_path):
    film = encode(tmp_path / "one.mp4", moving(1))
    for _ in range(20):  # its encoder leaves a time undefined, which is seldom too late
        with open_video(film) as reader:
            writer = video_writer(out := tmp_path / "out.mp4", reader, {}, codec="libx265")
            writer.add(next(reader.frames()))
            writer.finish(0, None, False)
        with av.open(str(out)) as found:
            assert [packet.pts for packet in found.demux() if packet.size] == [0]


@pytest.mark.parametrize("tile", [None, 32])
def test_what_a_mask_spares_stays_the_photo_in_smooth_videos(paint, tile):
    mask = Image.new("L", (64, 48))
    mask.paste(255, (0, 0, 32, 48))
    painter = FramePainter(paint, PaintOptions(mask=mask, tile=tile), smooth=True)
    for i, picture in enumerate(moving(3)):
        shown = painter(VideoFrame(picture, Fraction(i, 25), Fraction(1, 25))).picture
        assert (shown[:, 32:] == picture[:, 32:]).all() and (shown[:, :32] != picture[:, :32]).any()
