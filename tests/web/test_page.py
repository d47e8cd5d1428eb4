"The page as a visitor uses it, in Chromium if it is installed."

import json
import os
import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import av
import numpy as np
import pytest
from conftest import free_port
from pages import DESK, PHONE, said, saved, visitor
from PIL import Image

from faststyle_fastai.all import Stylizer, read_picture
from faststyle_fastai.images.files import limit_pixels
from faststyle_fastai.web.app import web_page

ROOT = Path(__file__).parents[2]
SCREAM = "The Scream · Munch"
KEYS = "number input for Strength", "range slider for Strength"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    "The page's URL and the folder of its styles."
    folder, port = tmp_path_factory.mktemp("home") / "styles", free_port()
    with web_page(folder, port=port):
        yield f"http://127.0.0.1:{port}", folder


@pytest.fixture
def visit(chromium, site):
    with visitor(chromium, site[0]) as visit:
        yield visit


def repainted(tab, act):
    "Do something, and wait until the page shows another painting."
    result = "[...document.querySelectorAll('#result img')].map((e) => e.src).join()"
    before = tab.evaluate(result)
    act()
    tab.wait_for_function(f"{result} != {json.dumps(before)}")


def upload(tab, at, file):
    "Upload an image to a field and wait until it is shown."
    shown = "document.querySelectorAll('img[src*=\"/file=\"]').length"
    before = tab.evaluate(shown)
    tab.locator("input[type=file]").nth(at).set_input_files(file)
    tab.wait_for_function(f"{shown} > {before}")


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_photo_is_painted(visit, photos, size):
    photo = photos / "china" / "0.jpg"
    tab, pictures = visit(size), []
    said(tab, "painted", "640 x 427 px in ")
    tab.locator("input[type=file]").first.set_input_files(photo)
    said(tab, "painted", "96 x 72 px in ")
    pictures.append(read_picture(saved(tab, "Download at full size").path()))
    repainted(tab, tab.locator("button.thumbnail-item").nth(6).click)
    chosen(tab, SCREAM)
    pictures.append(read_picture(saved(tab, "Download at full size").path()))
    assert [p.size for p in pictures] == [read_picture(photo).size] * 2
    assert pictures[0].tobytes() != pictures[1].tobytes()
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not tab.evaluate(wide)  # no horizontal scrolling


def test_only_the_person_is_painted(visit):
    tab = visit()
    said(tab, "painted", "640 x 427 px in ")
    tab.locator("input[type=file]").first.set_input_files(ROOT / "nbs" / "images" / "astronaut.jpg")
    said(tab, "painted", "512 x 512 px in ")
    repainted(tab, lambda: tab.get_by_label("the person").check())
    picture = read_picture(saved(tab, "Download at full size").path())
    photo = read_picture(ROOT / "nbs" / "images" / "astronaut.jpg")
    changed = np.abs(np.asarray(picture, float) - np.asarray(photo, float)).mean(2)
    assert changed[:150, 350:].mean() < 5 < 20 < changed[300:450, 120:300].mean()
    tab.locator("input[type=file]").first.set_input_files(ROOT / "nbs" / "images" / "cat.jpg")
    said(tab, "painted", "No person is found: no face can be seen.")


def test_the_first_screen_shows_what_it_is_for(visit):
    tab = visit((1366, 768))
    tab.get_by_role("heading", name="Turn your photos into paintings").wait_for()
    said(tab, "painted", "640 x 427 px in ")  # an example
    tab.get_by_text("The Scream · Munch").first.wait_for()
    result, strength = (
        part.bounding_box() for part in (tab.locator("#result"), tab.get_by_label("Strength").first)
    )
    assert result["y"] < strength["y"] < 768  # in view together
    tab.get_by_role("button", name="More").click()
    tab.get_by_label("Mix with").click()
    tab.get_by_role("option", name="The Scream").wait_for()


def test_all_styles_are_within_reach_on_a_phone(visit):
    tab = visit(PHONE)
    said(tab, "painted", "640 x 427 px in ")
    whole = """() => [...document.querySelectorAll("#styles .caption-label")].map(
        (e) => e.innerText.includes("…") || e.scrollWidth > e.clientWidth)"""
    assert tab.evaluate(whole) == [False] * 14
    tab.locator("button.thumbnail-item").last.click()  # scrolls to it
    chosen(tab, "Woman with a Hat · Matisse")


def chosen(tab, title):
    script = "title => document.querySelector('[aria-label=Style]').value == title"
    tab.wait_for_function(script, arg=title)


def test_controls_work_from_the_keyboard(visit):
    tab = visit()
    said(tab, "painted", "640 x 427 px in ")
    number, slider = (tab.get_by_label(name) for name in KEYS)
    repainted(tab, lambda: slider.press("ArrowLeft"))
    repainted(tab, lambda: (number.fill("0.5"), number.press("Enter")))
    assert number.input_value() == "0.5"


@pytest.mark.parametrize(
    "name, reason", [("words", "not an image"), ("huge", "more than 50 megapixels")]
)
def test_reasons_are_said(visit, tmp_path, name, reason):
    file = tmp_path / f"{name}.png"
    file.write_text("words") if name == "words" else Image.new("1", (10_000, 10_100)).save(file)
    limit_pixels(50)  # the page's; each test starts with Pillow's
    tab = visit()
    said(tab, "painted", "640 x 427 px in ")
    tab.locator("input[type=file]").first.set_input_files(file)
    assert f"{name}.png cannot be read" in said(tab, "painted", reason)
    tab.locator("input[type=file][accept*=safetensors]").set_input_files(file)
    tab.get_by_text(f"{name}.png cannot be read").last.wait_for()
    tab.locator("button.thumbnail-item").nth(6).click()  # nothing covers the styles
    chosen(tab, SCREAM)
    assert tab.locator("#styles .selected").count() == 1


def train(tab, painting, name):
    tab.get_by_role("tab", name="Train").click()
    upload(tab, 3, painting)
    tab.get_by_label("Name of the style").fill(name)
    tab.get_by_label("Minutes").first.fill("2")  # the sooner it is known how long it takes
    tab.get_by_role("button", name="Train").click()


def test_a_style_is_trained(visit, site, painting):
    tab = visit()
    train(tab, painting, "../my style")
    said(tab, "trained", "left")
    tab.get_by_role("button", name="Stop my_style").click()
    tab.get_by_role("button", name="Paint with my_style").click(timeout=60_000)
    assert (site[1] / "my_style" / "model.safetensors").is_file()
    chosen(tab, "my_style")
    assert list(site[1].parent.glob("my*")) == []


def test_a_training_belongs_to_the_page(visit, site, painting):
    first = visit()
    train(first, painting, "one")
    said(first, "trained", "one: ")
    second = visit()
    train(second, painting, "two")
    said(second, "trained", "two: waits, place 1")  # one at a time
    assert visit.errors == []
    first.reload()
    visit.errors.clear()  # the reload cut off what was being loaded
    first.get_by_role("tab", name="Train").click()
    said(first, "trained", "left")  # it went on
    first.get_by_role("button", name="Stop two").click()  # while it waits
    while "one: stop" not in first.inner_text("#trained"):  # a click on a button made anew is lost
        first.get_by_role("button", name="Stop one").click()
        first.get_by_text("one: stop").or_(first.get_by_text("left")).first.wait_for()
    said(first, "trained", "one: stopped")
    said(first, "trained", "two: stopped")
    assert (site[1] / "one" / "model.safetensors").is_file()
    assert not (site[1] / "two").exists()


def test_a_tiny_painting_is_refused(visit, tmp_path):
    Image.new("RGB", (9, 9), "red").save(tmp_path / "dot.png")
    tab = visit()
    train(tab, tmp_path / "dot.png", "dot")
    tab.get_by_text("too few for strokes").first.wait_for()


def test_a_painting_is_painted_at_once_and_made_finer(visit, site, photos, painting):
    tab = visit()
    tab.locator("input[type=file]").first.set_input_files(photos / "china" / "0.jpg")
    said(tab, "painted", "96 x 72 px in ")
    tab.locator("input[type=file][accept*=safetensors]").set_input_files(painting)
    said(tab, "painted", "read from the painting alone")
    tab.get_by_role("button", name="Train it").click()
    said(tab, "trained", "left")
    tab.get_by_role("button", name="Stop waves").click()
    said(tab, "trained", "waves: stopped")
    assert (site[1] / "waves" / "model.safetensors").is_file()
    tab.get_by_role("button", name="Paint with waves").click()
    tab.get_by_role("button", name="Train it").wait_for(state="hidden")
    tab.wait_for_function("!document.querySelector('#painted').innerText.includes('alone')")


def test_a_style_is_refined_on_the_photo_and_kept(visit, site, photos):
    tab, kept = visit(), [site[1] / f"the_scream-finer{end}" for end in (".safetensors", ".png")]
    tab.locator("input[type=file]").first.set_input_files(photos / "china" / "0.jpg")
    said(tab, "painted", "96 x 72 px in ")
    repainted(tab, tab.get_by_text(SCREAM).first.click)
    repainted(tab, tab.get_by_role("button", name="Finer").click)  # a preview
    said(tab, "painted", "Refining: ")
    tab.get_by_role("button", name="Stop", exact=True).click()
    said(tab, "painted", "refined on this photo")
    painted = read_picture(saved(tab, "Download at full size").path())
    tab.get_by_role("button", name="Keep as a style").click()
    chosen(tab, "the_scream-finer")
    tab.get_by_role("button", name="Keep as a style").wait_for(state="hidden")
    paint = Stylizer(kept[0])
    photo = read_picture(photos / "china" / "0.jpg")
    off = np.asarray(paint(photo), int) - np.asarray(painted, int)
    assert abs(off).mean() < 3  # but for the JPEG
    for file in kept:
        file.unlink()


def test_a_picture_is_optimized_and_stopped(visit, photos, painting):
    def start(size):
        tab = visit()
        tab.get_by_role("tab", name="Optimize").click()
        upload(tab, -2, photos / "china" / "0.jpg")
        upload(tab, -1, painting)
        tab.get_by_label("Longer side, px").first.fill(size)
        tab.get_by_role("button", name="Optimize").click()
        said(tab, "optimized", "iteration ")
        return tab

    start("512").context.close()  # ends its work, for which the next would wait in the queue
    tab = start("64")
    tab.get_by_role("button", name="Stop").click()
    assert "px, iteration" in said(tab, "optimized", "ed.")


SECOND_CAMERA = """() => {
    const video = document.querySelector("video");
    return video?.readyState >= 2 && video.srcObject.getVideoTracks()[0].label == "fake_device_1";
}"""
SIX_PICTURES = """() => {
    window.seen ??= new Set();
    document.querySelectorAll("[role=tabpanel] img").forEach((e) => seen.add(e.src));
    window.atFirst ??= seen.size;
    return seen.size >= atFirst + 6;
}"""


def test_the_camera_is_painted(visit):
    tab = visit()
    tab.get_by_role("tab", name="Camera").click()
    tab.get_by_text("Click to Access Webcam").click()
    tab.get_by_label("select input source").first.click()
    tab.locator("select").select_option("fake_device_1")  # one of two cameras
    tab.wait_for_function(SECOND_CAMERA)
    tab.get_by_label("capture photo").click()
    said(tab, "rate", "frames/s")
    tab.get_by_label("Style", exact=True).last.click()
    tab.get_by_role("option", name="The Scream").last.click()
    tab.get_by_role("button", name="Snapshot").click()
    tab.wait_for_function("document.querySelectorAll('#snapshot img').length == 1")
    tab.locator("#record").click()
    tab.get_by_role("button", name="Stop recording").wait_for()
    tab.wait_for_function(SIX_PICTURES)
    tab.get_by_role("button", name="Stop recording").click()
    with av.open(str(saved(tab, "Download the recording").path())) as film:
        assert sum(1 for _ in film.decode(video=0)) > 2
    assert re.search(r"\d\.\d frames/s", said(tab, "rate", "frames/s"))


def test_what_is_missing_is_said(visit):
    tab = visit()
    tab.get_by_role("tab", name="Train").click()
    tab.get_by_role("button", name="Train").click()
    tab.get_by_text("Choose a painting.").first.wait_for()


@pytest.fixture
def neighbor(tmp_path):
    "The URL of another site on this machine."
    (tmp_path / "index.html").write_text("<title>elsewhere</title>")
    serve = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def stored():
    "The page's files, but for the example that is painted for each visitor."
    files = Path(os.environ["GRADIO_TEMP_DIR"]).rglob("*.*")
    return {file for file in files if not file.name.startswith(("china", "before"))}


def test_other_sites_get_nothing_through_the_browser(chromium, site, neighbor):
    port = site[0].rpartition(":")[2]
    files = stored()
    tab = chromium.new_page()
    assert tab.goto(f"http://evil.example:{port}/config").status == 403  # redirected here by DNS
    assert "components" not in tab.content()
    post = """async ([url, mode, body]) => {
        try { return await (await fetch(url, {method: 'POST', mode, body})).text() }
        catch (error) { return 'blocked' }
    }"""
    named = f"http://evil.example:{port}/gradio_api/upload"
    assert "does not serve the host" in tab.evaluate(post, [named, "same-origin", "x"])
    form = "--x\r\nContent-Disposition: form-data; name='files'; filename='a.txt'\r\n\r\na\r\n--x--"
    for origin in (neighbor, neighbor.replace("127.0.0.1", "evil.example")):
        tab.goto(origin)
        for host in (site[0], site[0].replace("127.0.0.1", "localhost")):
            got = tab.evaluate(post, [f"{host}/gradio_api/call/snapshot", "cors", "{}"])
            assert got in ("blocked", "This page refuses requests from other sites.")
            tab.evaluate(post, [f"{host}/gradio_api/upload", "no-cors", form])
        tab.set_content(f"<iframe src='{site[0]}'></iframe>")
        tab.frames[1].wait_for_url("chrome-error:**")
        assert all(frame.locator("button").count() == 0 for frame in tab.frames)
    tab.close()
    assert stored() == files


def test_other_computers_are_warned_of(capsys, port, tmp_path):
    with web_page(tmp_path, host="0.0.0.0", port=port):
        assert "anyone who can reach this address" in capsys.readouterr().err
