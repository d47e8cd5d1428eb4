"The page's tabs beyond painting and training, in Chromium if it is installed."

import os
import re
import shutil
from pathlib import Path
from urllib.parse import quote

import av
import pytest
from axe_playwright_python.sync_playwright import Axe
from clips import encode, moving
from conftest import free_port
from pages import (
    AT_REST,
    call,
    heard,
    opened,
    repainted,
    said,
    saved,
    studio,
    studio_download,
    visitor,
)
from playwright.sync_api import expect

from faststyle_fastai.all import ASSETS, Stylizer, read_picture
from faststyle_fastai.training.demo import sample_photos
from faststyle_fastai.training.runs import train
from faststyle_fastai.web.app import web_page

REFUSES = """navigator.mediaDevices.getUserMedia =
  () => Promise.reject(new DOMException("Permission denied", "NotAllowedError"));"""


@pytest.fixture(scope="module")
def site(tmp_path_factory, painting):
    "The page's URL, and the folder of its styles: a network, and a training that was killed."
    folder, port = tmp_path_factory.mktemp("home") / "styles", free_port()
    folder.mkdir()
    shutil.copy(ASSETS / "gallery-slim.safetensors", folder / "borrowed.safetensors")
    place = folder / "killed"
    place.mkdir()
    kept = shutil.copy(painting, place / "killed.png")
    how = {"device": "cpu", "quiet": True, **sample_photos()[1]}
    train(sample_photos()[0], kept, place, minutes=0.05, **how)
    (place / "model.safetensors").unlink()
    with web_page(folder, port=port):
        yield f"http://127.0.0.1:{port}", folder


@pytest.fixture
def visit(chromium, site):
    "A function that opens a tab of the page."
    with visitor(chromium, site[0]) as visit:

        def tab(name, script=""):
            tab = visit(script=script)
            tab.get_by_role("tab", name=name, exact=True).click()
            tab.wait_for_function(AT_REST)
            tab.wait_for_timeout(500)  # fields are up to date
            return tab

        yield tab


def style(tab, name):
    "A style to choose on the tab in view."
    panel = tab.get_by_role("tabpanel").filter(visible=True)
    return panel.get_by_role("group", name="Style").get_by_role("radio", name=name, exact=True)


def kept(name):
    return list(Path(os.environ["GRADIO_TEMP_DIR"]).rglob(f"*/{name}-*.jpg"))


def test_a_closed_tab_ends_its_painting(visit, photos, tmp_path):
    read_picture(photos / "flower" / "0.jpg").resize((1800, 1200)).save(tmp_path / "slow.jpg")
    tab = visit("Photo")
    opened(tab, tmp_path / "slow.jpg")
    repainted(studio(tab), lambda: studio(tab).locator("#stroke").select_option("finest"))
    studio(tab).locator("#download").click()  # for about 10 s
    heard(studio(tab), "Full size")
    tab.goto("about:blank")
    tab = visit("Photo")
    opened(tab, photos / "china" / "0.jpg")
    assert read_picture(studio_download(tab).path()).size == (96, 72)
    assert kept("0") and kept("slow") == []  # downloads are painted one at a time


def test_own_styles_are_renamed_downloaded_and_deleted(visit, site):
    tab = visit("My styles")
    style(tab, "borrowed").check()
    expect(tab.get_by_label("Name", exact=True)).to_have_value("borrowed")
    tab.get_by_label("Name", exact=True).fill("lent/ out")
    tab.get_by_role("button", name="Rename").click()
    said(tab, "shelved", "borrowed is now lent out.")
    assert (site[1] / "lent_out.safetensors").is_file()
    network = saved(tab, "Download the network (.safetensors)")
    assert network.suggested_filename == "lent_out.safetensors"
    assert Stylizer(network.path()).styles[0] == "great_wave"
    page = saved(tab, "Download as a web page (.html)")
    said(tab, "shelved", "lent_out.html is in your downloads.")
    assert page.suggested_filename == "lent_out.html"
    assert b"<!doctype html>" in open(page.path(), "rb").read(100)
    tab.once("dialog", lambda dialog: dialog.dismiss())
    tab.get_by_role("button", name="Delete").click()
    tab.get_by_label("Name", exact=True).fill("")
    tab.get_by_role("button", name="Rename").click()
    tab.get_by_text("The style needs a name.").first.wait_for()
    assert (site[1] / "lent_out.safetensors").is_file()
    tab.once("dialog", lambda dialog: dialog.accept())
    tab.get_by_role("button", name="Delete").click()
    said(tab, "shelved", "lent out is deleted.")
    assert not (site[1] / "lent_out.safetensors").exists()
    tab.get_by_role("tab", name="Photo", exact=True).click()
    studio(tab).get_by_text("lent out").first.wait_for(state="detached")


def test_a_killed_training_is_resumed(visit, site):
    tab = visit("My styles")
    style(tab, "killed (interrupted)").check()
    tab.get_by_role("button", name="Resume the training").click()
    said(tab, "shelved", "killed resumes")
    tab.get_by_role("tab", name="Teach").click()
    tab.get_by_role("button", name="Paint with killed").wait_for(timeout=90_000)
    assert Stylizer(site[1] / "killed").styles == ["killed"]


def test_a_video_is_painted_with_its_sound(visit, film):
    tab = visit("Video")
    tab.locator("input[type=file][accept*=mp4]").set_input_files(film)
    said(tab, "filmed", "1 s of video")
    frames = tab.locator(".thumbnails img")
    expect(frames).to_have_count(3, timeout=60_000)
    painted = frames.first.get_attribute("src")
    tab.get_by_label("Show the original").check()
    expect(frames.first).not_to_have_attribute("src", painted)
    tab.get_by_role("button", name="Paint the video").click()
    said(tab, "filmed", "Done.")
    tab.wait_for_function("document.querySelector('video[src*=film-]')?.readyState >= 1")
    tab.get_by_label("Show the original").check()
    tab.wait_for_function("document.querySelector('video:not([src*=film-])')?.readyState >= 1")
    with av.open(str(saved(tab, re.compile("^Download")).path())) as painted:
        assert sum(1 for _ in painted.decode(video=0)) == 24
        assert painted.streams.audio


def test_a_video_starts_with_the_style_of_the_photo(visit, painting, tmp_path):
    tab = visit("Photo")
    studio(tab).get_by_role("radio", name="Udnie Picabia", exact=True).click()
    tab.get_by_role("tab", name="Video", exact=True).click()
    expect(style(tab, "Udnie · Picabia")).to_be_checked()
    tab.get_by_role("tab", name="Photo", exact=True).click()
    shutil.copy(painting, tmp_path / "newer.png")
    studio(tab).locator("#own").set_input_files(tmp_path / "newer.png")
    heard(studio(tab), "Your painting is ready")
    tab.get_by_role("tab", name="Video", exact=True).click()
    expect(style(tab, "newer")).to_be_checked()


def test_a_painting_is_added_to_a_video_and_removed_from_the_photo(visit, site, painting, tmp_path):
    tab = visit("Video")
    shutil.copy(painting, tmp_path / "mine.png")
    panel = tab.get_by_role("tabpanel").filter(visible=True)
    with tab.expect_file_chooser() as chooser:
        panel.get_by_role("button", name="Your painting").click()
    chooser.value.set_files(tmp_path / "mine.png")
    expect(style(tab, "mine")).to_be_checked()
    tab.get_by_role("tab", name="Photo", exact=True).click()
    page = studio(tab)
    page.get_by_role("radio", name="mine", exact=True).click()
    tab.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete this painting").click()
    assert (site[1] / "mine.png").exists()
    tab.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete this painting").click()
    heard(page, "mine is deleted.")
    assert not (site[1] / "mine.png").exists()


def test_the_finest_painting_starts_with_the_photo_and_its_style(visit, photos):
    tab = visit("Photo")
    opened(tab, photos / "china" / "0.jpg")
    studio(tab).get_by_role("radio", name="Udnie Picabia", exact=True).click()
    tab.get_by_role("tab", name="Finest").click()
    panel = tab.get_by_role("tabpanel").filter(visible=True)
    for file in ("0.jpg", "udnie.jpg"):
        panel.locator(f"img[src$='{file}']").wait_for()


def test_the_page_offers_thumbnails_of_its_styles_only(site):
    port = int(site[0].rsplit(":", 1)[1])
    for name in ("udnie", "killed"):
        assert call(port, f"/studio/painting?style={quote(name)}")[0] == 200
    for name in ("", "../x", "/etc/passwd", "none"):
        assert call(port, f"/studio/painting?style={quote(name)}")[0] == 404


def test_a_film_opened_on_the_first_tab_goes_on_in_video(visit, film):
    tab = visit("Photo")
    studio(tab).locator("#file").set_input_files(film)
    said(tab, "filmed", "1 s of video")
    assert tab.get_by_role("tab", name="Video").get_attribute("aria-selected") == "true"


def test_arrow_keys_choose_a_style(visit):
    tab = visit("Video")
    style(tab, "Udnie · Picabia").focus()
    tab.keyboard.press("ArrowRight")
    expect(style(tab, "Edtaonisl · Picabia")).to_be_checked()


def test_what_is_no_short_video_is_refused(visit, film, painting, tmp_path):
    tab = visit("Video")
    field, start = tab.locator("input[type=file][accept*=mp4]"), "Paint the video"
    field.set_input_files(encode(tmp_path / "long.mp4", moving(3), times=[0, 1, 2000]))
    said(tab, "filmed", "this page takes up to 60 s")
    (tmp_path / "damaged.mp4").write_text("no video")
    field.set_input_files(tmp_path / "damaged.mp4")
    said(tab, "filmed", "damaged.mp4 is damaged, or not a video")
    expect(tab.get_by_role("button", name=start)).to_be_disabled()
    field.set_input_files(painting)
    wrong = tab.locator(".side > .bad").filter(visible=True)
    expect(wrong).to_contain_text("Invalid file type")
    field.set_input_files(film)
    said(tab, "filmed", "1 s of video")
    expect(wrong).to_have_count(0)
    expect(tab.get_by_role("button", name=start)).to_be_enabled()


def test_a_camera_that_is_refused(visit):
    tab = visit("Photo", REFUSES)
    studio(tab).get_by_role("button", name="Camera").click()
    heard(studio(tab), "The camera is not available (allow it in the browser’s settings).")


@pytest.mark.parametrize("name", ["Photo", "Video", "Teach", "My styles", "Finest"])
def test_nothing_serious_keeps_anybody_out(visit, name):
    tab = visit(name)
    tab.wait_for_function(AT_REST)
    found = Axe().run(tab).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    shown = [(v["id"], node["html"][:200]) for v in serious for node in v["nodes"]]
    assert shown == []
