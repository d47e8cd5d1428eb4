"Reading and writing images: color profiles, bit depths, formats."

import gc
import sys
import weakref

import numpy as np
import pytest
from conftest import black_ink, is_clean, noise
from PIL import Image

from faststyle_fastai.all import FaststyleError, read_picture, save_picture, soft_proof
from faststyle_fastai.images import discovery
from faststyle_fastai.images.color import SRGB
from faststyle_fastai.images.masks import fit_mask, read_mask
from faststyle_fastai.images.remote import digest, is_image
from faststyle_fastai.images.saving import check_format
from faststyle_fastai.inference.first_sight import moments_of

RED = Image.new("RGB", (4, 3), (255, 0, 0))
# sRGB with red and green swapped, under another name.
SWAPPED = (
    SRGB.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")
).replace("sRGB".encode("utf-16-be"), "grb ".encode("utf-16-be"))


def color(picture):
    return np.asarray(picture).reshape(-1, 3).mean(0)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_picture_is_read_by_its_profile(tmp_path, mode):
    RED.convert(mode).save(tmp_path / "a.png", icc_profile=SWAPPED)
    assert abs(color(read_picture(tmp_path / "a.png")) - (0, 255, 0)).max() < 2


@pytest.mark.parametrize("profile", [b"no profile", SRGB, black_ink()])
def test_a_profile_that_is_none_or_not_for_it_changes_nothing(tmp_path, profile):
    RED.save(tmp_path / "a.png", icc_profile=profile)
    assert np.array_equal(read_picture(tmp_path / "a.png"), RED)


def test_ink_is_read_by_its_profile(tmp_path):
    ink = Image.new("CMYK", (4, 3), (255, 0, 0, 0))  # cyan, which that printer lacks
    ink.save(tmp_path / "a.jpg", icc_profile=black_ink(), quality=95)
    assert color(read_picture(tmp_path / "a.jpg")).min() > 250


def test_a_proof_has_the_printers_colors(tmp_path):
    (tmp_path / "black.icc").write_bytes(black_ink())
    seen = color(soft_proof(RED, tmp_path / "black.icc"))
    assert np.ptp(seen) < 3 and 100 < seen.mean() < 160  # a gray as light as red: L 53
    (tmp_path / "srgb.icc").write_bytes(SRGB)
    with pytest.raises(FaststyleError, match="srgb.icc is not a CMYK color profile"):
        soft_proof(RED, tmp_path / "srgb.icc")
    with pytest.raises(FileNotFoundError, match="Color profile not found: none.icc"):
        soft_proof(RED, "none.icc")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_what_is_written_says_that_it_is_srgb(tmp_path, name):
    assert Image.open(save_picture(RED, tmp_path / name)).info["icc_profile"] == SRGB
    gray = Image.open(save_picture(RED.convert("L"), tmp_path / f"gray-{name}"))
    assert gray.mode != "L" or "icc_profile" not in gray.info  # which would be of colors


def test_jpegs_keep_all_their_color(tmp_path):
    values = np.full((8, 9, 3), 0.5)
    assert Image.open(save_picture(values, tmp_path / "b.png")).getpixel((0, 0)) == (128,) * 3
    clear = Image.new("LA", (9, 8), (0, 0))
    assert Image.open(save_picture(clear, tmp_path / "b.jpg")).getpixel((0, 0)) == (255,) * 3
    with Image.open(save_picture(RED, tmp_path / "a.jpg")) as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # 4:4:4


def test_sixteen_bits_lie_in_the_png(tmp_path):
    x = noise(1, 3, 5, 7)
    path = save_picture(x, tmp_path / "a.png", depth=16)
    assert path.read_bytes()[24:26] == bytes([16, 2])  # bits, RGB
    with Image.open(path) as image:  # Pillow returns the upper 8 bits
        assert image.info["icc_profile"] == SRGB
        assert np.array_equal(image, (x[0] * 65535).round().int().permute(1, 2, 0) >> 8)
    assert is_clean(tmp_path)


@pytest.mark.parametrize(
    ("name", "depth", "said"),
    [
        ("a.jpg", 16, "16 bits per channel. Use .png, .tif"),
        ("a.png", 12, "8 or 16 bits"),
        ("a.xyz", 8, "'.xyz'"),
    ],
)
def test_what_cannot_be_written_is_said_first(name, depth, said):
    with pytest.raises(ValueError, match=said):
        check_format(name, depth)


@pytest.mark.parametrize("suffix", [".heic", ".avif"])
def test_a_telephone_s_picture(tmp_path, suffix):
    image, file = RED.resize((64, 32)), tmp_path / f"a{suffix}"
    if suffix == ".heic":
        pytest.importorskip("pillow_heif").from_pillow(image).save(file)
    else:
        save_picture(image, file)
    read = read_picture(file)
    assert read.size == (64, 32) and abs(color(read) - (255, 0, 0)).max() < 8


def test_heic_is_read_but_not_written(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="a.heic cannot be read: not an image"):
        read_picture(tmp_path / "a.heic")
    with pytest.raises(ValueError, match="'.heic'"):
        check_format("a.heic", 8)


def test_arrays_of_any_kind_are_saved_as_they_are(tmp_path):
    values = np.full((8, 8, 3), 100, np.uint8)
    assert (np.asarray(read_picture(save_picture(values, tmp_path / "a.png"))) == 100).all()
    bright = save_picture(np.full((8, 8, 3), 1.01, np.float32), tmp_path / "b.png", depth=16)
    assert (np.asarray(read_picture(bright)) == 255).all()


def test_images_are_known_by_all_that_they_show():
    indices = np.zeros((4, 8), np.uint8)
    red, blue = Image.fromarray(indices, "P"), Image.fromarray(indices, "P")
    red.putpalette([255, 0, 0]), blue.putpalette([0, 0, 255])
    turned = Image.fromarray(indices.T.copy(), "P")
    turned.putpalette([255, 0, 0])
    assert len({digest(each) for each in (red, blue, turned)}) == 3
    assert digest(red) == digest(red.copy()) == digest(red.convert("RGB"))
    assert not is_image(np.str_("udnie"))


def test_a_remembered_painting_is_not_kept_alive():
    painting = Image.new("RGB", (64, 64), "red")
    held = weakref.ref(painting)
    moments_of(painting)
    del painting
    gc.collect()
    assert held() is None


def test_masks_of_arrays_and_of_rounded_sizes(recwarn):
    ones = np.ones((100, 133), np.uint8)
    mask = read_mask(ones)
    assert mask.getextrema() == (255, 255)
    assert fit_mask(mask, (4000, 3000)).size == (4000, 3000) and not recwarn.list
    fit_mask(mask, (3000, 3000))
    assert "The mask is resized" in str(recwarn.pop().message)


def test_names_that_differ_in_case_are_one_file_on_some_systems(tmp_path, monkeypatch):
    for name in ("a/IMG.png", "b/img.png"):
        (tmp_path / name).parent.mkdir()
        RED.save(tmp_path / name)
    both = [str(tmp_path / "a" / "IMG.png"), str(tmp_path / "b" / "img.png")]
    monkeypatch.setattr(discovery, "CASELESS", ())
    assert len(discovery.plan_outputs(both, tmp_path / "out")) == 2
    monkeypatch.setattr(discovery, "CASELESS", (sys.platform,))
    with pytest.raises(FaststyleError, match="would both be written to"):
        discovery.plan_outputs(both, tmp_path / "out")
