"`faststyle strokes`: an image stroke by stroke."

import os
from fractions import Fraction

import pytest
from clips import times
from PIL import Image

from faststyle_fastai.all import Stylizer, draw_strokes, paint_strokes
from faststyle_fastai.video.codecs import write_video
from faststyle_fastai.video.reader import open_video

BROAD = "--brush", 0.1, "--layers", 1


@pytest.mark.parametrize("name", ["a.svg", "a.png", "a.jpg", "a.pdf"])
def test_an_image_of_strokes(faststyle, photo, name):
    said = faststyle("strokes", photo, "-o", name, *BROAD, "--size", 120)
    assert (said.returncode, said.stdout) == (0, f"{name}\n"), said.stderr
    head = open(name, "rb").read(5)
    assert head.startswith({"svg": b"<svg", "pdf": b"%PDF"}.get(name[2:], b""))
    if name in ("a.png", "a.jpg"):
        assert Image.open(name).size == (120, 90)
    elif name == "a.svg":
        assert 'width="120" height="90"' in open(name).read(200)


def test_a_video_has_the_colors_of_its_images(tmp_path):
    for height in (64, 720):
        images = [Image.new("RGB", (64, height), (200, 40, 40))] * 2
        file = write_video(images, tmp_path / "a.mp4")
        with open_video(file) as film:
            seen = next(film.frames(0, None)).picture
        assert abs(seen.astype(int) - (200, 40, 40)).max() <= 3


def test_a_video_of_the_painting(faststyle, photo):
    for name in ("a.mp4", "a.gif"):
        said = faststyle("strokes", photo, "-o", name, *BROAD, "--seconds", 1)
        assert (said.returncode, said.stdout) == (0, f"{name}\n"), said.stderr
    assert times("a.mp4") == [Fraction(i, 25) for i in range(1 + 25 + 2 * 25)]
    with Image.open("a.gif") as film:
        assert film.n_frames == 9 and film.size == (96, 72)
        film.seek(8)
        assert film.info["duration"] >= 2000


def test_a_style_is_painted_first(faststyle, photo):
    words = "--style", "tiny:udnie", "--size", 96, *BROAD
    assert faststyle("strokes", photo, "-o", "a.png", *words).returncode == 0
    assert faststyle("stylize", photo, "-o", "b.png", "--style", "tiny:udnie").returncode == 0
    found = paint_strokes("b.png", 0.1, 1, like=Stylizer("tiny:udnie").painting_of("udnie"))
    assert Image.open("a.png").tobytes() == draw_strokes(found).tobytes()


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("none.jpg", "-o", "a.svg"), 1, "none.jpg"),
        (("me.png", "-o", "me.png"), 1, "me.png exists: use --overwrite"),
        (("none.jpg", "-o", "me.png"), 1, "Image not found: none.jpg"),
        (("me.png", "-o", "a.txt"), 1, "a.txt: unsupported format '.txt'. Use .svg"),
        (("me.png", "-o", "a.svg", "--pens", "2", "--layers", "3"), 2, "--pens 2 and --layers 3"),
        (("me.png", "-o", "a.svg", "--style", "none"), 1, "Unknown style 'none'"),
        (("me.png", "-o", "a.svg", "--relief", "1"), 2, "An SVG has no relief"),
        (("me.png", "-o", "a.png", "--pens", "2", "--relief", "1"), 2, "Pens leave no relief"),
    ],
)
def test_wrong_calls(faststyle, painting, words, code, why):
    os.link(painting, "me.png")
    said = faststyle("strokes", *words)
    assert said.returncode == code and said.stdout == "" and why in said.stderr, said.stderr
    assert len(said.stderr.splitlines()) == 1 and os.listdir() == ["me.png"]


def test_heights_are_saved_beside_the_painting(faststyle, photo):
    words = "-o", "a.png", "--heights", "high.png", "--canvas", ".5", *BROAD
    said = faststyle("strokes", photo, *words)
    assert (said.returncode, said.stdout) == (0, "a.png\nhigh.png\n"), said.stderr
    assert Image.open("high.png").mode == "L"


def test_painted_with_strokes_in_one_command(faststyle, photo):
    words = "--style", "tiny:udnie", "--strokes", "-o"
    assert faststyle("stylize", photo, *words, "a.png").returncode == 0
    assert faststyle("strokes", photo, "--style", "tiny:udnie", "-o", "b.png").returncode == 0
    assert Image.open("a.png").tobytes() == Image.open("b.png").tobytes()
    assert faststyle("video", photo, *words, "a.mp4").returncode == 2  # no such option
