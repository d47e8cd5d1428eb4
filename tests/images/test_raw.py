"Cameras' RAW files, made here: a DNG of the colors behind a Bayer filter."

import shutil

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from faststyle_fastai.all import read_picture
from faststyle_fastai.images import formats
from faststyle_fastai.images.discovery import find_pictures
from faststyle_fastai.images.files import image_size
from faststyle_fastai.images.metadata import read_metadata

BYTE, ASCII, SHORT, LONG, RATIONAL, SRATIONAL = 1, 2, 3, 4, 5, 10
WIDTH, HEIGHT = 96, 64


def dng(path, orientation=1, camera="Model 1", data=None):
    "A photo that is red at the left and blue at the right, gray at the top."
    colors = np.zeros((HEIGHT, WIDTH, 3))
    colors[:, :48, 0] = colors[:, 48:, 2] = colors[:16] = 0.7
    x, y = np.meshgrid(range(WIDTH), range(HEIGHT))
    neutral = np.array([0.5, 1.0, 0.7])  # what the sensor sees of white
    values = (colors * neutral)[y, x, (x % 2) + (y % 2)] * 16383
    tags = {
        256: (LONG, WIDTH), 257: (LONG, HEIGHT), 258: (SHORT, 16), 259: (SHORT, 1),
        262: (SHORT, 32803), 271: (ASCII, "Maker"), 272: (ASCII, camera), 273: (LONG, 0),
        274: (SHORT, orientation), 277: (SHORT, 1), 278: (LONG, HEIGHT),
        279: (LONG, values.size * 2), 33421: (SHORT, (2, 2)), 33422: (BYTE, b"\0\1\1\2"),
        50706: (BYTE, b"\1\4\0\0"), 50708: (ASCII, camera), 50717: (LONG, 16383),
        50721: (SRATIONAL, (0.9, -0.3, -0.1, -0.4, 1.2, 0.2, 0.0, 0.1, 0.6)),
        50728: (RATIONAL, tuple(neutral)), 50778: (SHORT, 21),
    }  # fmt: skip
    ifd = ImageFileDirectory_v2()
    for tag, (kind, value) in tags.items():
        ifd.tagtype[tag] = kind
        ifd[tag] = value
    ifd[34665] = {0x9003: "2026:01:02 03:04:05"}
    with open(path, "wb") as file:
        ifd.save(file)
        file.write(values.astype("<u2").tobytes() if data is None else data)
    return path


@pytest.fixture
def rawpy():
    return pytest.importorskip("rawpy")


def test_it_is_developed_in_the_cameras_white(rawpy):
    picture = np.asarray(read_picture(dng("a.dng")), int)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    gray, red, blue = picture[6, 48], picture[40, 20], picture[40, 76]
    assert np.ptp(gray) <= 8 and gray.min() > 180
    assert red.argmax() == 0 and red[0] - red[1:].max() > 100
    assert blue.argmax() == 2 and blue[2] - blue[:2].max() > 60


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_it_is_turned_once(rawpy, orientation):
    picture = read_picture(dng("a.dng", orientation))
    upright = (WIDTH, HEIGHT) if orientation == 3 else (HEIGHT, WIDTH)
    assert picture.size == image_size("a.dng") == upright
    turned = {3: 180, 6: -90, 8: 90}[orientation]
    assert (
        np.abs(
            np.asarray(read_picture(dng("b.dng")).rotate(turned, expand=True), int)
            - np.asarray(picture)
        ).mean()
        < 2
    )


def test_how_it_was_taken_is_kept(rawpy):
    exif = Image.Exif()
    exif.load(read_metadata(dng("a.dng", 6))["exif"])
    assert dict(exif) | {34665: 0} == {271: "Maker", 272: "Model 1", 34665: 0}
    assert exif.get_ifd(34665) == {0x9003: "2026:01:02 03:04:05"}


def test_photos_of_a_folder_are_painted(rawpy, faststyle, photo, tmp_path):
    (tmp_path / "in").mkdir()
    dng("in/a.dng", 6)
    shutil.copy(photo, "in/b.jpg")
    said = faststyle("stylize", "in", "--style", "tiny", "-o", "out")
    assert said.stdout.split() == ["out/a.dng.png", "out/b.jpg"], said.stderr
    assert Image.open("out/a.dng.png").size == (HEIGHT, WIDTH)


def test_what_is_damaged_names_its_camera(rawpy):
    for name, data in (("a.dng", b""), ("b.nef", b"II*\0" + bytes(99)), ("c.cr3", b"x")):
        dng(name, data=data) if name == "a.dng" else open(name, "wb").write(data)
        with pytest.raises(ValueError, match=f"{name} cannot be read: .* .camera: ") as error:
            read_picture(name)
        assert "Maker Model 1" in str(error.value) or name != "a.dng"


def test_without_the_extra_it_is_refused_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    formats.readable.cache_clear()
    try:
        assert find_pictures(tmp_path) == ([], [])
        with pytest.raises(ValueError, match=r"a.CR2 cannot be read: .* RAW file. .*\[raw\]"):
            read_picture(dng("a.CR2"))
        assert find_pictures(tmp_path) == ([], [])
    finally:
        formats.readable.cache_clear()


def test_its_content_says_what_it_is(rawpy):
    expected = read_picture(dng("a.dng"))
    shutil.copy("a.dng", "sent.png")  # as a pipe or an upload is kept
    assert (np.asarray(read_picture("sent.png")) == np.asarray(expected)).all()


def test_it_is_a_painting_too(rawpy, faststyle, photo):
    said = faststyle("stylize", photo, "--style", dng("a.dng"), "-o", "b.jpg")
    assert said.returncode == 0, said.stderr
