"Which files are read as images, whatever their names say."

import signal

import pytest
from PIL import Image, features

from faststyle_fastai.images import files
from faststyle_fastai.images.discovery import find_pictures
from faststyle_fastai.images.files import image_size, read_picture
from faststyle_fastai.images.masks import read_mask
from faststyle_fastai.images.saving import save_picture
from faststyle_fastai.images.tensors import read_tensor

ENDLESS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\n%%EOF\n"
RED = Image.new("RGB", (32, 24), "red")


@pytest.fixture
def in_time():
    "Fail after 20 s, for Ghostscript would not end."

    def late(*_):
        raise TimeoutError("still reading")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("read", [read_picture, read_tensor, read_mask, image_size])
def test_a_program_named_like_a_photo_is_not_run(tmp_path, read, in_time):
    (tmp_path / "holiday.jpg").write_bytes(ENDLESS)
    with pytest.raises(ValueError, match="holiday.jpg cannot be read: not an image"):
        read(tmp_path / "holiday.jpg")
    assert find_pictures(tmp_path) == ([], [tmp_path / "holiday.jpg"])


@pytest.mark.parametrize("suffix", [".eps", ".ppm", ".ico", ".tga", ".psd"])
def test_other_formats_are_refused_under_a_photo_s_name(tmp_path, suffix):
    if Image.registered_extensions()[suffix] in Image.SAVE:
        RED.save(tmp_path / f"a{suffix}")
    else:
        (tmp_path / f"a{suffix}").write_bytes(b"8BPS\0\1" + bytes(40))
    (tmp_path / f"a{suffix}").rename(tmp_path / "a.png")
    with pytest.raises(ValueError, match="a.png cannot be read: not an image"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp", ".gif", ".avif"])
def test_the_formats_of_photos_are_read_under_any_name(tmp_path, suffix):
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    save_picture(RED, tmp_path / f"a{suffix}").rename(tmp_path / "a.jpg")
    assert read_picture(tmp_path / "a.jpg").size == RED.size


def test_a_photo_with_a_second_picture_inside(tmp_path):
    RED.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[RED.resize((8, 8))])
    with pytest.warns(UserWarning, match="a.jpg has 2 frames or pages") as told:
        assert read_tensor(tmp_path / "a.jpg").shape == (1, 3, 24, 32)
    assert not any("faststyle video" in str(one.message) for one in told)  # which paints none


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_out_of_memory_names_the_photo_and_keeps_its_kind(tmp_path, monkeypatch, error):
    def full(*_):
        raise error

    RED.save(tmp_path / "a.png")
    monkeypatch.setattr(files, "_upright", full)
    with pytest.raises(MemoryError, match="a.png does not fit in the free memory"):
        read_tensor(tmp_path / "a.png")


def test_a_photo_that_fills_the_memory_is_read_for_smaller_tiles(tmp_path, monkeypatch, paint):
    from faststyle_fastai.inference import layers

    def full(picture):
        raise MemoryError

    RED.resize((300, 280)).save(tmp_path / "a.png")
    monkeypatch.setattr(layers, "read_tensor", full)
    with pytest.warns(UserWarning, match="painted in tiles of 1024 px"):
        assert paint(tmp_path / "a.png").size == (300, 280)
