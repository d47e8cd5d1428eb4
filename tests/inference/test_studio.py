"The studio in real browsers: from a file, and served as an app."

import json
import shutil
from pathlib import Path

import av
import pytest
from axe_playwright_python.sync_playwright import Axe
from clips import encode, moving
from conftest import fails
from exported import away, downloaded, open_photo
from pages import repainted, served
from PIL import Image
from playwright.sync_api import expect
from webkit import webkit

from faststyle_fastai.all import Stylizer, style_thumbnail
from faststyle_fastai.inference.html import BROWSER

pytest.importorskip("onnx")


@pytest.mark.slow
def test_like_any_painting_and_in_a_mixture(visit, studio, china, painting):
    tab = visit(studio)
    open_photo(tab, china)
    repainted(tab, lambda: tab.set_input_files("#own", painting))
    seen, name = downloaded(tab)
    assert name == "china-waves.png" and seen.size == (96, 72)
    python = Stylizer([painting, "udnie"], "cpu", "float32", arch="slim")
    python.decodes = False  # mixtures have the network that films take
    repainted(tab, lambda: tab.get_by_label("Mix with").select_option(label="Udnie"))
    mixed = downloaded(tab)[0]
    assert away(mixed, python(china, {"waves": 0.5, "udnie": 0.5})) < 1.5
    assert away(mixed, seen) > 3
    repainted(tab, tab.get_by_label("Keep the original colors").check)
    own = python(china, {"waves": 0.5, "udnie": 0.5}, keep_colors=True)
    assert away(downloaded(tab)[0], own) < 1.5


@pytest.mark.slow
def test_places_of_a_painting_are_those_of_python(visit, studio, photos):
    Image.open(photos / "china" / "0.jpg").resize((360, 240)).save("larger.png")
    Image.open(style_thumbnail("the_scream")).resize((240, 320)).save("scream.png")
    tab = visit(studio)
    open_photo(tab, "larger.png")
    repainted(tab, lambda: tab.set_input_files("#own", "scream.png"))
    python = Stylizer("scream.png", "cpu", "float32", arch="slim")("larger.png", size=168)
    seen = downloaded(tab)[0]
    assert away(seen, python) < away(seen, Image.open("larger.png")) / 4


def test_a_style_from_an_address_and_thumbnails_of_the_photo(visit, studio, china):
    tab = visit(studio)
    open_photo(tab, china)
    tab.locator("#styles canvas").first.wait_for(timeout=60_000)
    last = tab.locator("#faces button").last
    expect(last.locator("canvas")).to_have_count(0)  # it is not in sight
    last.scroll_into_view_if_needed()
    expect(last.locator("canvas")).to_have_count(1, timeout=60_000)
    repainted(tab, tab.get_by_role("radio", name="Udnie").click)
    assert tab.url.endswith("#udnie")
    tab.reload()
    assert tab.get_by_role("radio", name="Udnie").get_attribute("aria-checked") == "true"


@pytest.mark.slow
def test_a_reload_keeps_photo_settings_and_paintings(visit, studio, china, painting):
    tab = visit(studio)
    open_photo(tab, china)
    repainted(tab, lambda: tab.set_input_files("#own", painting))
    repainted(tab, lambda: tab.locator("#stroke").select_option("broad"))
    before = downloaded(tab)[0]
    tab.reload()
    tab.get_by_text("Painted in").wait_for(timeout=60_000)
    assert tab.locator("#stroke").input_value() == "broad"
    chosen = tab.locator("#styles [aria-checked=true]").inner_text()
    assert chosen.startswith("Waves") and away(downloaded(tab)[0], before) < 1


@pytest.mark.slow
def test_an_own_painting_is_removed(visit, studio, china, painting):
    tab = visit(studio)
    open_photo(tab, china)
    shutil.copy(painting, "the_scream.png")
    repainted(tab, lambda: tab.set_input_files("#own", "the_scream.png"))
    assert tab.get_by_role("radio", name="My the scream").count() == 1  # unlike the built-in one
    repainted(tab, tab.get_by_role("button", name="Delete this style").click)
    chosen = tab.locator("#styles [aria-checked=true]")
    assert chosen.inner_text().startswith("The Starry Night")
    assert tab.get_by_role("radio", name="My the scream").count() == 0
    assert not tab.get_by_role("button", name="Delete this style").is_visible()


def test_the_sample_is_seen_and_painted(visit, studio):
    tab = visit(studio)
    sides = tab.locator("#sample img")
    assert sides.count() == 2 and sides.first.evaluate("image => image.naturalWidth") > 400
    repainted(tab, tab.get_by_role("button", name="Try it with this cat").click)
    assert downloaded(tab)[1] == "cat-starry_night.jpg"


@pytest.mark.slow
def test_the_mask_is_seen_inverted_softened_and_corrected(visit, studio, china):
    tab, photo = visit(studio), Image.open(china).convert("RGB")
    open_photo(tab, china)
    everything = downloaded(tab)[0]
    tab.get_by_text("Correct by hand").click()
    tab.get_by_label("keep the photo here").check()
    box = tab.locator("#picture").bounding_box()
    tab.locator("#size").fill("30")
    x, y = box["x"] + box["width"] / 2, box["y"]
    tab.mouse.move(x, y + 5)
    tab.mouse.down()
    tab.mouse.move(x, y + box["height"] - 5, steps=5)
    repainted(tab, tab.mouse.up)
    middle, side = (44, 10, 52, 60), (0, 0, 10, 72)
    seen = downloaded(tab)[0]
    assert away(seen.crop(middle), photo.crop(middle)) < 1
    assert away(seen.crop(side), everything.crop(side)) < 1
    repainted(tab, tab.get_by_label("Swap painted and photo").check)
    seen = downloaded(tab)[0]
    assert away(seen.crop(middle), everything.crop(middle)) < 1
    assert away(seen.crop(side), photo.crop(side)) < 1
    before = tab.locator("#picture").screenshot()
    tab.get_by_label("Show what stays a photo").check()
    assert tab.locator("#picture").screenshot() != before
    tab.locator("#feather").fill("100")
    repainted(tab, lambda: tab.locator("#feather").dispatch_event("change"))
    soft = downloaded(tab)[0]
    assert away(soft, seen) > 0.5 and away(soft, everything) > 1
    repainted(tab, tab.get_by_role("button", name="Remove corrections").click)
    assert tab.get_by_label("Swap painted and photo").is_hidden()
    assert away(downloaded(tab)[0], everything) < 1
    repainted(tab, lambda: tab.keyboard.press("Control+z"))  # the corrections are back
    assert away(downloaded(tab)[0], everything) > 0.5
    tab.keyboard.press("Escape")
    assert tab.get_by_label("off", exact=True).is_checked()


@pytest.mark.slow
def test_the_mask_is_drawn_by_keyboard(visit, studio, china):
    tab, photo = visit(studio), Image.open(china).convert("RGB")
    open_photo(tab, china)
    everything = downloaded(tab)[0]
    tab.get_by_text("Correct by hand").click()
    tab.get_by_label("keep the photo here").check()
    tab.get_by_text("By keyboard").wait_for()
    tab.locator("#size").fill("30")
    tab.locator("#picture").focus()
    for key, times in (("ArrowLeft", 25), ("ArrowUp", 25)):
        for _ in range(times):
            tab.keyboard.press(key)
    tab.keyboard.down(" ")
    for _ in range(50):
        tab.keyboard.press("ArrowDown")
    repainted(tab, lambda: tab.keyboard.up(" "))
    left, right = (0, 0, 10, 72), (40, 0, 96, 72)
    seen = downloaded(tab)[0]
    assert away(seen.crop(left), photo.crop(left)) < 1
    assert away(seen.crop(right), everything.crop(right)) < 1
    tab.reload()
    tab.get_by_text("Corrected.").wait_for(timeout=60_000)
    assert away(downloaded(tab)[0], seen) < 1


def test_before_and_after_by_keyboard(visit, studio, china):
    tab = visit(studio)
    open_photo(tab, china)
    line = tab.get_by_role("slider", name="Before and after")
    line.focus()
    before = tab.locator("#picture").screenshot()
    tab.keyboard.press("End")
    assert line.input_value() == "100"
    assert tab.locator("#picture").screenshot() != before


@pytest.mark.slow
def test_a_film_frame_by_frame(visit, studio):
    encode(Path("film.webm"), moving(6), codec="libvpx")
    tab = visit(studio)
    with tab.expect_download(timeout=120_000) as saved:
        repainted(tab, lambda: tab.set_input_files("#file", "film.webm"))  # its first frame
        tab.get_by_role("button", name="Paint the video").click()
    assert saved.value.suggested_filename == "film-starry_night.webm"
    with av.open(saved.value.path()) as film:
        frames = [frame.to_image() for frame in film.decode(video=0)]
        assert film.streams.video[0].codec_context.name == "vp8"
    assert len(frames) == 6 and frames[0].size == (64, 48)
    tab.get_by_text("The video is in your downloads as .webm, with 6 of 6 frames").wait_for()
    with tab.expect_download() as again:
        tab.get_by_role("button", name="Download the video").click()
    assert again.value.path().read_bytes() == saved.value.path().read_bytes()
    repainted(tab, tab.get_by_role("radio", name="Udnie Picabia").click)
    tab.get_by_role("button", name="Download this frame").wait_for()
    Path("film.mp4").write_text("no film")
    tab.set_input_files("#file", "film.mp4")
    tab.get_by_text("film.mp4 could not be painted").wait_for()


@pytest.mark.slow
def test_a_source_for_broadcasts(visit, studio):
    tab = visit(studio)
    tab.goto(f"{studio.as_uri()}?clean&size=64#udnie")
    seen = "document.getElementById('rate').textContent.includes('frames per second')"
    tab.wait_for_function(f"() => {seen}", timeout=60_000)
    assert tab.locator("#styles [aria-checked=true]").text_content().startswith("Udnie")
    box = tab.locator("#picture").bounding_box()
    assert [box["x"], box["y"], box["width"], box["height"]] == [0, 0, 1366, 768]
    assert not tab.locator("header, footer, #styles, #strength").filter(visible=True).count()


@pytest.mark.slow
def test_the_camera_is_recorded(visit, studio):
    tab = visit(studio)
    tab.get_by_role("button", name="Camera").click()
    tab.get_by_text("frames per second").wait_for(timeout=60_000)
    tab.get_by_role("button", name="Record").click()
    tab.wait_for_timeout(1500)
    with tab.expect_download() as saved:
        tab.get_by_role("button", name="Save recording").click()
    assert saved.value.suggested_filename.startswith("faststyle-starry_night.")
    repainted(tab, tab.get_by_role("button", name="Take photo").click)
    assert downloaded(tab)[1].startswith("camera-starry_night.")
    with av.open(saved.value.path()) as film:
        assert next(film.decode(video=0)).width > 0


@pytest.mark.slow
@pytest.mark.parametrize("size", [(390, 844), (1366, 768), (2560, 1440)])
def test_anyone_can_use_it(visit, studio, china, size):
    tab = visit(studio, size)
    open_photo(tab, china)
    tab.get_by_text("Correct by hand").click()
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        found = Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
    box = tab.locator("#picture").bounding_box()
    assert box["height"] >= 0.3 * size[1] or box["width"] >= 0.9 * size[0]


def test_an_app_that_starts_without_a_network(chromium, studio, china):
    context = chromium.new_context()
    tab = context.new_page()
    tab.add_init_script("window.caches?.open('faststyle-old')")  # of an earlier version
    with served(studio.parent) as address:
        tab.goto(f"{address}/")
        manifest = tab.locator("[rel=manifest]").get_attribute("href")
        assert tab.request.get(f"{address}/{manifest}").json()["icons"]
        tab.evaluate("navigator.serviceWorker.ready")
        tab.wait_for_function("caches.keys().then((keys) => keys.length === 1)")  # the old one goes
        assert f"{address}/" in tab.evaluate("caches.keys()")[0]
    tab.reload()
    open_photo(tab, china)
    context.close()


@pytest.mark.slow
def test_firefox(studio, china, painting, tmp_path):
    if not (path := shutil.which("firefox-esr") or shutil.which("firefox")):
        pytest.skip("no Firefox here")
    from firefox import firefox

    with firefox(path, tmp_path / "saved") as tab:
        tab.goto(studio)
        tab.wait_for("#said", "Ready.")
        tab.choose("#file", china.absolute())
        tab.wait_for("#said", "Painted")
        tab.choose("#own", painting)
        tab.wait_for("#said", "Painted")
        tab.run("document.getElementById('download').click()")
        tab.wait_for("#said", "Saved at 96×72 px")


@pytest.mark.slow
def test_webkit(studio, china, painting):
    with webkit() as tab:
        tab.goto(studio)
        tab.wait_for("#said", "Ready.")
        tab.choose("#file", china.absolute())
        tab.wait_for("#said", "Painted")
        tab.choose("#own", painting)
        tab.wait_for("#said", "Painted")


def test_from_the_command_line(faststyle):
    fails(faststyle("export", "studio", "-o", "studio.onnx"), 1, "must end in .html or be a folder")
    Path("studio.html").touch()
    fails(faststyle("export", "studio", "-o", "studio.html"), 1, "studio.html exists")
    assert Path("studio.html").stat().st_size == 0


def test_the_size(studio):
    size = studio.stat().st_size
    assert size < 25e6
    for file in (BROWSER / "words").glob("*.json"):
        assert f"{size / 1e6:.0f} M" in json.loads(file.read_text(encoding="utf-8"))["studio"], file
