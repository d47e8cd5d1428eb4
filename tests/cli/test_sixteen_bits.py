"`faststyle stylize` with images of 16 bits."

import struct

import numpy as np
import pytest
import tifffile
from numpngw import write_png
from PIL import Image

from faststyle_fastai.all import read_picture, read_tensor
from faststyle_fastai.images.files import is_deep


@pytest.fixture
def photo(photos):
    return read_picture(photos / "china" / "0.jpg")


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("kind", ["png", "little.tif", "big.tif", "zip.tif"])
def test_sixteen_bits_are_all_read(kind, channels):
    values = np.random.default_rng(0).integers(0, 65536, (5, 7, channels), dtype=np.uint16)
    if kind == "png":
        write_png("a.png", values)
    else:
        options = {"byteorder": ">"} if kind == "big.tif" else {}
        options |= {"compression": "zlib"} if kind == "zip.tif" else {}
        opacity = ["unassalpha"] * (channels - 3)
        tifffile.imwrite(kind, values, photometric="rgb", extrasamples=opacity, **options)
    x = read_tensor("a.png" if kind == "png" else kind)[0].permute(1, 2, 0).numpy()
    assert abs(x * 65535 - values).max() < 0.01


def test_gray_of_sixteen_bits_is_read():
    values = np.array([[0, 1000, 65535]], dtype=np.uint16)
    Image.fromarray(values).save("a.png")
    assert abs(read_tensor("a.png")[0, 2].numpy() * 65535 - values).max() < 0.01
    assert read_picture("a.png").getpixel((1, 0)) == (4, 4, 4)


def test_gray_of_sixteen_bits_stays_sixteen(faststyle):
    gray = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)
    for name in ("gray.png", "gray.tif"):
        Image.fromarray(gray).save(name)
        said = faststyle("stylize", name, "--style", "great_wave", "-o", f"out-{name}")
        assert said.returncode == 0 and is_deep(f"out-{name}"), said.stderr


def test_sixteen_bits_are_written(faststyle, photo):
    photo.save("a.png")
    said = faststyle("stylize", "a.png", "--style", "great_wave", "-o", "b.tif", "--bit-depth", 16)
    assert said.returncode == 0, said.stderr
    values = tifffile.imread("b.tif")
    assert values.dtype == np.uint16 and len(np.unique(values % 257)) > 200


def test_sixteen_bits_stay_sixteen(faststyle, photo):
    write_png("deep.png", np.asarray(photo, np.uint16) * 257 + 3)
    args = "--style", "great_wave", "-o"
    for out, kind in (("a.png", True), ("b.tif", True), ("c.jpg", False)):
        said = faststyle("stylize", "deep.png", *args, out)
        assert said.returncode == 0, said.stderr
        assert ("c.jpg cannot store 16 bits" in said.stderr) is not kind
        assert is_deep(out) is kind
    photo.save("plain.png")
    said = faststyle("stylize", "deep.png", "plain.png", *args, "both")
    assert said.returncode == 0 and not is_deep("both/deep.png"), said.stderr


def test_what_cannot_be_written_as_it_was_becomes_png(faststyle, photo, tmp_path):
    (tmp_path / "in").mkdir()
    photo.save(tmp_path / "in" / "a.jpg")
    photo.save(tmp_path / "in" / "b.png")
    said = faststyle("stylize", "in", "--style", "great_wave", "--bit-depth", 16, "-o", "out")
    assert said.stdout.split() == ["out/a.jpg.png", "out/b.png"], said.stderr


@pytest.mark.parametrize("mode", ["gray and opacity", "565"])
def test_odd_pictures_of_sixteen_bits_are_read(tmp_path, mode):
    path = tmp_path / ("a.png" if mode != "565" else "a.bmp")
    if mode == "565":
        path.write_bytes(bmp_565(8, 4))
        assert read_tensor(path).shape == (1, 3, 4, 8)
    else:
        write_png(path, np.full((4, 8, 2), [40000, 20000], np.uint16))
        assert read_tensor(path).shape == (1, 4, 4, 8)


def bmp_565(width, height):
    "A white bitmap with two bytes per pixel: five, six and five bits per color."
    pixels = b"\xff" * (2 * width * height)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 16, 3, len(pixels), 0, 0, 0, 0)
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    start = 14 + len(head) + len(masks)
    return struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start) + head + masks + pixels
