"The page that `faststyle export` writes, in a real browser, from a file and without a network."

import shutil
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from conftest import fails
from exported import away, downloaded, open_photo
from pages import repainted, waited_for
from PIL import Image
from webkit import webkit

from faststyle_fastai.all import ASSETS, Stylizer, export_html, style_thumbnail
from faststyle_fastai.strokes.paths import with_strokes

pytest.importorskip("onnx")

IMAGES = Path(__file__).parents[2] / "nbs" / "images"


def test_a_page_paints_what_python_paints(visit, one_page, slim, photos):
    Image.open(photos / "china" / "0.jpg").save("china.png")
    tab, file = visit(one_page), "china.png"
    open_photo(tab, file)
    seen, name = downloaded(tab)
    assert name == "china-starry_night.png"
    assert away(seen, slim(file, "starry_night")) < 1
    repainted(tab, tab.get_by_role("radio", name="Udnie").click)
    seen, name = downloaded(tab)
    assert name == "china-udnie.png" and away(seen, slim(file, "udnie")) < 1
    tab.locator("#strength").fill("0")
    assert away(downloaded(tab)[0], Image.open(file)) < 1


@pytest.mark.slow
def test_firefox_paints_the_same(one_page, slim, photos, tmp_path):
    if not (path := shutil.which("firefox-esr") or shutil.which("firefox")):
        pytest.skip("no Firefox here")
    Image.open(photos / "china" / "0.jpg").save(tmp_path / "china.png")
    from firefox import firefox

    with firefox(path, tmp_path / "saved") as tab:
        tab.goto(one_page)
        tab.wait_for("#said", "Ready.")
        tab.choose("#file", tmp_path / "china.png")
        tab.wait_for("#said", "Painted")
        tab.run("document.getElementById('download').click()")
        tab.wait_for("#said", "Saved at 96×72 px")
        saved = tmp_path / "saved" / "china-starry_night.png"
        part = saved.with_name(f"{saved.name}.part")  # the page only knows that it began
        assert waited_for(lambda: saved.exists() and not part.exists(), 30)
    assert away(Image.open(saved).convert("RGB"), slim("china.png", "starry_night")) < 1


@pytest.mark.slow
def test_webkit_paints_the_same(one_page, slim, photos, tmp_path):
    "As in Safari, which keeps a worker of a page that is a file from reading what is in memory."
    Image.open(photos / "china" / "0.jpg").save(tmp_path / "china.png")
    with webkit() as tab:
        tab.goto(one_page)
        tab.wait_for("#said", "Ready.")
        tab.choose("#file", tmp_path / "china.png")
        tab.wait_for("#said", "Painted")
        painted = slim(tmp_path / "china.png", "starry_night")

        def seen():
            _, data = tab.run("document.getElementById('picture').toDataURL()").split(",")
            return Image.open(BytesIO(b64decode(data))).convert("RGB")

        assert waited_for(lambda: away(seen(), painted) < 1, 10)  # it is uncovered slowly


@pytest.mark.slow
def test_a_large_photo_is_painted_small_and_enlarged_with_its_edges(visit, one_page, slim, photos):
    photo = Image.open(photos / "flower" / "0.jpg").resize((900, 700), Image.Resampling.BICUBIC)
    photo.save("large.png")
    tab = visit(one_page, size=(390, 844))
    open_photo(tab, "large.png")
    repainted(tab, lambda: tab.locator("#stroke").select_option("broadest"))
    seen, _ = downloaded(tab)
    assert seen.size == (900, 700)
    assert away(seen, slim("large.png", "starry_night", stroke="broadest")) < 1
    box = tab.locator("#picture").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390


@pytest.mark.slow
def test_a_page_takes_places_of_its_painting(visit, photos):
    Image.open(photos / "china" / "0.jpg").resize((360, 240)).save("china.png")
    at_sight = Stylizer(style_thumbnail("tahiti"), "cpu", "float32", arch="slim")
    tab = visit(export_html(at_sight, Path("tahiti.html").absolute()))
    open_photo(tab, "china.png")
    seen = downloaded(tab)[0]
    python = at_sight("china.png", size=168)
    assert away(seen, python) < away(seen, Image.open("china.png")) / 3


@pytest.mark.slow
def test_several_works_at_first_sight_have_their_colors(visit, photos):
    Image.open(photos / "china" / "0.jpg").save("china.png")
    works = [style_thumbnail("tahiti"), style_thumbnail("tahiti")]
    at_sight = Stylizer({"tahiti": works}, "cpu", "float32")
    at_sight.decodes = False  # the page has the network that films take
    tab = visit(export_html(at_sight, Path("tahiti.html").absolute()))
    open_photo(tab, "china.png")
    seen = downloaded(tab)[0]
    assert away(seen, at_sight("china.png")) < 1
    at_sight.info["palettes"] = {}
    assert away(seen, at_sight("china.png")) > 3


def test_faces_stay_faces(visit, one_page, slim):
    photo = Image.open(IMAGES / "astronaut.jpg").resize((300, 300))
    photo.save("person.png")
    tab = visit(one_page)
    open_photo(tab, "person.png")
    seen, face = downloaded(tab)[0], (100, 40, 165, 110)
    natural, painted = (
        slim("person.png", style="starry_night", faces=faces) for faces in ("natural", "painted")
    )
    assert away(seen, natural) < 1
    assert away(seen.crop(face), natural.crop(face)) < 2 < away(seen.crop(face), painted.crop(face))


@pytest.mark.slow
def test_only_the_person_is_painted(visit, one_page, slim):
    photo = Image.open(IMAGES / "astronaut.jpg")
    photo.resize((300, 300)).save("person.png")
    tab = visit(one_page)
    open_photo(tab, "person.png")
    repainted(tab, tab.get_by_label("the person").click)
    person = downloaded(tab)[0]
    assert away(person, slim("person.png", area="person", style="starry_night")) < 3
    repainted(tab, tab.get_by_label("the background").click)
    background = downloaded(tab)[0]
    assert away(background, slim("person.png", area="background", style="starry_night")) < 3
    assert "No person found." in open_photo(tab, IMAGES / "cat.jpg")


def test_a_file_that_is_no_picture(visit, one_page, tmp_path, photos):
    tab = visit(one_page)
    (tmp_path / "notes.jpg").write_text("no picture")
    tab.set_input_files("#file", "notes.jpg")
    tab.get_by_text("notes.jpg is damaged, or not a picture").wait_for()
    open_photo(tab, photos / "china" / "1.jpg")


def test_the_camera(visit, one_page, photos):
    tab = visit(one_page)
    open_photo(tab, photos / "china" / "0.jpg")
    tab.get_by_role("button", name="Camera").click()
    tab.get_by_text("frames per second").wait_for(timeout=60_000)
    assert tab.locator("#download").is_disabled()
    tab.get_by_role("button", name="Stop").click()
    tab.get_by_text("Painted in").wait_for(timeout=60_000)  # the photo is back
    assert downloaded(tab)[0].size == (96, 72)


def test_the_command_line_and_a_single_style_without_a_strip(faststyle, visit):
    said = faststyle("export", "slim:udnie", "-o", "udnie.html")
    assert said.returncode == 0 and said.stdout == "udnie.html\n"
    tab = visit(Path("udnie.html").absolute())
    assert not tab.locator("#styles").is_visible()
    assert tab.title() == "Udnie · Picabia"
    text = open("udnie.html", encoding="utf-8").read()
    assert "<title>Udnie · Picabia</title>" in text and "MIT License" in text and "@@" not in text
    fails(faststyle("export", "slim:udnie", "-o", "udnie.html"), 1, "udnie.html exists")
    coder = ASSETS / "autoencoder-slim.safetensors"
    fails(faststyle("export", coder, "-o", "coder.html"), 1, "autoencoder")
    assert len(text.encode()) < 16e6


def test_a_tiny_photo_is_painted(visit, one_page, tmp_path):
    Image.new("RGB", (3, 2), "teal").save(tmp_path / "tiny.png")
    tab = visit(one_page)
    open_photo(tab, tmp_path / "tiny.png")
    assert downloaded(tab)[0].size == (3, 2)


@pytest.mark.slow
def test_a_photo_that_is_reduced_is_said(visit, one_page, tmp_path):
    Image.new("L", (9000, 6000)).save(tmp_path / "large.png")
    tab = visit(one_page)
    open_photo(tab, tmp_path / "large.png")
    repainted(tab, lambda: tab.locator("#stroke").select_option("broadest"))
    assert "The photo has 9000×6000 px" in tab.inner_text("#said")
    tab.click("#download")  # takes long: stop it
    tab.get_by_text("Full size").wait_for()
    tab.get_by_role("button", name="Stop").click()
    tab.get_by_text("Stopped.").wait_for()
    tab.get_by_role("button", name="Download").wait_for()


def test_a_camera_without_a_photo(visit, one_page):
    tab = visit(one_page)
    tab.get_by_role("button", name="Camera").click()
    tab.get_by_text("frames per second").wait_for(timeout=60_000)
    tab.get_by_role("button", name="Stop").click()
    tab.get_by_text("or drop or paste one here").wait_for()
    with tab.expect_file_chooser():
        tab.get_by_text("or drop or paste one here").click()
    assert tab.locator("#download").is_disabled()
    assert tab.locator("#download").evaluate("e => getComputedStyle(e).cursor") == "not-allowed"


@pytest.mark.slow
def test_strokes_are_those_of_python(visit, one_page, slim, photos):
    photo = Image.open(photos / "flower" / "0.jpg").resize((192, 144))
    photo.save("flower.png")
    tab = visit(one_page)
    open_photo(tab, "flower.png")
    plain, python = (
        slim("flower.png", "starry_night"),
        with_strokes(slim("flower.png", "starry_night")),
    )
    repainted(tab, tab.get_by_label("Thick brush strokes").check)
    seen = downloaded(tab)[0]
    assert away(seen, plain) > 4
    coarse = [picture.convert("RGB").reduce(8) for picture in (seen, python)]
    assert away(*coarse) < away(seen, plain) / 2
    fine = [np.abs(np.diff(np.asarray(each, float), axis=0)).mean() for each in (seen, python)]
    assert fine[0] == pytest.approx(fine[1], rel=0.3)
