"Subtitles in files of other types: converted where they can be, and never at the film's cost."

import re
from fractions import Fraction

import av
import pytest
from clips import seen

from faststyle_fastai.all import paint_video

SAID = [(0.1, 0.2, "One it"), (0.5, 0.2, "Two é")]
# ending -> codec of its subtitles
KINDS = {".mp4": "mov_text", ".webm": "webvtt", ".mkv": "srt"}


def subtitled(film, path, codec, texts=((1, "One <i>it</i>"), (5, "Two é"))):
    "The film, with subtitles in `codec`; each begins at a tenth of a second and lasts for two."
    lines = path.with_suffix(".srt")
    time = "00:00:00,{}00 --> 00:00:00,{}00"
    cues = [f"{i}\n{time.format(at, at + 2)}\n{t}\n" for i, (at, t) in enumerate(texts)]
    lines.write_text("\n".join(cues))
    with av.open(str(film)) as moving, av.open(str(lines)) as texts, av.open(str(path), "w") as out:
        video = out.add_stream("libvpx-vp9" if path.suffix == ".webm" else "libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        written, source = out.add_stream(codec), texts.streams.subtitles[0]
        source.codec_context.open(strict=False)
        written.codec_context.subtitle_header = source.codec_context.subtitle_header
        for packet in texts.demux(source):
            if packet.dts is not None:
                text = written.codec_context.encode_subtitle(source.codec_context.decode2(packet))
                text.pts = text.dts = packet.pts
                text.duration, text.time_base, text.stream = (
                    packet.duration,
                    packet.time_base,
                    written,
                )
                out.mux(text)
        for i, frame in enumerate(moving.decode(video=0)):
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(video.encode(frame))
        out.mux(video.encode())
    return path


def subtitles(path):
    "When each is shown, for how long, and its plain text."
    found = []
    with av.open(str(path)) as film:
        stream = film.streams.subtitles[0]
        for packet in film.demux(stream):
            shown = stream.codec_context.decode2(packet) if packet.size else None
            text = b" ".join(one.ass.split(b",", 8)[-1] for one in shown or ()).decode()
            if text:
                at, length = packet.pts * packet.time_base, packet.duration * packet.time_base
                found.append((round(float(at), 2), round(float(length), 2), text))
        return stream.codec_context.name, found


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize(
    "codec, kind",
    [("mov_text", ".mp4"), ("subrip", ".mkv"), ("webvtt", ".webm"), ("webvtt", ".mkv"),
     ("ass", ".mkv")],
)  # fmt: skip
def test_subtitles_become_what_the_file_holds(paint, film, tmp_path, codec, kind, suffix, recwarn):
    source = subtitled(film, tmp_path / f"in{kind}", codec)
    out = paint_video(paint, source, tmp_path / f"out{suffix}")
    name, found = subtitles(out)
    assert [(at, length, re.sub(r"\{.*?\}|</?i>", "", text)) for at, length, text in found] == SAID
    copied = suffix == ".mkv" and codec != "mov_text"
    assert name == (codec.replace("subrip", "srt") if copied else KINDS[suffix]) or codec == "ass"
    said = [str(one.message) for one in recwarn if "subtitles" in str(one.message)]
    changes = not copied and KINDS[suffix] != codec
    assert len(said) == changes and all("They become" in line for line in said)
    assert len(seen(out)) == len(seen(source))


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_subtitles_at_the_same_time_and_after_an_empty_one(paint, film, tmp_path, suffix):
    texts = (1, "One"), (1, "Sign"), (3, r"{\pos(3,4)}"), (5, "Two é")
    source = subtitled(film, tmp_path / "in.mkv", "ass", texts)
    _, found = subtitles(paint_video(paint, source, tmp_path / f"out{suffix}"))
    shown = [(at, text) for at, _, text in found if "pos" not in text]
    assert shown == [(0.1, "One"), (0.1, "Sign"), (0.5, "Two é")]


@pytest.mark.parametrize("codec, kind", [("mov_text", ".mp4"), ("subrip", ".mkv")])
def test_a_part_keeps_the_subtitles_of_its_time(paint, film, tmp_path, codec, kind):
    source = subtitled(film, tmp_path / f"in{kind}", codec)
    _, found = subtitles(paint_video(paint, source, tmp_path / "out.mkv", start=0.4))
    assert [(at, text) for at, _, text in found] == [(0.1, "Two é")]


@pytest.mark.parametrize("kind", [".avi", ".ts"])
def test_what_no_subtitles_fit_in_says_so_in_one_line(paint, film, tmp_path, kind, recwarn):
    out = paint_video(paint, subtitled(film, tmp_path / "in.mkv", "ass"), tmp_path / f"out{kind}")
    said = [str(one.message) for one in recwarn if "subtitles" in str(one.message)]
    assert len(said) == 1 and "the ssa subtitles, which are lost. Use .mkv" in said[0]
    assert len(seen(out)) == len(seen(film))


def test_damaged_subtitles_cost_only_themselves(paint, film, tmp_path):
    source = subtitled(film, tmp_path / "in.mp4", "mov_text")
    data = source.read_bytes()
    assert data.count(b"\x00\x06One it") == 1
    source.write_bytes(data.replace(b"\x00\x06One it", b"\xff\xffOne it"))
    out = paint_video(paint, source, tmp_path / "out.mkv")
    assert [text for *_, text in subtitles(out)[1]][-1:] == ["Two é"]
    assert len(seen(out)) == len(seen(source))
