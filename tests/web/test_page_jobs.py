"Trainings and optimizations on the page, in Chromium if it is installed."

import numpy as np
import pytest
from pages import heard, opened, repainted, said, studio, studio_download, visitor
from PIL import Image
from playwright.sync_api import expect

from faststyle_fastai.all import Stylizer, read_picture


@pytest.fixture
def visit(chromium, site):
    with visitor(chromium, site[0]) as visit:
        yield visit


def upload(tab, field, file):
    "Upload an image to a field and wait until it is shown."
    shown = "document.querySelectorAll('img[src*=\"/file=\"]').length"
    before = tab.evaluate(shown)
    field.set_input_files(file)
    tab.wait_for_function(f"{shown} > {before}")


def fields(tab):
    "The upload fields of the tab in view."
    panel = tab.get_by_role("tabpanel").filter(visible=True)
    return panel.locator("input[type=file]")


def train(tab, painting, name):
    tab.get_by_role("tab", name="Teach").click()
    upload(tab, fields(tab).first, painting)
    tab.get_by_label("Name of the style").fill(name)
    tab.get_by_label("Minutes").first.fill("2")  # the sooner it is known how long it takes
    tab.get_by_role("button", name="Teach it").click()


def test_a_style_is_trained(visit, site, painting):
    tab = visit()
    train(tab, painting, "../my style")
    said(tab, "trained", "left")
    tab.get_by_role("button", name="Stop my style").click()
    tab.get_by_role("button", name="Paint with my style").click(timeout=60_000)
    assert (site[1] / "my_style" / "model.safetensors").is_file()
    style = studio(tab).get_by_role("radio", name="my style")
    style.wait_for()
    assert style.get_attribute("aria-checked") == "true"
    assert list(site[1].parent.glob("my*")) == []


def test_a_training_belongs_to_the_page(visit, site, painting):
    first = visit()
    train(first, painting, "one")
    said(first, "trained", "one: ")
    second = visit()
    train(second, painting, "two")
    said(second, "trained", "two: Waiting for a training. You are next.")  # one at a time
    assert visit.errors == []
    first.reload()
    visit.errors.clear()  # the reload cut off what was being loaded
    first.get_by_role("tab", name="Teach").click()
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


def test_a_painting_is_painted_at_once_and_taught(visit, site, photos, painting):
    tab = visit()
    page = studio(tab)
    opened(tab, photos / "china" / "0.jpg")
    page.locator("#own").set_input_files(painting)
    heard(page, "Not close enough?")
    assert (site[1] / "waves.png").is_file()
    repainted(page, lambda: page.get_by_label("Mix with").select_option(label="Udnie"))
    mixed = np.asarray(read_picture(studio_download(tab).path()), float)
    wanted = Stylizer([painting, "udnie"])(photos / "china" / "0.jpg", {"waves": 0.5, "udnie": 0.5})
    assert np.abs(mixed - np.asarray(wanted, float)).mean() < 3  # but for the JPEG
    tab.get_by_role("tab", name="Teach").click()
    tab.get_by_label("Or one of My styles").click()
    tab.get_by_role("option", name="waves").click()
    expect(tab.get_by_label("Name of the style")).to_have_value("waves")
    tab.get_by_role("button", name="Teach it").click()
    said(tab, "trained", "left")
    tab.get_by_role("button", name="Stop waves").click()
    said(tab, "trained", "waves: stopped")
    assert (site[1] / "waves" / "model.safetensors").is_file()
    tab.get_by_role("button", name="Paint with waves").click()
    page.locator("#said").filter(has_text="Painted in").filter(has_not_text="Not close").wait_for()
    tab.get_by_role("tab", name="Teach").click()
    tab.get_by_role("button", name="Discard waves").click()
    tab.get_by_role("button", name="Discard waves").wait_for(state="hidden")
    assert not (site[1] / "waves").exists() and (site[1] / "waves.png").is_file()


def test_a_picture_is_optimized_and_stopped(visit, photos, painting):
    def start(size):
        tab = visit()
        tab.get_by_role("tab", name="Finest").click()
        upload(tab, fields(tab).nth(0), photos / "china" / "0.jpg")
        upload(tab, fields(tab).nth(1), painting)
        said(tab, "optimized", "Ready to paint.")
        tab.get_by_label("Longer side, px").first.fill(size)
        assert tab.get_by_role("button", name="Stop").is_hidden()
        tab.get_by_role("button", name="Paint it").click()
        said(tab, "optimized", "First a small sketch")
        return tab

    start("512").context.close()  # ends its work, for which the next would wait in the queue
    tab = start("64")
    tab.get_by_role("button", name="Stop").click()
    said(tab, "optimized", " px.")  # how large it is
    tab.get_by_role("button", name="Stop").wait_for(state="hidden")
