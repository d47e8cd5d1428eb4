"What cannot be done is said before the work, not after it."

import os
import re

import pytest
from conftest import fails
from PIL import Image

from faststyle_fastai.all import paint_bulk, paint_video, save_picture
from faststyle_fastai.images.saving import check_format, check_size
from faststyle_fastai.inference import pixel_painter
from faststyle_fastai.inference.stylizer import Stylizer
from faststyle_fastai.video import stylize

OUT, FAST = ("-o", "out.png"), ("--style", "tiny:udnie")


@pytest.fixture(autouse=True)
def here():
    Image.effect_noise((40, 32), 90).convert("RGB").save("me.png")
    open("file", "w").close()


@pytest.fixture
def idle(monkeypatch):
    "Painting, refining and optimizing are errors."

    def work(*_, **__):
        raise AssertionError("It was painted.")

    monkeypatch.setattr(Stylizer, "__call__", work)
    monkeypatch.setattr(pixel_painter.PixelPainter, "__call__", work, raising=False)
    monkeypatch.setattr(stylize, "refined", work)
    monkeypatch.setattr("faststyle_fastai.strokes.paths.paint_strokes", work)
    monkeypatch.setattr("faststyle_fastai.perceptual.evaluate.evaluate_style", work)


@pytest.mark.parametrize(
    "args",
    [
        ("stylize", "me.png", *FAST, "-o", "file/out.png"),
        ("grid", "me.png", "--style", "udnie", "--style", "edtaonisl", "-o", "file/out.png"),
        ("sheet", "me.png", "-o", "file/out.jpg"),
        ("strokes", "me.png", "-o", "file/out.svg"),
        ("evaluate", "udnie", "--photos", ".", "-o", "file/out.png"),
    ],
)
def test_where_no_file_can_be(faststyle, idle, args):
    fails(faststyle(*args), 1, f"{args[-1]} cannot be written", "is not a folder")


def test_a_bucket_that_takes_nothing(monkeypatch):
    os.mkdir("photos")
    os.rename("me.png", "photos/me.png")
    began = "faststyle_fastai.bulk.cluster._connected"
    monkeypatch.setattr(began, lambda *_: pytest.fail("It was painted."))
    with pytest.raises(OSError, match="file"):
        paint_bulk("photos", "file/painted", "tiny:udnie")


@pytest.mark.parametrize(
    ("out", "how", "words"),
    [
        ("out.xyz", {}, "unsupported video format"),
        ("out.mp4", {"codec": "nope"}, "Codec nope is not available"),
        ("out.gif", {"crf": 20}, "out.gif does not support crf"),
        ("out.gif", {"resume": True}, "out.gif does not support resume"),
    ],
)
def test_videos_that_cannot_be_encoded(idle, film, out, how, words):
    with pytest.raises(ValueError, match=words):
        paint_video(Stylizer("tiny:udnie", "cpu"), film, out, refine=600, **how)


def test_sizes_that_a_format_cannot_hold(faststyle, idle, tmp_path):
    Image.new("RGB", (16_400, 16)).save("wide.png")
    fails(
        faststyle("stylize", "wide.png", *FAST, "-o", "w.webp"), 1, "limited to 16383 px per side"
    )
    with pytest.raises(ValueError, match="limited to 16383 px per side. Use .png"):
        save_picture(Image.new("RGB", (16_400, 8)), tmp_path / "w.webp")
    check_size(tmp_path / "w.png", 99_999, 1)
    for kind in (".ico", ".icns", ".xbm", ".emf", ".txt"):
        with pytest.raises(ValueError, match="unsupported image format"):
            check_format(f"a{kind}")


def test_files_of_one_s_own_beside_a_studio(faststyle):
    os.mkdir("site")
    with open("site/sw.js", "w") as file:
        file.write("mine")
    fails(faststyle("export", "studio", "-o", "site"), 1, "sw.js exists")
    assert open("site/sw.js").read() == "mine"


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("stylize", "me.png", *FAST, "--output="), 2, "An argument is empty"),
        (("stylize", "me.png", *FAST, *FAST, *OUT), 2, "--style is given twice"),
        (("stylize", "me.png", *FAST, *OUT, "--refine", 1, "--painterly"), 2, "not both"),
        (("stylize", "me.png", *FAST, *OUT, "--save-mask", "-"), 2, "--save-mask - : only"),
        (("bulk", "photos", "-", *FAST), 2, "only stylize -o writes to a pipe"),
        (("optimize", "me.png", "me.png", "--port", 80), 2, "need --web"),
        (("optimize", "me.png", "me.png", "--resume", "--overwrite"), 2, "not both"),
        (("camera", "--camera", 1), 2, "--camera needs --virtual"),
        (("camera", "--paint", "person", "--background-style", "me.png"), 2, "needs a --style"),
        (("strokes", "me.png", *OUT, "--seconds", 3), 2, "--seconds is for videos"),
        (("strokes", "me.png", *OUT, "--pens", 3, "--relief", 1), 2, "Pens leave no relief"),
        (("evaluate", "gallery", "--photos", "."), 1, "Choose one as gallery:NAME"),
        (("web", "--precision", "nonsense"), 2, "Unknown precision"),
    ],
)
def test_options_that_do_not_go_together(faststyle, idle, args, code, words):
    said = faststyle(*args)
    fails(said, code)
    assert words in re.sub(r"[│\s]+", " ", said.stderr)


def test_many_works_and_a_folder_named_gallery(faststyle):
    os.makedirs("gallery")
    names = [f"a_painting_with_a_long_name_{i}.png" for i in range(60)]
    for name in names:
        os.link("me.png", name)
    said = faststyle("stylize", "me.png", "--style", f"many={','.join(names)}", *OUT)
    assert said.returncode == 0, said.stderr
    said = faststyle("sheet", "me.png", "-o", "sheet.jpg", "--size", 32)
    assert said.returncode == 0, said.stderr


def test_the_first_of_several_styles_in_a_mix_is_named(faststyle):
    said = faststyle("stylize", "me.png", "--style", "tiny", "--mix", "udnie=.4", *OUT)
    assert "Painting with the first: tiny:starry_night" in said.stderr
