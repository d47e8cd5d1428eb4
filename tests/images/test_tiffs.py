"TIFFs as scanners, cameras and science write them."

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
from test_odd_photos import COLORS, away

from faststyle_fastai.all import read_picture
from faststyle_fastai.images.files import read_array


def test_tiffs_that_pillow_mixes_up():
    tifffile.imwrite(
        "planar.tif", np.moveaxis(COLORS.astype(np.uint16) * 257, -1, 0), photometric="rgb"
    )
    tifffile.imwrite("float.tif", (COLORS / 255).astype(np.float32), photometric="rgb")
    for name in ("planar.tif", "float.tif"):
        assert away(name, COLORS) < 0.6
    gray = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (64, 1))
    gray[3, 3], gray[4, 4] = 1.5, np.nan
    tifffile.imwrite("gray.tif", gray)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert away("gray.tif", np.nan_to_num(gray.clip(0, 1))[..., None] * 255) < 0.6
    with tifffile.TiffWriter("thumbnail.tif") as file:
        file.write(COLORS[::4, ::4], photometric="rgb", subfiletype=1)
        file.write(COLORS, photometric="rgb", subfiletype=0)
    assert read_picture("thumbnail.tif").size == (32, 32)
    deep = np.full((8, 8, 3), 40_001, np.uint16)
    for kind in (np.uint8, np.uint16):
        with tifffile.TiffWriter("deep.tif") as file:
            file.write(np.zeros((4, 4, 3), kind), photometric="rgb", subfiletype=1)
            file.write(deep, photometric="rgb", subfiletype=0)
        assert abs(read_array("deep.tif") * 65535 - 40_001).max() < 0.5
    tifffile.imwrite(
        "inks.tif",
        np.moveaxis(np.zeros((8, 8, 4), np.uint16), -1, 0),
        photometric="separated",
        planarconfig="separate",
    )
    with pytest.raises(ValueError, match="its colors are SEPARATED"):
        read_picture("inks.tif")


def test_tiffs_with_opacity_or_white_at_zero():
    opacity = np.tile(np.linspace(0, 1, 32)[:, None, None], (1, 32, 1))
    right = np.dstack([COLORS, 255 * opacity])
    linear, shown = right.astype(np.float32) / 255, right[..., 3] > 20
    planes = np.moveaxis((linear * 65535).astype(np.uint16), -1, 0)
    times = np.dstack([linear[..., :3] * opacity, opacity]).astype(np.float32)
    for values, kind, how in (
        (linear, "unassalpha", {}),
        (times, "assocalpha", {}),
        (planes, "unassalpha", {"planarconfig": "separate"}),
    ):
        tifffile.imwrite("clear.tif", values, photometric="rgb", extrasamples=[kind], **how)
        found = read_array("clear.tif") * 255
        assert found.shape == right.shape and np.abs(found - right)[shown].max() < 1.5
    gray = (65535 * (1 - linear[..., 0])).round().astype(np.uint16)
    tifffile.imwrite("white.tif", gray, photometric="miniswhite")
    assert away("white.tif", right[..., :1]) < 0.6


def test_many_pages_are_not_all_counted():
    for pages, said in ((63, "has 63 frames"), (70, "has at least 64 frames")):
        tifffile.imwrite("pages.tif", np.zeros((pages, 8, 8), np.uint8), photometric="minisblack")
        with pytest.warns(UserWarning, match=said):
            read_array("pages.tif")


def test_packed_gray_of_twelve_bits():
    wide = np.tile(np.linspace(0, 4095, 64).round().astype(int), (8, 1))
    even, odd = wide[:, ::2], wide[:, 1::2]
    packed = np.dstack([even >> 4, (even & 15) << 4 | odd >> 8, odd & 255]).astype(np.uint8)
    tags = {256: 64, 257: 8, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: packed.size}
    head = struct.pack("<4sI", b"II*\0", 8 + packed.size)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    file = head + packed.tobytes() + struct.pack("<H", len(tags)) + entries + bytes(4)
    Path("scan.tif").write_bytes(file)
    assert np.abs(read_array("scan.tif")[..., 0] * 4095 - wide).max() < 0.5
