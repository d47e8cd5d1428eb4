"What was made, settings that are undone, and files that are chosen: on the page and in the studio."

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from pages import DESK, PHONE, SAYS_PAINTED, heard, opened, repainted, several, visitor
from PIL import Image
from playwright.sync_api import expect

from faststyle_fastai.all import read_picture

WAVE, SCREAM = "The Great Wave", "The Scream Munch"
SEEN = "() => picture.toDataURL()"


@pytest.fixture(params=["page", pytest.param("studio", marks=pytest.mark.slow)])
def visit(request, chromium):
    if request.param == "page":
        address = request.getfixturevalue("site")[0]
    else:
        pytest.importorskip("onnx")
        address = request.getfixturevalue("studio").as_uri()
    with visitor(chromium, address) as visit:
        yield visit


@pytest.fixture
def large(photos):
    "A photo on which quality makes a difference."
    read_picture(photos / "flower" / "0.jpg").resize((480, 360)).save("large.jpg")
    return "large.jpg"


def style(tab, name):
    repainted(tab, tab.get_by_role("radio", name=name).click)


def made(tab):
    return tab.get_by_role("group", name="What you made").get_by_role("button")


def away(a, b):
    return np.abs(np.asarray(read_picture(a), float) - np.asarray(read_picture(b), float)).mean()


def saved(tab, button="#download"):
    with tab.expect_download(timeout=90_000) as download:
        tab.locator(button).click()
    return download.value


def test_what_was_made_comes_back_and_is_compared(visit, photos):
    tab = visit()
    style_of = tab.locator("#title")
    tab.get_by_role("radio", name=WAVE).click()
    opened(tab, photos / "china" / "0.jpg")
    first = saved(tab)
    expect(made(tab)).to_have_count(0)  # it alone is what is seen
    style(tab, SCREAM)
    repainted(tab, lambda: tab.locator("#stroke").select_option("broad"))
    scream = saved(tab)
    opened(tab, photos / "flower" / "0.jpg")
    expect(made(tab)).to_have_count(4)
    paints = []
    tab.on("request", lambda r: paints.append(r.url) if r.url.endswith("/paint") else None)
    repainted(tab, made(tab).nth(3).click)
    heard(tab, "Painted in the style of The Great Wave off Kanagawa, as before.")
    expect(style_of).to_contain_text("Hokusai")
    expect(tab.locator("#stroke")).to_have_value("medium")
    expect(made(tab).nth(3)).to_have_attribute("aria-current", "true")
    assert not paints  # it is only shown
    alone = tab.evaluate(SEEN)
    again = saved(tab)
    assert again.suggested_filename == first.suggested_filename == "0-great_wave.jpg"
    assert away(again.path(), first.path()) < 1 < 5 < away(again.path(), scream.path())
    tab.get_by_role("button", name="Compare two").click()
    heard(tab, "Left of the line: The Scream, Strokes: broad.")
    made(tab).nth(1).click()
    expect(tab.locator(".side").first).to_have_text("The Scream, Strokes: broad")
    expect(tab.locator(".side").last).to_have_text("The Great Wave off Kanagawa")
    expect(tab.get_by_label("Before and after")).to_have_value("50")
    assert tab.evaluate(SEEN) != alone
    assert Axe().run(tab).violations_count == 0
    tab.get_by_role("button", name="Compare two").click()
    expect(tab.locator(".side").first).to_have_text("Original")
    tab.locator("#split").fill("0")
    assert made(tab).count() == 4


def test_settings_go_back_and_forth(visit, photos):
    tab = visit()
    undo, redo = (
        tab.get_by_role("button", name=n) for n in ("Undo the last setting", "Redo the setting")
    )
    strength, chosen = tab.get_by_label("Strength"), tab.locator("#faces [aria-checked=true]")
    tab.get_by_role("radio", name=WAVE).click()
    opened(tab, photos / "china" / "0.jpg")
    expect(undo).to_be_disabled()
    style(tab, SCREAM)
    repainted(tab, tab.get_by_label("Keep the original colors").check)
    strength.fill("40")
    tab.locator("#strength").dispatch_event("change")
    heard(tab, SAYS_PAINTED)
    repainted(tab, lambda: tab.keyboard.press("Control+z"))
    expect(strength).to_have_value("100")
    repainted(tab, undo.click)
    expect(tab.get_by_label("Keep the original colors")).not_to_be_checked()
    repainted(tab, undo.click)
    expect(chosen).to_contain_text(WAVE)
    expect(undo).to_be_disabled()
    for _ in range(3):
        repainted(tab, lambda: tab.keyboard.press("Control+Shift+z"))
    expect(chosen).to_contain_text("The Scream")
    expect(strength).to_have_value("40")
    expect(redo).to_be_disabled()
    repainted(tab, undo.click)
    repainted(tab, lambda: tab.locator("#stroke").select_option("broad"))
    expect(redo).to_be_disabled()  # another way was taken
    repainted(tab, lambda: tab.evaluate("() => [1, 2].map(() => document.all.back.click())"))
    expect(tab.get_by_label("Keep the original colors")).not_to_be_checked()
    for _ in range(2):  # none of them was lost
        repainted(tab, redo.click)
    expect(tab.locator("#stroke")).to_have_value("broad")


def test_the_file_is_seen_before_it_is_saved(visit, large):
    tab = visit(PHONE)
    opened(tab, large)
    tab.get_by_role("button", name="File format and size").click()
    save, weight = tab.locator("#save"), tab.locator("#weight")
    expect(save).to_be_enabled(timeout=60_000)
    assert weight.inner_text().startswith("480×360 px, ")
    fine, shown = weight.inner_text(), tab.evaluate(SEEN)
    tab.locator("#format").select_option("WebP")
    tab.locator("#quality").fill("10")
    tab.locator("#quality").dispatch_event("change")
    expect(save).to_be_enabled(timeout=60_000)
    assert Axe().run(tab).violations_count == 0
    assert weight.inner_text() != fine and tab.evaluate(SEEN) != shown
    download = saved(tab, "#save")
    said = float(weight.inner_text().split(", ")[1].split()[0])
    assert download.suggested_filename.endswith(".webp")
    assert download.path().stat().st_size / 1000 == pytest.approx(said, rel=0.01)
    with Image.open(download.path()) as picture:
        assert (picture.format, picture.size) == ("WEBP", (480, 360))
    tab.locator("#format").select_option("PNG")
    expect(tab.locator("#quality")).to_be_hidden()
    expect(save).to_be_enabled(timeout=60_000)
    tab.keyboard.press("Escape")
    expect(tab.locator("#saving")).to_be_hidden()
    assert tab.evaluate("document.activeElement.id") == "as"
    assert saved(tab).suggested_filename.endswith(".png")


LATE = """() => { // the first file is measured after the next one
  const made = createImageBitmap;
  window.held = new Promise((arrived) => {
    createImageBitmap = async (...given) => {
      const picture = await made(...given);
      if (picture.width < 480) return picture; // a thumbnail
      createImageBitmap = made;
      await new Promise((go) => arrived({ go }));
      return picture;
    };
  });
}"""


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_for_a_paper_says_its_resolution(visit, large, kind):
    tab = visit()
    opened(tab, large)
    tab.evaluate(LATE)
    tab.get_by_role("button", name="File format and size").click()
    tab.evaluate("async () => { await held; }")
    tab.locator("#format").select_option(kind)
    tab.get_by_role("combobox", name="Paper").select_option("A4")
    expect(tab.locator("#weight")).to_contain_text("44 pixels per inch", timeout=60_000)
    tab.evaluate("async () => { (await held).go(); await new Promise(requestAnimationFrame); }")
    with Image.open(saved(tab, "#save").path()) as picture:
        assert [round(dpi) for dpi in picture.info["dpi"]] == [44, 44]
        assert picture.getexif().get(282, 44) == pytest.approx(44, abs=0.5)
        assert picture.size == (480, 360) and picture.format == kind
        picture.load()
    tab.locator("#format").select_option("WebP")
    expect(tab.get_by_role("combobox", name="Paper")).to_be_hidden()


def detail(image):
    light = np.asarray(image.convert("L"), float)
    return np.abs(np.diff(light, axis=0)).mean() + np.abs(np.diff(light, axis=1)).mean()


def test_twice_as_large_it_is_painted_anew(visit, photos):
    tab = visit()
    tab.get_by_role("radio", name=WAVE).click()
    opened(tab, photos / "china" / "0.jpg")
    once = read_picture(saved(tab).path())
    tab.get_by_role("button", name="File format and size").click()
    tab.get_by_role("combobox", name="Size", exact=True).select_option("2× larger")
    expect(tab.locator("#weight")).to_contain_text("192×144 px, ", timeout=60_000)
    expect(tab.locator("#as")).to_contain_text("JPEG 2×")
    twice = read_picture(saved(tab, "#save").path())
    assert once.size == (96, 72) and twice.size == (192, 144)
    assert detail(twice) > 1.1 * detail(once.resize(twice.size, Image.Resampling.BICUBIC))
    assert away(twice.resize(once.size), once) < away(once, photos / "china" / "0.jpg")
    tab.get_by_role("combobox", name="Size", exact=True).select_option("as painted")
    expect(tab.locator("#weight")).to_contain_text("96×72 px, ", timeout=60_000)


@pytest.mark.parametrize("visit", ["page"], indirect=True)
def test_what_would_be_too_large_is_not_offered(visit, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)
    Image.new("RGB", (1000, 600), "teal").save("large.png")
    tab = visit()
    opened(tab, "large.png")
    tab.get_by_role("button", name="File format and size").click()
    expect(tab.get_by_role("combobox", name="Size", exact=True)).to_be_disabled()
    tab.get_by_title("it would have more than 2 megapixels").wait_for()


# Seconds of a countdown pass sooner.
HASTE = "() => { const at = setTimeout; setTimeout = (act, ms) => at(act, ms === 1000 ? 50 : ms); }"


@pytest.mark.slow
@pytest.mark.parametrize("visit, size", [("page", PHONE), ("studio", DESK)], indirect=["visit"])
def test_the_booth_makes_a_strip_of_four_styles(visit, size):
    tab = visit(size)
    tab.get_by_role("radio", name=WAVE).click()
    tab.get_by_role("button", name="Camera").click()
    heard(tab, "The camera is painted.")
    booth = tab.get_by_role("button", name="Booth", exact=True)
    booth.click()
    heard(tab, "Four pictures, each after a 3-2-1 countdown.")
    expect(tab.locator("#count")).to_have_text("3")
    assert Axe().run(tab).violations_count == 0
    tab.keyboard.press("Escape")
    heard(tab, "Stopped.")
    tab.evaluate(HASTE)
    booth.click()
    heard(tab, "Four pictures in four styles, as a strip.")
    expect(tab.locator("#print")).to_be_focused()
    assert Axe().run(tab).violations_count == 0
    expect(tab.locator("#title")).to_contain_text(WAVE)
    expect(made(tab)).to_have_count(5)
    strip = np.asarray(read_picture(saved(tab).path()), float)
    assert strip.shape == (1800, 600, 3) and strip[:16].min() > 250 and strip[:, :16].min() > 250
    cells = [strip[30 + 432 * i :][:396, 30:570] for i in range(4)]
    assert min(np.abs(one - cells[0]).mean() for one in cells[1:]) > 5
    tab.evaluate("() => { window.print = () => (window.printed = true); }")
    tab.locator("#print").click()
    assert tab.evaluate("printed")
    tab.emulate_media(media="print")
    seen = "header, footer, aside, .styles, #made, #split, #picture"
    assert tab.locator(seen).filter(visible=True).evaluate_all("all => all.map(({id}) => id)") == [
        "picture"
    ]
    box = tab.locator("#picture").bounding_box()
    assert (box["width"], box["height"]) == (192, 576)  # two inches by six


def test_each_photo_of_several_has_its_state(visit, photos):
    tab = visit()
    tab.get_by_role("radio", name=WAVE).click()
    opened(tab, several(photos))
    queue = tab.get_by_role("group", name="The photos").get_by_role("button")
    expect(queue).to_have_count(4)
    expect(queue.first).to_have_attribute("aria-current", "true")
    expect(queue.locator("canvas")).to_have_count(3)  # one cannot be read
    with tab.expect_download(timeout=90_000):
        tab.get_by_role("button", name="Paint all 4 photos").click()
    heard(tab, "3 of 4 photos are in")
    visit.errors.clear()  # the browser's word of the refused photo
    states = [queue.nth(i).get_attribute("data-state") for i in range(4)]
    assert states == ["done", "done", "failed", "done"]
    tab.get_by_role("button", name="bad.jpg: could not be painted").wait_for()
    repainted(tab, queue.first.click)
    expect(queue.first).to_have_attribute("aria-current", "true")


@pytest.mark.slow
@pytest.mark.parametrize("visit", ["studio"], indirect=True)  # the page's is the same
def test_many_paintings_need_no_more_memory(visit, photos):
    tab = visit()
    opened(tab, photos / "china" / "0.jpg")
    tab.locator("#faces canvas").nth(4).wait_for(state="attached", timeout=90_000)
    devtools = tab.context.new_cdp_session(tab)

    def heap_after(paintings):
        for n in paintings:
            tab.locator("#strength").fill(str(n))
            style(tab, (WAVE, SCREAM)[n % 2])
        devtools.send("HeapProfiler.collectGarbage")
        return devtools.send("Runtime.getHeapUsage")["usedSize"]

    few = heap_after(range(5))
    assert heap_after(range(5, 50)) < 1.1 * few
    expect(made(tab)).to_have_count(24)  # the latest
