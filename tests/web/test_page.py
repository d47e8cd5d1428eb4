"The page as a visitor uses it, in Chromium if it is installed."

import json
import os
import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import av
import pytest
from conftest import free_port
from PIL import Image

from faststyle_fastai.all import read_picture
from faststyle_fastai.web.app import web_page

DESK, PHONE = (1200, 900), (390, 844)
KEYS = "number input for Strength", "range slider for Strength"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    "The page's URL and the folder of its styles."
    folder, port = tmp_path_factory.mktemp("home") / "styles", free_port()
    with web_page(folder, port=port):
        yield f"http://127.0.0.1:{port}", folder


@pytest.fixture
def visit(chromium, site):
    "A function that opens the page; at the end, checks for requests to other sites and errors."
    opened, elsewhere, errors = [], [], []

    def visit(size=DESK):
        context = chromium.new_context(
            viewport=dict(zip(("width", "height"), size)), permissions=["camera"]
        )
        tab = context.new_page()
        opened.append(context)
        tab.on("request", lambda r: elsewhere.append(r.url))
        tab.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        tab.goto(site[0])
        tab.get_by_label("Strength").first.wait_for()
        return tab

    visit.errors = errors
    yield visit
    for context in opened:
        context.close()
    assert all(url.startswith((site[0], "data:", "blob:")) for url in elsewhere)
    assert errors == []


def said(tab, where, what, seconds=90):
    script = f"document.querySelector('#{where}')?.innerText.includes({json.dumps(what)})"
    tab.wait_for_function(script, timeout=1000 * seconds)
    return tab.inner_text(f"#{where}")


def upload(tab, at, file):
    "Upload an image to a field and wait until it is shown."
    shown = "document.querySelectorAll('img[src*=\"/file=\"]').length"
    before = tab.evaluate(shown)
    tab.locator("input[type=file]").nth(at).set_input_files(file)
    tab.wait_for_function(f"{shown} > {before}")


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_photo_is_painted(visit, photos, tmp_path, size):
    photo = photos / "china" / "0.jpg"
    tab, pictures = visit(size), []
    tab.locator("input[type=file]").first.set_input_files(photo)
    said(tab, "painted", "96 x 72 px in ")
    for step in (
        lambda: tab.locator("button.thumbnail-item").nth(6).click(),
        lambda: tab.get_by_label("Strength").first.press("Home"),
    ):
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Download at full size").click()
        download.value.save_as(tmp_path / "got.jpg")
        pictures.append(read_picture(tmp_path / "got.jpg"))
        step()
        tab.wait_for_timeout(2500)
    assert [p.size for p in pictures] == [read_picture(photo).size] * 2
    assert pictures[0].tobytes() != pictures[1].tobytes()
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not tab.evaluate(wide)  # no horizontal scrolling


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
    tab, seen = visit(), []
    said(tab, "painted", "640 x 427 px in ")
    result = "[...document.querySelectorAll('#result img')].map((e) => e.src).join()"
    number, slider = (tab.get_by_label(name) for name in KEYS)
    for press in (
        lambda: slider.press("ArrowLeft"),
        lambda: (number.fill("0.5"), number.press("Enter")),
    ):
        seen.append(tab.evaluate(result))
        press()
        tab.wait_for_function(f"{result} != {json.dumps(seen[-1])}")
    assert number.input_value() == "0.5"


@pytest.mark.parametrize(
    "name, reason", [("words", "not an image"), ("huge", "more than 50 megapixels")]
)
def test_reasons_are_said(visit, tmp_path, name, reason):
    file = tmp_path / f"{name}.png"
    file.write_text("words") if name == "words" else Image.new("1", (10_000, 10_100)).save(file)
    tab = visit()
    said(tab, "painted", "640 x 427 px in ")
    tab.locator("input[type=file]").first.set_input_files(file)
    assert f"{name}.png cannot be read" in said(tab, "painted", reason)
    tab.locator("input[type=file][accept*=safetensors]").set_input_files(file)
    tab.get_by_text(f"{name}.png cannot be read").last.wait_for()
    tab.locator("button.thumbnail-item").nth(6).click()  # nothing covers the styles
    chosen(tab, "The Scream · Munch")
    assert tab.locator("#styles .selected").count() == 1


def train(tab, painting, name):
    tab.get_by_role("tab", name="Train").click()
    upload(tab, 3, painting)
    tab.get_by_label("Name of the style").fill(name)
    tab.get_by_role("button", name="Train").click()


def test_a_style_is_trained(visit, site, painting):
    tab = visit()
    train(tab, painting, "../my style")
    said(tab, "trained", "left")
    tab.get_by_role("button", name="Stop my_style").click()
    tab.get_by_role("button", name="Paint with my_style").click(timeout=60_000)
    assert (site[1] / "my_style" / "model.safetensors").is_file()
    chosen = tab.get_by_label("Style", exact=True).first
    for _ in range(100):
        if chosen.input_value() == "my_style":
            break
        tab.wait_for_timeout(100)
    assert chosen.input_value() == "my_style"
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
    first.get_by_role("button", name="Stop one").click()
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
    tab.get_by_role("button", name="Make it finer").click()
    said(tab, "trained", "left")
    tab.get_by_role("button", name="Stop waves").click()
    said(tab, "trained", "waves: stopped")
    assert (site[1] / "waves" / "model.safetensors").is_file()
    tab.get_by_role("button", name="Paint with waves").click()
    tab.get_by_role("button", name="Make it finer").wait_for(state="hidden")
    tab.wait_for_function("!document.querySelector('#painted').innerText.includes('alone')")


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


def test_the_camera_is_painted(visit):
    tab = visit()
    tab.get_by_role("tab", name="Camera").click()
    tab.get_by_text("Click to Access Webcam").click()
    tab.get_by_label("select input source").first.click()
    tab.locator("select").select_option("fake_device_1")  # one of two cameras
    tab.wait_for_timeout(1000)  # the first camera's frames end
    tab.wait_for_function("document.querySelector('video')?.readyState >= 2")
    tab.get_by_label("capture photo").click()
    said(tab, "rate", "frames/s")
    tab.get_by_label("Style", exact=True).last.click()
    tab.get_by_role("option", name="The Scream").last.click()
    tab.get_by_role("button", name="Snapshot").click()
    tab.wait_for_function("document.querySelectorAll('#snapshot img').length == 1")
    tab.locator("#record").click()
    tab.get_by_role("button", name="Stop recording").wait_for()
    tab.wait_for_timeout(4000)
    tab.get_by_role("button", name="Stop recording").click()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download the recording").click()
    with av.open(str(download.value.path())) as film:
        assert sum(1 for _ in film.decode(video=0)) > 1
    rate = re.search(r"([\d.]+) frames/s", said(tab, "rate", "frames/s"))
    assert float(rate[1]) > 2


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
        tab.wait_for_timeout(500)
        assert all(frame.locator("button").count() == 0 for frame in tab.frames)
    tab.close()
    assert stored() == files


def test_other_computers_are_warned_of(capsys, port, tmp_path):
    with web_page(tmp_path, host="0.0.0.0", port=port):
        assert "anyone who can reach this address" in capsys.readouterr().err
