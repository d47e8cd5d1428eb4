"The page as a visitor uses it, in Chromium if it is installed."

import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from exported import away
from pages import DESK, PHONE, SAYS_PAINTED, downloaded, forgiven, heard, opened, repainted, served
from PIL import Image
from playwright.sync_api import expect

from faststyle_fastai.all import BUILTIN_STYLES, Stylizer, read_picture
from faststyle_fastai.images.files import limit_pixels
from faststyle_fastai.inference.html import sample_photo
from faststyle_fastai.web.app import web_page
from faststyle_fastai.web.window import ENLARGED, PAINTED

ROOT = Path(__file__).parents[2]
SCREAM = "The Scream Munch"
# How far to the right the line has been, in percent.
FARTHEST = """() => {
    const { style } = document.getElementById("frame"), at = () => style.getPropertyValue("--n");
    window.farthest = 0;
    const watcher = new MutationObserver(() => (farthest = Math.max(farthest, at())));
    watcher.observe(document.getElementById("frame"), { attributes: true });
}"""


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_photo_is_painted(visit, photos, size):
    Image.open(photos / "china" / "0.jpg").save("china.png")
    tab, pictures = visit(size), []
    tab.get_by_role("radio", name="The Great Wave").click()  # not one trained meanwhile
    assert "Painted in" in opened(tab, "china.png")
    pictures.append(read_picture(downloaded(tab).path()))
    repainted(tab, tab.get_by_role("radio", name=SCREAM).click)
    download = downloaded(tab)
    assert download.suggested_filename == "china-the_scream.png"
    pictures.append(read_picture(download.path()))
    for picture, style in zip(pictures, ("great_wave", "the_scream")):
        wanted = np.asarray(Stylizer("slim")("china.png", style), float)
        assert np.abs(np.asarray(picture, float) - wanted).mean() < 1
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not tab.evaluate(wide)  # no horizontal scrolling


def test_a_transparent_photo_looks_as_its_file(visit, photos):
    photo = Image.open(photos / "china" / "0.jpg").convert("RGBA").resize((120, 80))
    fade = np.tile(np.linspace(0, 255, 120).clip(60, 200) - 60, (80, 1)) * 255 / 140
    photo.putalpha(Image.fromarray(fade.astype(np.uint8)))
    photo.save("faded.png")

    def compare():
        address = tab.evaluate("picture.toDataURL()")
        shown = np.asarray(Image.open(BytesIO(b64decode(address.split(",")[1]))), float)
        saved = np.asarray(Image.open(downloaded(tab).path()), float)
        assert saved.shape == (80, 120, 4) == shown.shape
        assert np.abs(shown - saved)[..., 3].max() < 2  # also where it is half transparent
        assert np.abs(shown - saved)[saved[..., 3] > 60].mean() < 3

    tab = visit()
    tab.get_by_role("radio", name=SCREAM).click()
    opened(tab, "faded.png")
    compare()
    tab.reload()
    heard(tab, SAYS_PAINTED)
    tab.locator("#as").click()
    tab.locator("#format").select_option("PNG")
    tab.locator("#save:enabled").wait_for()
    compare()


def test_the_sample_is_what_the_first_style_paints():
    painted = Stylizer("gallery", "cpu")(sample_photo(ENLARGED), next(iter(BUILTIN_STYLES)))
    assert away(painted, read_picture(PAINTED)) < 5  # as a JPEG


@pytest.mark.slow
def test_a_large_photo_is_saved_whole_and_stopped(visit, photos):
    photo = read_picture(photos / "flower" / "0.jpg").resize((1800, 1200))
    photo.save("large.jpg")
    tab = visit()
    tab.get_by_role("radio", name="The Great Wave").click()
    opened(tab, "large.jpg")
    got = read_picture(downloaded(tab).path())
    assert got.size == (1800, 1200)
    wanted = Stylizer("slim")("large.jpg", "great_wave")
    small = (np.asarray(p.resize((60, 40)), float) for p in (got, wanted))
    assert abs(next(small) - next(small)).mean() < 4
    repainted(tab, lambda: tab.locator("#stroke").select_option("finest"))
    tab.locator("#download").click()
    heard(tab, "Full size")
    tab.get_by_role("button", name="Stop").click()
    heard(tab, "Stopped.")


@pytest.mark.slow
def test_only_the_person_is_painted_and_the_mask_is_corrected(visit):
    photo = read_picture(ROOT / "nbs" / "images" / "astronaut.jpg")
    tab = visit()
    opened(tab, ROOT / "nbs" / "images" / "astronaut.jpg")
    assert tab.locator("#invert").is_hidden()  # with everything painted, nothing can be swapped

    def changed():
        picture = np.asarray(read_picture(downloaded(tab).path()), float)
        return np.abs(picture - np.asarray(photo, float)).mean(2)

    repainted(tab, tab.get_by_label("the person").click)
    person = changed()
    assert person[:150, 350:].mean() < 5 < 20 < person[300:450, 120:300].mean()
    tab.get_by_text("Correct by hand").click()
    tab.get_by_label("paint here", exact=True).check()
    tab.locator("#size").fill("20")
    box = tab.locator("#picture").bounding_box()
    tab.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.1 * box["height"])
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.1 * box["height"], steps=4)
    repainted(tab, tab.mouse.up)
    assert changed()[30:70, 415:460].mean() > 10
    repainted(tab, tab.get_by_label("Swap painted and photo").check)
    inverted = changed()
    assert inverted[300:450, 120:300].mean() < 5 < inverted[300:480, 20:60].mean()
    assert "No person found. The whole photo" in opened(tab, ROOT / "nbs" / "images" / "cat.jpg")
    assert tab.get_by_role("radio", name="all", exact=True).is_checked()


def test_a_tiny_photo_is_painted(visit, tmp_path):
    Image.new("RGB", (3, 5), "red").save(tmp_path / "tiny.png")
    tab = visit()
    opened(tab, tmp_path / "tiny.png")
    assert read_picture(downloaded(tab).path()).size == (3, 5)


def test_thick_strokes_are_painted_and_saved(visit, photos):
    tab = visit()
    opened(tab, photos / "china" / "0.jpg")
    pictures = [read_picture(downloaded(tab).path())]
    repainted(tab, tab.get_by_label("Thick brush strokes").check)
    pictures.append(read_picture(downloaded(tab).path()))
    plain, brushed = (np.asarray(picture, float) for picture in pictures)
    assert np.abs(brushed - plain).mean() > 3


def test_the_first_screen_shows_what_it_is_for(visit):
    tab = visit((1366, 768))
    tab.get_by_role("heading", name="faststyle").wait_for()
    tab.get_by_role("button", name="Open a photo or video").wait_for()
    assert tab.locator("#first").bounding_box()["height"] > 0.5 * 768
    tab.get_by_text("Add a painting").first.wait_for()
    assert tab.locator("#styles button").count() >= 14


def test_controls_work_from_the_keyboard(visit, photos):
    tab = visit()
    opened(tab, photos / "china" / "0.jpg")
    repainted(tab, lambda: tab.get_by_label("Strength").press("ArrowLeft"))
    assert tab.get_by_label("Strength").input_value() == "99"
    repainted(tab, lambda: tab.get_by_role("radio", name=SCREAM).press("Enter"))


@pytest.mark.slow
def test_a_photo_that_the_server_would_refuse_is_sent_smaller(visit, tmp_path):
    Image.new("1", (10_000, 10_100)).save(tmp_path / "huge.png")
    limit_pixels(50)  # the page's; each test starts with Pillow's
    tab = visit()
    tab.locator("#file").set_input_files(tmp_path / "huge.png")
    heard(tab, "this browser paints at most 16 megapixels")
    tab.locator("#own").set_input_files(tmp_path / "huge.png")  # so is a painting
    heard(tab, "Huge is a style now")


def test_reasons_are_said(visit, photos, tmp_path):
    file = tmp_path / "words.png"
    file.write_text("words")
    tab = visit()
    tab.locator("#file").set_input_files(file)
    heard(tab, "cannot be read: not an image")
    forgiven(tab, visit)  # one refusal: it is not sent again for the thumbnails
    opened(tab, photos / "china" / "0.jpg")
    tab.locator("#own").set_input_files(file)
    heard(tab, "words.png cannot be read: not an image.")
    forgiven(tab, visit)
    repainted(tab, tab.get_by_role("radio", name=SCREAM).click)


@pytest.mark.slow
def test_the_camera_is_painted_and_recorded(visit):
    tab = visit()
    tab.get_by_role("button", name="Camera").click()
    tab.get_by_text("frames per second").wait_for(timeout=90_000)
    tab.get_by_role("radio", name=SCREAM).click()
    for pictures in (
        4,
        8,
        16,
        32,
    ):  # a browser drops pictures that a busy machine cannot encode in time
        tab.get_by_role("button", name="Record").click()
        for _ in range(pictures):
            expect(tab.locator("#rate")).not_to_have_text(tab.locator("#rate").inner_text())
        with tab.expect_download() as saved:
            tab.get_by_role("button", name="Save recording").click()
        with av.open(saved.value.path()) as film:
            recorded = sum(1 for _ in film.decode(video=0))
        if recorded > 2:
            break
    assert recorded > 2
    tab.get_by_role("button", name="Stop").click()
    heard(tab, "Ready.")


@pytest.fixture
def neighbor(tmp_path):
    "The URL of another site on this machine."
    (tmp_path / "index.html").write_text("<title>elsewhere</title>")
    with served(tmp_path) as address:
        yield address


def test_other_sites_get_nothing_through_the_browser(chromium, page, neighbor):
    port, _, folder = page
    site, files = f"http://127.0.0.1:{port}", set(folder.glob("*/*"))
    tab = chromium.new_page()
    assert tab.goto(f"http://evil.example:{port}/page/styles").status == 403  # sent here by DNS
    assert "great_wave" not in tab.content()
    post = """async ([url, mode, body]) => {
        try { return await (await fetch(url, {method: 'POST', mode, body})).text() }
        catch (error) { return 'blocked' }
    }"""
    named = f"http://evil.example:{port}/page/photo"
    assert "does not serve the host" in tab.evaluate(post, [named, "same-origin", "x"])
    for origin in (neighbor, neighbor.replace("127.0.0.1", "evil.example")):
        tab.goto(origin)
        for host in (site, site.replace("127.0.0.1", "localhost")):
            got = tab.evaluate(post, [f"{host}/page/refine", "cors", "{}"])
            assert got in ("blocked", "This page refuses requests from other sites.")
            tab.evaluate(post, [f"{host}/api/paint?style=udnie", "no-cors", "x"])
        tab.set_content(f"<iframe src='{site}'></iframe>")
        tab.frames[1].wait_for_url("chrome-error:**")
        assert all(frame.locator("button").count() == 0 for frame in tab.frames)
    tab.close()
    assert set(folder.glob("*/*")) == files


def test_other_computers_are_warned_of(capsys, port, tmp_path):
    with web_page(tmp_path, host="0.0.0.0", port=port):
        assert "anyone who can reach this address" in capsys.readouterr().err


def test_a_photo_that_only_the_server_can_read(visit, photos):
    read_picture(photos / "china" / "0.jpg").save("china.tif")
    tab = visit()
    opened(tab, "china.tif")
    assert read_picture(downloaded(tab).path()).size == (96, 72)
    assert "96×72" in tab.locator("#said").inner_text()


def test_the_first_painting_sweeps_in(visit, photos):
    tab = visit()
    tab.emulate_media(reduced_motion="no-preference")
    tab.reload()
    tab.evaluate(FARTHEST)
    opened(tab, photos / "china" / "0.jpg")
    expect(tab.locator("#frame")).to_have_attribute("style", re.compile("--n: 0;"))
    assert tab.evaluate("farthest") > 50
    expect(tab.get_by_label("Before and after")).to_have_value("0")  # nothing to announce
    opened(tab, photos / "china" / "0.jpg")
    tab.evaluate("farthest = 0")
    opened(tab, photos / "china" / "0.jpg")
    assert tab.evaluate("farthest") == 0  # only once


def test_the_brushes_are_seen_on_a_phone(visit, photos):
    tab = visit(PHONE)
    opened(tab, photos / "china" / "0.jpg")
    tab.get_by_text("Correct by hand").click()
    expect(tab.get_by_text("keep the photo here")).to_be_in_viewport()
    picture = tab.locator("#picture").bounding_box()
    brushes = tab.locator("#brush").bounding_box()
    assert brushes["y"] > picture["y"] + picture["height"]
