"The panel of files and a closer look: on the page and in the studio."

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pages import heard, opened, visitor
from PIL import Image, ImageOps
from playwright.sync_api import expect

from faststyle_fastai.all import Stylizer, read_picture

PORTRAIT = Path(__file__).parents[2] / "nbs" / "images" / "astronaut.jpg"
SEEN = """() => {
    const { scrollLeft, scrollTop } = document.getElementById("place");
    return [scrollLeft, scrollTop, Number(document.getElementById("split").value)];
}"""


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
def panel(visit, photos):
    "A tab with a large photo, and what it says of it."
    read_picture(photos / "flower" / "0.jpg").resize((2000, 1500)).save("large.jpg")
    tab = visit()
    return tab, opened(tab, "large.jpg")


@pytest.mark.slow
def test_a_panel_that_is_closed_makes_no_file(panel):
    tab, said = panel
    tab.get_by_role("button", name="File format and size").click()
    heard(tab, "Full size")
    tab.keyboard.press("Escape")
    expect(tab.locator("#said")).to_have_text(said)
    expect(tab.locator("#download")).to_have_text("Download", timeout=60_000)
    expect(tab.locator("#said")).to_have_text(said)  # nor that it was stopped


def test_the_panel_ends_where_something_else_begins(panel):
    tab, _ = panel
    opens, saving = tab.get_by_role("button", name="File format and size"), tab.locator("#saving")
    opens.click()
    expect(tab.locator("#format")).to_be_focused()
    box = tab.locator("#picture").bounding_box()
    tab.mouse.click(box["x"] + 0.7 * box["width"], box["y"] + 0.5 * box["height"])
    expect(saving).to_be_hidden()
    expect(tab.locator("#split")).to_have_value("0")
    opens.click()
    expect(saving).to_be_visible()
    for _ in range(9):
        tab.keyboard.press("Tab")
    expect(saving).to_be_hidden()


def test_what_is_near_is_moved_by_dragging_and_keys_and_the_line_by_its_handle(panel):
    tab, _ = panel
    for _ in range(4):
        tab.get_by_role("button", name="Zoom in").click()
    tab.locator("#split").fill("50")
    box = tab.locator("#place").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    left, top, _ = tab.evaluate(SEEN)

    def drag(x, y, by):
        tab.mouse.move(x, y)
        tab.mouse.down()
        tab.mouse.move(x + by[0], y + by[1], steps=3)
        tab.mouse.up()
        return tab.evaluate(SEEN)

    moved = drag(x + 150, y + 90, (-100, -80))
    assert moved == pytest.approx([left + 100, top + 80, 50], abs=2)
    tab.keyboard.press("Shift+ArrowLeft")
    left, top, at = tab.evaluate(SEEN)
    assert top > 0 and at == 50
    frame = tab.locator("#frame").bounding_box()
    x, y = (frame[side] + frame[size] / 2 for side, size in (("x", "width"), ("y", "height")))
    assert drag(x, y, (0.05 * frame["width"], 0)) == pytest.approx([left, top, 55], abs=1)
    tab.get_by_role("button", name="Fit").click()
    assert tab.locator("#frame").bounding_box()["height"] <= box["height"]


@pytest.mark.slow
def test_thumbnails_keep_faces(visit):
    tab = visit()
    opened(tab, PORTRAIT)
    face = tab.get_by_role("radio", name="The Great Wave")
    face.scroll_into_view_if_needed()  # they are painted once they are in sight
    thumbnail = face.locator("canvas")
    thumbnail.wait_for(state="attached", timeout=90_000)
    address = thumbnail.evaluate("canvas => canvas.toDataURL()")
    data = BytesIO(b64decode(address.split(",")[1]))
    seen = np.asarray(read_picture(Image.open(data)), float)
    photo = ImageOps.fit(read_picture(PORTRAIT), (160, 160))
    natural, painted = (
        np.asarray(Stylizer("slim", "cpu")(photo, "great_wave", faces=faces), float)
        for faces in ("natural", "painted")
    )
    face = np.abs(natural - painted).mean(2) > 10
    assert np.abs(seen - natural)[face].mean() < 0.7 * np.abs(seen - painted)[face].mean()
