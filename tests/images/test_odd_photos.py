"Photos like those of public bug reports; right values are those of ImageMagick and of browsers."

import shutil
import struct
import zlib
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from conftest import profile
from fastai.vision.core import TensorImage
from PIL import Image, ImageCms

from faststyle_fastai.all import FaststyleError, Stylizer, read_picture
from faststyle_fastai.core.atomic import warn_once
from faststyle_fastai.images.color import SRGB, srgb
from faststyle_fastai.images.discovery import find_pictures
from faststyle_fastai.images.files import read_array
from faststyle_fastai.images.metadata import read_metadata
from faststyle_fastai.images.tensors import read_tensor

RAMP = np.stack(np.meshgrid(np.arange(0, 256, 8), np.arange(0, 256, 8)), -1).astype(np.uint8)
COLORS = np.dstack([RAMP, 255 - RAMP[..., :1]])  # [32, 32, 3]
P3 = 0.680, 0.320, 0.265, 0.690, 0.150, 0.060


def away(file, right):
    "Mean difference, of 255."
    return np.abs(np.asarray(read_picture(file), float) - right).mean()


def png(name, values, *chunks, spoil=b""):
    "Write a PNG with chunks before its picture; one of them gets a wrong checksum."
    Image.fromarray(values).save(name)
    return with_chunks(name, *chunks, spoil=spoil)


def with_chunks(name, *chunks, spoil=b""):
    with open(name, "rb") as file:
        data = file.read()
    at = data.index(b"IDAT") - 4
    parts = [data[:at]]
    for kind, value in chunks:
        check = zlib.crc32(kind + value) ^ (kind == spoil)
        parts.append(struct.pack(">I", len(value)) + kind + value + struct.pack(">I", check))
    with open(name, "wb") as file:
        file.write(b"".join(parts) + data[at:])
    return name


def linear(values):
    "Values of sRGB as light, of 255."
    x = values / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4) * 255


def test_a_profile_counts_by_its_curves_not_by_its_name():
    light = linear(COLORS).round().astype(np.uint8)
    named = profile(1.0)
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(named)))
    Image.fromarray(light).save("linear.png", icc_profile=named)
    assert away("linear.png", COLORS) < 3  # 8 bits of light are coarse in the darks
    Image.fromarray(COLORS).save("same.png", icc_profile=SRGB)
    assert away("same.png", COLORS) == 0


def test_gray_with_opacity_and_a_profile():
    gray = np.arange(0, 256, 8, dtype=np.uint8)[None].repeat(32, 0)
    whole = np.dstack([gray, np.full_like(gray, 255)])
    Image.fromarray(whole, "LA").save("plain.png")
    assert away("plain.png", gray[..., None]) == 0
    dark = gray_profile()  # of light, not of sRGB's curve
    for name, more in (("alone", {}), ("clear", {"transparency": 0})):
        Image.fromarray(gray).save(f"{name}.png", icc_profile=dark, **more)
    Image.fromarray(whole, "LA").save("both.png", icc_profile=dark)
    right = np.asarray(read_picture("alone.png"), float)
    assert right.mean() > gray.mean() + 30
    assert away("both.png", right) < 1
    right[:, 0] = 255  # on white where it is clear
    assert away("clear.png", right) < 1
    assert srgb(Image.fromarray(gray), None).mode == "RGB"


def test_colors_that_a_png_names():
    points = [round(1e5 * value) for value in (0.3127, 0.3290, *P3)]
    png(
        "chrm.png",
        COLORS,
        (b"gAMA", struct.pack(">I", 45455)),
        (b"cHRM", struct.pack(">8I", *points)),
    )
    png("cicp.png", COLORS, (b"cICP", bytes([12, 13, 0, 1])))
    right = np.asarray(read_picture("cicp.png"), float)
    assert 2 < np.abs(right - COLORS).mean() < 20 and away("chrm.png", right) < 0.5
    assert np.array_equal(right[0, 0], read_picture("chrm.png").getpixel((0, 0)))
    Image.fromarray(COLORS).save("p3.avif", quality=100, subsampling="4:4:4")
    data = bytearray(Path("p3.avif").read_bytes())
    data[data.index(b"colrnclx") + 9] = 12
    Path("p3.avif").write_bytes(data)
    assert away("p3.avif", right) < 3
    light = linear(COLORS).round().astype(np.uint8)
    png("linear.png", light, (b"gAMA", struct.pack(">I", 100_000)))
    assert away("linear.png", COLORS) < 3
    png("srgb.png", COLORS, (b"gAMA", struct.pack(">I", 45455)))
    assert away("srgb.png", COLORS) == 0


@pytest.mark.parametrize("bands, more", [("RGB", [(b"tRNS", bytes(6))]), ("RGBA", [])])
def test_a_deep_picture_keeps_its_bits_and_its_opacity(bands, more):
    deep = np.full((5, 7, len(bands)), 0x1234, np.uint16)
    deep[..., 3:] = 0xFFFF
    deep[0, :, :3] = 0
    assert cv2.imwrite("deep.png", deep[..., [2, 1, 0, 3][: len(bands)]])
    x = read_array(with_chunks("deep.png", *more))
    assert x.shape == (5, 7, 4)
    assert np.allclose(x[1:, :, :3], 0x1234 / 65535, atol=1e-7)
    assert not more or (x[0, :, 3].max(), x[1:, :, 3].min()) == (0, 1)


def test_high_dynamic_range_says_a_word():
    png("pq.png", COLORS, (b"cICP", bytes([9, 16, 0, 1])))
    with pytest.warns(UserWarning, match="high dynamic range .PQ.. It is painted as SDR"):
        read_picture("pq.png")


def test_large_or_damaged_texts_do_not_refuse_a_picture():
    long = b"XML:com.adobe.xmp\0\0\0\0\0" + b"x" * 2_000_000
    packed = b"Comment\0\0" + zlib.compress(b"y" * 40_000_000)
    png("long.png", COLORS, (b"iTXt", long))
    png("packed.png", COLORS, (b"zTXt", packed))
    png("spoiled.png", COLORS, (b"tEXt", b"Software\0x"), spoil=b"tEXt")
    for name in ("long.png", "packed.png", "spoiled.png"):
        assert away(name, COLORS) == 0
    curved = profile(2.8)
    for name, more in (("curved.png", b""), ("long curved.png", bytes(1_500_000))):
        whole = struct.pack(">I", len(curved + more)) + curved[4:] + more
        Image.fromarray(COLORS).save(name, icc_profile=whole)
    assert away("curved.png", COLORS) > 5
    assert away("long curved.png", np.asarray(read_picture("curved.png"))) == 0


def gray_profile():
    "A profile of gray with a linear curve."
    curve = struct.pack(">4sIIH", b"curv", 0, 1, 256) + bytes(2)  # linear
    white = struct.pack(">4sI3i", b"XYZ ", 0, 0xF6D6, 0x10000, 0xD32D)
    head = struct.pack(">I4sI4s4s4s", 0, b"lcms", 0x2000000, b"mntr", b"GRAY", b"XYZ ") + bytes(12)
    head = head + b"acsp" + bytes(28) + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D) + bytes(48)
    tags = struct.pack(">I4sII4sII", 2, b"kTRC", 156, len(curve), b"wtpt", 156 + len(curve), 20)
    gray = head + tags + curve + white
    return struct.pack(">I", len(gray)) + gray[4:]


def test_deep_gray_has_the_tones_of_its_profile():
    deep = Image.fromarray(np.full((8, 8), 20_000, np.uint16))
    deep.save("gray.tif", icc_profile=gray_profile())
    seen = np.asarray(read_picture("gray.tif"), int)
    assert abs(seen - 255 * read_array("gray.tif")).max() < 1 and 145 < seen.mean() < 160


def test_a_picture_that_is_passed_in_keeps_its_size(photos):
    with Image.open(next(photos.rglob("*.jpg"))) as image:
        read_picture(image, shortest=9)
        assert image.size == (96, 72)


def test_sizes_in_exif_are_not_those_of_the_original():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769).update({0xA002: 32, 0xA003: 16, 0x9003: "2024:05:06 07:08:09"})
    Image.fromarray(COLORS[:16]).save("turned.jpg", exif=exif)
    kept = Image.Exif()
    kept.load(read_metadata("turned.jpg")["exif"])
    assert kept.get_ifd(0x8769) == {0x9003: "2024:05:06 07:08:09"}


def test_tensors_of_other_types():
    x = torch.from_numpy(COLORS.copy()).permute(2, 0, 1)
    paint = Stylizer("tiny:great_wave", "cpu")
    right = np.asarray(paint(x.float() / 255), float)
    for other in (x, x.double() / 255, TensorImage(x), TensorImage(x.float() / 255)):
        assert np.abs(np.asarray(paint(other), float) - right).max() <= 1
    assert np.abs(np.asarray(paint(x.half() / 255), float) - right).mean() < 1
    with pytest.raises(ValueError, match="not finite"):
        read_tensor(torch.full((3, 8, 8), float("nan")))


def test_a_damaged_space_of_colors_is_ignored():
    p3 = 68000, 32000, 26500, 69000, 15000, 6000
    for points in ((31270, 32900, *(30000, 30000) * 3), (0, 32900, *p3)):
        png("damaged.png", COLORS, (b"cHRM", struct.pack(">8I", *points)))
        assert away("damaged.png", COLORS) == 0


def test_tiffs_of_many_pixels_pages_and_dark_floats(monkeypatch):
    dark = np.zeros((64, 64), np.float32)
    dark[0, :2] = 100, 200
    tifffile.imwrite("dark.tif", dark)
    assert {100, 200} <= {*np.unique(np.asarray(read_picture("dark.tif")))}
    with tifffile.TiffWriter("pages.tif") as file:
        file.write(COLORS, photometric="rgb")
        file.write((COLORS / 255).astype(np.float32), photometric="rgb")
    assert away("pages.tif", COLORS) == 0
    tifffile.imwrite("float.tif", (COLORS / 255).astype(np.float32), photometric="rgb")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for name in ("pages.tif", "float.tif"):
        with pytest.raises(ValueError, match="megapixels"):
            read_picture(name)


@pytest.mark.parametrize("kind", [np.float16, np.float64, np.uint64])
def test_gray_tiffs_of_other_types(kind):
    gray = np.linspace(0, 255, 60 * 80).reshape(60, 80)
    values = gray / 255 if kind != np.uint64 else gray / 255 * np.iinfo(kind).max
    tifffile.imwrite("gray.tif", values.astype(kind))
    assert read_picture("gray.tif").size == (80, 60)
    assert away("gray.tif", np.repeat(gray[..., None], 3, -1)) < 1


def test_floats_in_color_from_0_to_255():
    tifffile.imwrite("float.tif", COLORS.astype(np.float32), photometric="rgb")
    assert away("float.tif", COLORS) < 1


def test_floats_in_color_with_highlights():
    values = COLORS.astype(np.float32) / 255
    values[:8] = 3
    tifffile.imwrite("bright.tif", values, photometric="rgb")
    assert away("bright.tif", 255 * values.clip(0, 1)) < 1


def test_dark_floats_in_color_from_0_to_255():
    values = np.full((8, 8, 3), 0.5, np.float32)
    values[..., 0] = 200
    tifffile.imwrite("dark.tif", values, photometric="rgb")
    assert away("dark.tif", values) < 1


def test_a_picture_that_needs_an_extra_is_left_out_of_a_folder(photo, tmp_path, monkeypatch):
    def missing(*_):
        raise FaststyleError("tifffile is missing")

    shutil.copy(photo, "a.jpg")
    tifffile.imwrite("b.tif", np.zeros((60, 80)))
    monkeypatch.setattr("faststyle_fastai.images.odd.extra", missing)
    warn_once.cache_clear()
    with pytest.warns(UserWarning, match="tifffile is missing"):
        good, bad = find_pictures(tmp_path)
    assert [[path.name for path in paths] for paths in (good, bad)] == [["a.jpg"], ["b.tif"]]
