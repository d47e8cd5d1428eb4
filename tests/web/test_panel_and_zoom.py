"The panel of files and a closer look: on the page and in the studio."

import pytest
from pages import heard, opened, visitor
from playwright.sync_api import expect

from faststyle_fastai.all import read_picture


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
