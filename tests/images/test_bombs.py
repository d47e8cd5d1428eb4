"Small files that claim to be huge, or whose descriptions are nonsense."

import struct
import zlib

import pytest
from conftest import fails
from PIL import Image

from faststyle_fastai.models.metadata import checked_info

resource = pytest.importorskip("resource")  # not on Windows

SIDE = 60_000
MEMORY = 300 * 2**20  # bytes; a picture of that size takes 10 GB


def png(side=SIDE):
    def chunk(kind, content):
        code = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + code

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def gif(side=SIDE):
    screen, frame = (
        struct.pack("<HHBBB", side, side, 128, 0, 0),
        struct.pack("<4HB", 0, 0, side, side, 0),
    )
    return b"GIF89a" + screen + bytes(6) + b"," + frame + b"\x02\x02\x44\x01\x00;"


def webp(side=SIDE):
    Image.new("RGB", (8, 8)).save("small.webp")
    with open("small.webp", "rb") as file:
        picture = file.read()[12:]
    edge = (side - 1).to_bytes(3, "little")
    frame = bytes(6) + 2 * (7).to_bytes(3, "little") + (100).to_bytes(3, "little") + b"\0" + picture
    parts = b"VP8X", b"\2\0\0\0" + 2 * edge, b"ANIM", bytes(6), b"ANMF", frame
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(content)) + content
        for kind, content in zip(parts[::2], parts[1::2])
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(side=SIDE):
    Image.new("RGB", (8, 8)).save("small.tif")
    with open("small.tif", "rb") as file:
        data = bytearray(file.read())
    (first,) = struct.unpack_from("<I", data, 4)
    (tags,) = struct.unpack_from("<H", data, first)
    for at in range(first + 2, first + 2 + 12 * tags, 12):
        (tag,) = struct.unpack_from("<H", data, at)
        if tag in (256, 257, 278):  # width, height, rows of a strip
            struct.pack_into("<HHII", data, at, tag, 4, 1, side)
    return bytes(data)


CALLS = {
    "a photo": ("stylize", "BOMB", "--style", "udnie", "-o", "out.png"),
    "a painting": ("stylize", "me.png", "--style", "BOMB", "-o", "out.png"),
    "a mask": ("stylize", "me.png", "--style", "udnie", "--mask", "BOMB", "-o", "out.png"),
    "optimized": ("optimize", "me.png", "BOMB", "-o", "out.png"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", [png, gif, webp, tiff])
def test_a_bomb_is_refused_in_one_line(faststyle, call, kind):
    Image.new("RGB", (64, 48)).save("me.png")
    with open(name := f"bomb.{kind.__name__}", "wb") as file:
        file.write(kind())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = faststyle(*(name if word == "BOMB" else word for word in CALLS[call]))
    fails(said, 1, f"{name} cannot be read: it has more than", "megapixels")
    assert 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < MEMORY


@pytest.mark.parametrize("side", [20_000, SIDE])
@pytest.mark.parametrize("kind", [png, gif, webp])
@pytest.mark.parametrize("more", [("--style", "udnie", "-o", "out.gif"), ("-o", "%d.png")])
def test_a_film_that_is_a_bomb_is_refused_in_one_line(faststyle, kind, side, more):
    with open(name := f"bomb.{kind.__name__}", "wb") as file:
        file.write(kind(side))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fails(faststyle("video", name, *more), 1, f"{name} cannot be read")
    assert 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < MEMORY


HUGE = "9" * 5000
SAID = {"arch": "full", "styles": '["a"]', "size": "256", "recipe": "fast", "base": ""}


@pytest.mark.parametrize("key", ["size", "styles", "palettes"])
@pytest.mark.parametrize(
    "value",
    ["", "{", "null", "[1]", "1e30", "-1", HUGE, "[" * 9999, f'{{"a": {HUGE}}}', "٣"]
    + [f'{{"a": [[{"1, " * 3}1{"0" * 400}]]}}', '{"a": [[1e999]]}'],
    ids=range(12),
)
def test_nonsense_in_a_network_s_description_is_one_line(key, value):
    with pytest.raises(ValueError, match="^(size is|styles is|palettes is) .{0,100}$") as found:
        checked_info({**SAID, key: value})
    assert "int" not in str(found.value)
