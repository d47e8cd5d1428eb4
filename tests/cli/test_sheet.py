"`faststyle sheet`: one photo in many styles."

import pytest
from PIL import Image

from faststyle_fastai.all import Stylizer, each_style, style_sheet
from faststyle_fastai.images.sheets import labeled


def test_all_built_in_styles(faststyle, photo):
    said = faststyle("sheet", photo, "-o", "sheet.jpg", "--size", 48)
    assert said.returncode == 0 and said.stdout == "sheet.jpg\n", said.stderr
    assert Image.open("sheet.jpg").size == (4 * 48 + 3 * 8, 4 * 40 + 3 * 8)  # 15 images


def test_a_style_is_painted_as_elsewhere(photo):
    paint = Stylizer("tiny:udnie", "cpu")
    (_, whole), (name, painted) = each_style(paint, photo, 96)
    assert name == "udnie" and painted.tobytes() == paint(photo).tobytes()
    assert style_sheet([("", whole), (name, painted)]).size == (2 * 96 + 8, 72 + 9)


def test_a_label_fits():
    image = Image.new("RGB", (50, 20), "white")
    for text in ("", "a", "a long name of a painting, " * 3):
        cell = labeled(image, text).convert("L").point(lambda v: 255 - v)
        box = cell.getbbox()
        assert cell.size == (50, 25) and (box is not None) == bool(text)
        assert not text or (box[2] <= 50 and box[1] >= 20)


@pytest.mark.parametrize(
    "args, why",
    [
        (("-o", "a.txt"), "a.txt: unsupported image format '.txt'"),
        (("-o", "a.png"), "a.png exists: use --overwrite"),
        (("--style", "empty", "-o", "b.png"), "No images in empty."),
        (("--style", "none", "-o", "b.png"), "Unknown style 'none'"),
    ],
)
def test_wrong_calls(faststyle, photo, tmp_path, args, why):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.png").touch()
    said = faststyle("sheet", photo, *args)
    assert said.returncode == 1 and why in said.stderr and len(said.stderr.splitlines()) == 1
