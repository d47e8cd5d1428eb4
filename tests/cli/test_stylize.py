"`faststyle stylize` with images of all kinds."

import re
import shutil
import subprocess
import sys
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import fails
from pages import served
from PIL import Image

from faststyle_fastai.all import FaststyleError, Stylizer, read_picture, read_tensor, to_tensor
from faststyle_fastai.images.metadata import read_metadata
from faststyle_fastai.images.remote import download
from faststyle_fastai.inference.finish import filled


@pytest.fixture
def photo(photos):
    return read_picture(photos / "china" / "0.jpg")


@pytest.fixture
def web(tmp_path):
    "The URL that serves the test's folder."

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):  # into what the command says
            pass

    with served(tmp_path, Quiet) as address:
        yield address


def cut_out(photo, hidden):
    "The photo with a transparent left half of one color and a soft edge."
    across = np.linspace(-8, 8, photo.width)
    opacity = Image.fromarray(np.tile((across.clip(0, 1) * 255).astype(np.uint8), (72, 1)))
    under = Image.new("RGB", photo.size, hidden)
    picture = Image.composite(photo, under, opacity.point(lambda v: 255 * (v > 0)))
    picture.putalpha(opacity)
    return picture


def test_what_is_transparent_stays_so_and_does_not_bleed(paint, photo):
    black, red = (paint(cut_out(photo, hidden)) for hidden in ("black", "red"))
    assert black.mode == "RGBA" and np.array_equal(black, red)
    assert np.array_equal(black.getchannel("A"), cut_out(photo, "red").getchannel("A"))


def test_under_what_is_transparent_lie_the_colors_around_it():
    opacity = torch.zeros(1, 1, 9, 14)
    opacity[..., :4, :3] = 1.0
    x = torch.rand(1, 3, 9, 14) * (1 - opacity) + opacity * torch.tensor([0.2, 0.4, 0.6]).view(
        3, 1, 1
    )
    assert filled(x, opacity).allclose(x[..., :1, :1].expand_as(x), atol=1e-5)


def test_a_format_without_transparency_gets_white(faststyle, photo):
    cut_out(photo, "black").save("a.png")
    said = faststyle("stylize", "a.png", "--style", "great_wave", "-o", "a.jpg")
    assert said.returncode == 0, said.stderr
    with Image.open("a.jpg") as image:
        assert image.mode == "RGB" and np.asarray(image)[:, :30].min() > 250


def test_damaged_exif_is_no_reason_to_fail(photo):
    photo.save("a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read_metadata("a.jpg") == {} and read_picture("a.jpg").size == photo.size


def test_of_a_film_the_first_picture(photo):
    photo.save("a.gif", save_all=True, append_images=[photo.rotate(180)])
    with pytest.warns(UserWarning, match="a.gif has 2 frames or pages. Only the first is used"):
        x = read_tensor("a.gif")
    assert (x - to_tensor(photo)).abs().mean() < 0.05


def test_a_picture_at_an_address(faststyle, web, photo, tmp_path):
    photo.save("a b.png")
    address = f"{web}/a%20b.png?size=full"
    said = faststyle("stylize", address, "--style", "great_wave", "-o", "out")
    assert said.returncode == 0, said.stderr
    assert read_picture("out/a b.png").size == photo.size
    (tmp_path / "page.html").write_text("<html>")
    for name, why in [("none.png", "404 File not found"), ("page.html", "not an image")]:
        said = faststyle("stylize", f"{web}/{name}", "--style", "great_wave", "-o", "x.png")
        assert said.returncode == 1 and why in said.stderr and len(said.stderr.splitlines()) == 1
    with pytest.raises(FaststyleError, match="larger than 0 MB"):
        download(address, most=0)
    with pytest.raises(FaststyleError, match="cannot be reached"):
        download("http://127.0.0.1:9/a.png")


def test_too_many_pixels_are_refused(faststyle, photo):
    photo.save("a.png")
    args = ["--style", "great_wave", "-o", "x.png", "--max-megapixels", 0.005]
    said = faststyle("stylize", "a.png", *args)
    assert said.returncode == 1 and "it has more than 0.005 megapixels" in said.stderr


def test_a_folder_goes_on_where_it_was(faststyle, photo, tmp_path):
    for name in ("a", "b"):
        photo.save(f"{name}.png")
    (tmp_path / "c.png").write_text("no picture")
    said = faststyle("stylize", "*.png", "--style", "great_wave", "-o", "out")
    assert said.returncode == 1 and "1 of 3 images failed: c.png." in said.stderr
    assert re.search(r"2/3 b\.png +\d+:\d\d left", said.stderr)
    (tmp_path / "out" / "a.png").write_text("kept")
    (tmp_path / "out" / "b.png").unlink()
    args = ["--style", "great_wave", "-o", "out", "--skip-existing"]
    assert faststyle("stylize", "a.png", "b.png", *args).returncode == 0
    assert (tmp_path / "out" / "a.png").read_text() == "kept"
    assert read_picture("out/b.png").size == photo.size


def test_an_input_is_written_over_only_by_force(faststyle, photo):
    photo.save("a.png")
    args = ["stylize", "a.png", "--style", "great_wave", "-o", "a.png"]
    assert "overwrite its own input" in faststyle(*args).stderr
    assert np.array_equal(read_picture("a.png"), photo)
    assert faststyle(*args, "--overwrite").returncode == 0
    assert not np.array_equal(read_picture("a.png"), photo)
    Path("in").mkdir()
    photo.save("in/a.png")
    args = ["stylize", "in", "--style", "tiny:great_wave", "-o", "in"]
    assert "overwrite its own input" in faststyle(*args).stderr
    assert faststyle(*args, "--overwrite").stdout.split() == ["in/a.png"]
    assert not np.array_equal(read_picture("in/a.png"), photo)


@pytest.mark.slow
def test_little_memory_makes_tiles(photo, monkeypatch):
    paint = Stylizer("great_wave", "cpu", precision="float32")
    for module in ("core.memory", "inference.tiles"):
        monkeypatch.setattr(f"faststyle_fastai.{module}.free_memory", lambda device: 1_000_000)
    monkeypatch.setattr("faststyle_fastai.inference.tiles.SIDES", (16, 32))
    with pytest.warns(UserWarning, match="96x72 px is painted in tiles of 16 px"):
        tiled = np.asarray(paint(photo)).astype(int)
    assert np.abs(tiled - np.asarray(paint(photo, tile=None))).mean() < 1
    with pytest.raises(ValueError, match="Invalid tile=6. Use a multiple of 4 px"):
        paint(photo, tile=6)


def test_tiles_keep_what_is_transparent(paint, photo):
    picture = cut_out(photo, "red")
    whole, tiled = (np.asarray(paint(picture, tile=tile)).astype(int) for tile in (None, 32))
    assert np.array_equal(whole[..., 3], tiled[..., 3])
    seen = whole[..., 3] == 255
    assert np.abs(whole - tiled)[seen].mean() < 2


LOAD = "from faststyle_fastai.cli.loading import load_stylizer; load_stylizer('udnie', False)"
SERVE = "import faststyle_fastai.web.app"


@pytest.mark.parametrize(
    ("code", "also"), [(LOAD, "scipy"), (SERVE, "onnx")], ids=["stylize", "web"]
)
def test_no_more_is_imported_than_is_needed(code, also):
    heavy = {"fastai", "torchvision", "pandas", "matplotlib", "sklearn", also}
    found = f"{{name.split('.')[0] for name in sys.modules}} & {heavy}"
    command = [sys.executable, "-c", f"import sys; {code}; print({found})"]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.stdout == "set()\n", said.stdout + said.stderr


def test_small_pictures_are_painted_together(faststyle, photos, tmp_path):
    turned = tmp_path / "in" / "turned.png"
    shutil.copytree(photos / "china", tmp_path / "in")
    read_picture(photos / "china" / "0.jpg").rotate(90, expand=True).save(turned)
    (tmp_path / "in" / "broken.jpg").write_bytes(b"x")
    how = "--style", "great_wave", "--precision", "float32", "--quiet"
    one = faststyle("stylize", "in", *how, "-o", "one")
    four = faststyle("stylize", "in", *how, "-o", "four", "--batch-size", 4)
    assert one.returncode == four.returncode == 1 and "1 of 9 images failed" in four.stderr
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "four").iterdir()) and len(names) == 8
    for name in names:
        a, b = (
            np.asarray(read_picture(tmp_path / folder / name), int) for folder in ("one", "four")
        )
        assert np.abs(a - b).max() <= 2


@pytest.mark.parametrize("how", [("udnie", "--painterly"), ("sea.png", "--likeness", 0)])
def test_small_pictures_are_painted_together_by_neighbors(faststyle, photos, painting, how):
    shutil.copy(painting, "sea.png")
    args = photos / "flower", "--style", *how, "--precision", "float32", "--quiet"
    for n in ("1", "2"):
        assert faststyle("stylize", *args, "-o", n, "--batch-size", n).returncode == 0
    one, two = (np.asarray(read_picture(Path(n, "0.jpg")), int) for n in ("1", "2"))
    assert np.abs(one - two).mean() < 2


def test_the_width_of_strokes(faststyle, photo):
    photo.resize((320, 288)).save("a.png")
    for stroke in ("broadest", "finest"):
        said = faststyle(
            "stylize", "a.png", "--style", "udnie", "--stroke", stroke, "-o", f"{stroke}.png"
        )
        assert said.returncode == 0, said.stderr
    with Image.open("broadest.png") as broad, Image.open("finest.png") as fine:
        assert broad.size == fine.size == (320, 288) and broad.tobytes() != fine.tobytes()
    said = faststyle("stylize", "a.png", "--style", "udnie", "--stroke", "bold", "-o", "b.png")
    assert said.returncode == 2 and "Unknown stroke 'bold'. Choose one of finest" in said.stderr


def test_a_grid_of_mixes(faststyle, photos):
    photo = photos / "china" / "0.jpg"
    both = "--style", "great_wave", "--style", "the_scream"
    said = faststyle("grid", photo, *both, "--size", 32, "-o", "grid.png")
    assert said.stdout == "grid.png\n" and said.stderr == "", said.stderr
    assert read_picture("grid.png").width > 5 * read_picture(photo).width
    again = faststyle("grid", photo, *both, "-o", "grid.png")
    assert again.returncode == 1 and "grid.png exists" in again.stderr


def test_only_people_are_painted(faststyle):
    images = Path(__file__).parents[2] / "nbs" / "images"
    for name in ("astronaut", "cat"):
        read_picture(images / f"{name}.jpg").resize((128, 128)).save(f"{name}.png")
    done = faststyle(
        "stylize", "astronaut.png", "cat.png", "--style", "udnie", "--paint", "person",
        "--save-mask", "masks", "-o", "out", "--bs", 2,
    )  # fmt: skip
    assert "warning: No person is found in cat.png: no face can be seen." in done.stderr
    assert np.array_equal(read_picture("out/cat.png"), read_picture("cat.png"))
    mask = np.asarray(Image.open("masks/astronaut.png"))
    assert mask.shape == (128, 128) and not np.asarray(Image.open("masks/cat.png")).any()
    changed = np.abs(
        np.asarray(read_picture("out/astronaut.png"), float)
        - np.asarray(read_picture("astronaut.png"))
    ).mean(2)
    assert not changed[mask == 0].any() and changed[mask == 255].mean() > 20
    again = faststyle(
        "stylize", "cat.png", "--style", "udnie", "--paint", "background", "--save-mask",
        "masks/cat.png", "-o", "out.png",
    )  # fmt: skip
    fails(again, 1, "masks/cat.png exists")
    lone = faststyle(
        "stylize", "cat.png", "--style", "udnie", "--save-mask", "m.png", "-o", "o.png"
    )
    fails(lone, 2, "--save-mask needs --paint or --mask")
    Path("masks/cat.png").rename("cat.jpg")
    how = "--style", "tiny:udnie", "--paint", "person"
    twice = faststyle("stylize", "cat.png", "cat.jpg", *how, "--save-mask", "m", "-o", "both")
    fails(twice, 1, "Two files would be m/cat.png")
    same = faststyle("stylize", "cat.png", *how, "--save-mask", "o.png", "-o", "o.png")
    fails(same, 1, "Two files would be o.png")


def test_metadata_is_kept_and_signed_or_stripped(faststyle, photo):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x8825] = "Camera", 6, {1: "N"}
    photo.save("a.jpg", exif=exif, xmp=b"<x:xmpmeta/>")
    for out in ("a.png", "b.tif"):
        args = "a.jpg", "--style", "tiny:udnie", "--mix", "mondrian=.4", "--bit-depth", 16
        assert faststyle("stylize", *args, "-o", out).returncode == 0
        with Image.open(out) as image:
            kept = image.getexif()
            assert kept.get_ifd(0x8825) == {1: "N"} and image.info["xmp"] == b"<x:xmpmeta/>"
            assert kept[0x010F] == "Camera" and kept.get(0x0112, 1) == 1
            assert image.size == photo.size[::-1]  # it is upright
            assert kept[0x010E] == "In the style of mondrian and udnie"
            assert kept[0x0131].startswith("faststyle ")
    said = faststyle("stylize", "a.jpg", "--style", "tiny:udnie", "--strip", "-o", "b.jpg")
    assert said.returncode == 0
    with Image.open("b.jpg") as image:
        assert not image.getexif() and "xmp" not in image.info
