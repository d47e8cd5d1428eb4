"What a photo carries beside the picture is kept: EXIF with GPS, IPTC and XMP."

import cv2
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, IptcImagePlugin

from faststyle_fastai.all import read_picture, save_picture
from faststyle_fastai.images.color import SRGB
from faststyle_fastai.images.metadata import read_metadata, sign

GPS = {1: "N", 2: (48.0, 51.0, 30.25)}
IPTC = b"\x1c\x02\x05\x00\x04Name\x1c\x02\x78\x00\x07Caption"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="6" '
    'dc:creator="Zoë"/></rdf:RDF></x:xmpmeta>'
).encode()


def photo(path, **more):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Camera", 6
    exif[0x8769] = {0x9003: "2026:01:02 03:04:05", 0x829A: 0.008}
    exif[0x8825] = GPS
    image = Image.fromarray(np.full((20, 30, 3), 90, np.uint8))
    return save_picture(image, path, **{"exif": exif.tobytes(), "iptc": IPTC, "xmp": XMP} | more)


DEEP = [("png", 16), ("tif", 16)]


@pytest.mark.parametrize(
    "kind, depth", [*((kind, 8) for kind in ("jpg", "png", "webp", "tif", "avif")), *DEEP]
)
def test_all_of_it_is_kept(kind, depth):
    source = photo("a.jpg")
    out = save_picture(read_picture(source), f"b.{kind}", depth, **read_metadata(source))
    kept, picture = read_metadata(out), read_picture(out)
    exif = Image.Exif()
    exif.load(kept["exif"])
    assert exif[0x010F] == "Camera" and 0x0112 not in exif
    assert exif.get_ifd(0x8769) == {0x9003: "2026:01:02 03:04:05", 0x829A: 0.008}
    assert exif.get_ifd(0x8825) == GPS
    assert kept["xmp"] == XMP.replace(b'Orientation="6"', b'Orientation="1"')
    assert picture.size == (20, 30) and np.abs(np.asarray(picture, int) - 90).max() <= 1
    if kind in ("jpg", "tif"):
        assert kept["iptc"] == IPTC
        with Image.open(out) as image:
            assert IptcImagePlugin.getiptcinfo(image)[2, 5] == b"Name"


@pytest.mark.parametrize("kind, depth", [("jpg", 8), ("png", 8), ("tif", 8), *DEEP])
def test_pixels_per_inch_of_a_scan_are_kept(kind, depth, tmp_path):
    scan = tmp_path / "scan.png"
    for dpi, right in ((300, 300), (1, None)):  # the last one is no scan's
        Image.new("RGB", (20, 30)).save(scan, dpi=(dpi, dpi))
        out = save_picture(read_picture(scan), tmp_path / f"b.{kind}", depth, **read_metadata(scan))
        found = read_metadata(out).get("dpi")
        assert found == right if right is None else round(found) == right
    assert sign({"dpi": 300.0}, "", 50)["dpi"] == 50 and sign({"dpi": 300.0}, "")["dpi"] == 300


@pytest.mark.parametrize("channels", [3, 4])
def test_files_of_sixteen_bits_are_what_others_read(channels):
    x = torch.rand(1, channels, 9, 7)
    values = (x[0] * 65535).round().permute(1, 2, 0).numpy()
    with tifffile.TiffFile(save_picture(x, "a.tif", 16)) as file:
        assert np.array_equal(file.asarray(), values) and file.pages[0].iccprofile == SRGB
    found = cv2.imread(str(save_picture(x, "a.png", 16)), cv2.IMREAD_UNCHANGED)
    order = [2, 1, 0, 3][:channels]
    assert found.dtype == np.uint16 and np.array_equal(found[..., order], values)


def test_what_is_too_long_for_a_jpeg_does_not_stop_it():
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif[0x8769] = {0x927C: bytes(70_000)}  # the maker's note
    photo("a.png", exif=exif.tobytes(), xmp=XMP + bytes(70_000).replace(b"\0", b" "))
    kept = read_metadata(photo("b.jpg", **read_metadata("a.png")))
    assert b"Camera" in kept["exif"] and "xmp" not in kept


def test_what_lies_behind_a_photo_is_not_promised():
    assert "xmp" not in read_metadata(photo("a.jpg", xmp=b'<x hdrgm:Version="1.0"/>'))


def test_the_program_and_the_style_are_named():
    signed = Image.Exif()
    signed.load(sign(read_metadata(photo("a.jpg")), "udnie")["exif"])
    assert signed[0x0131].startswith("faststyle ") and signed[0x010E] == "In the style of udnie"
    assert signed.get_ifd(0x8825) == GPS
    signed[0x010E] = "My cat"
    again = Image.Exif()
    again.load(sign({"exif": signed.tobytes()}, "udnie")["exif"])
    assert again[0x010E] == "My cat"


@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
def test_letters_beyond_ascii_are_kept(kind):
    exif, texts = Image.Exif(), {0x8298: "© 2024 Jörg", 0x013B: "Zoë"}  # copyright, artist
    exif.update({tag: text.encode() for tag, text in texts.items()})
    Image.new("RGB", (8, 8)).save(f"a.{kind}", exif=exif)
    said = sign(read_metadata(f"a.{kind}"), "Müller")
    found = Image.open(save_picture(read_picture(f"a.{kind}"), f"b.{kind}", **said)).getexif()
    for tag, text in {**texts, 0x010E: "In the style of Müller"}.items():
        assert found[tag].encode("latin-1").decode() == text
