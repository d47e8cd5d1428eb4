"Photos in the studio: several at once, and a closer look."

import pytest
from pages import downloaded, heard, painted_in_one_file, repainted, several
from PIL import Image

pytest.importorskip("onnx")


@pytest.mark.slow
def test_several_photos_become_one_file(visit, studio, photos):
    tab, all_of_them = visit(studio), several(photos)
    repainted(tab, lambda: tab.locator("#file").set_input_files(all_of_them))
    with tab.expect_download(timeout=90_000) as download:
        tab.get_by_role("button", name="Paint all 4 photos").click()
    heard(tab, "3 of 4 photos are in")
    painted_in_one_file(download.value, all_of_them, "starry_night")


def test_words_and_sample_come_before_the_networks(chromium, studio):
    page = studio.read_text(encoding="utf-8")
    early = page[: page.index('<script type="text/plain"')]
    assert len(early) < 1e6
    with chromium.new_page() as tab:
        tab.set_content(early)
        tab.get_by_text("Loading…").wait_for()
        tab.locator("#choose").get_by_text("Open a photo or video").wait_for()
        assert tab.locator("#sample img").first.evaluate("image => image.naturalWidth") > 400
        assert tab.locator("#choose").evaluate("button => button.inert")  # it does nothing yet


@pytest.mark.slow
def test_a_closer_look(visit, studio, china):
    tab = visit(studio)
    repainted(tab, lambda: tab.locator("#file").set_input_files(china))
    frame, place = (tab.locator(f"#{name}") for name in ("frame", "place"))
    whole, room = frame.bounding_box(), place.bounding_box()
    x, y = whole["x"] + 0.25 * whole["width"], whole["y"] + 0.75 * whole["height"]
    tab.mouse.move(x, y)
    tab.keyboard.down("Control")
    tab.mouse.wheel(0, -400)
    tab.keyboard.up("Control")
    near = frame.bounding_box()
    assert near["width"] == pytest.approx(4 * whole["width"], rel=0.01)
    if near["width"] > room["width"] and near["height"] > room["height"]:  # the point stays
        assert (x - near["x"]) / near["width"] == pytest.approx(0.25, abs=0.02)
        assert (y - near["y"]) / near["height"] == pytest.approx(0.75, abs=0.02)
    tab.locator("#split").fill("50")
    assert tab.locator("#split").bounding_box()["width"] == near["width"]
    tab.keyboard.press("-")
    assert frame.bounding_box()["width"] < near["width"]
    tab.keyboard.press("0")
    assert frame.bounding_box() == whole
    tab.get_by_role("button", name="Zoom in").click()
    assert frame.bounding_box()["width"] > whole["width"]
    repainted(tab, lambda: tab.locator("#file").set_input_files(china))
    assert frame.bounding_box()["width"] <= whole["width"]  # the strip takes some room


@pytest.mark.slow
def test_what_is_shown_can_be_saved_after_a_failure(visit, studio, china):
    tab = visit(studio)
    Image.open(china).resize((900, 600)).save("large.png")  # painted at a smaller size
    repainted(tab, lambda: tab.locator("#file").set_input_files("large.png"))

    def saved():
        return Image.open(downloaded(tab).path()).tobytes()

    before = saved()
    tab.evaluate("""() => {
        const send = Worker.prototype.postMessage;
        Worker.prototype.postMessage = function (given, ...rest) {
            const bad = given.task === "paint" && { row: new Float32Array(3) };
            return send.call(this, { ...given, ...bad }, ...rest);
        };
    }""")
    repainted(tab, lambda: tab.locator("#stroke").select_option("broad"))
    heard(tab, "could not be painted")
    assert saved() == before
