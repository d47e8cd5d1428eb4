"The view of one's own styles, in Chromium if it is installed."

import json
import re
import shutil
import time
from threading import Event

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import quick_page
from pages import downloaded, forgiven, heard, opened, own_styles, repainted, saved, taught
from playwright.sync_api import expect

from faststyle_fastai.all import ASSETS, Stylizer, read_picture
from faststyle_fastai.core.assets import sample_photos
from faststyle_fastai.training.runs import train
from faststyle_fastai.web.photos import Photos


@pytest.fixture(scope="module")
def site(tmp_path_factory, painting):
    "The page's URL, and the folder of its styles: a network, and a training that was killed."
    folder = tmp_path_factory.mktemp("home") / "styles"
    folder.mkdir()
    shutil.copy(ASSETS / "gallery-tiny.safetensors", folder / "borrowed.safetensors")
    place = folder / "killed"
    place.mkdir()
    kept = shutil.copy(painting, place / "killed.png")
    how = {"device": "cpu", "quiet": True, **sample_photos()[1]}
    train(sample_photos()[0], kept, place, minutes=0.15, **how)  # two steps on a slow machine
    little = shutil.copytree(place, folder / "little")
    (little / "killed.png").rename(little / "little.png")
    record = json.loads((little / "run.json").read_text())
    record["pictures"] = 4 * record["settings"]["plan"]["bs"]
    (little / "run.json").write_text(json.dumps(record))
    (place / "model.safetensors").unlink()
    with quick_page(folder) as address:
        yield address, folder


def add(tab, painting, name):
    "Add a painting, called so, in the view of one's own styles."
    shutil.copy(painting, f"{name}.png")
    tab.locator("#new").set_input_files(f"{name}.png")
    taught(tab, f"{name[0].upper()}{name[1:]} is a style now")


def chosen(tab, name):
    tab.get_by_role("radiogroup", name="My styles").get_by_role("radio", name=name).click()


def test_a_closed_tab_ends_its_painting(visit, photos, monkeypatch):
    tab, ended = visit(), Event()
    opened(tab, photos / "flower" / "0.jpg")

    def endless(*_, watch, **how):
        try:
            while True:
                watch(0.5)
                time.sleep(0.05)
        finally:
            ended.set()

    with monkeypatch.context() as patch:
        patch.setattr(Photos, "prepared", lambda *_: (endless, {}, ""))
        tab.locator("#download").click()
        heard(tab, "Full size")
        tab.goto("about:blank")
        assert ended.wait(60)
    tab = visit()
    opened(tab, photos / "china" / "0.jpg")
    assert read_picture(downloaded(tab).path()).size == (96, 72)  # one after the other


def test_pictures_wait_in_their_places(visit):
    tab, held = visit(), []
    tab.route("**/page/example", lambda route: held.append(route))
    own_styles(tab)
    chosen(tab, "borrowed")
    work, example = tab.locator("#work"), tab.locator("#example")
    expect(work).to_have_attribute("src", re.compile("^blob:"))  # does not wait for the other
    expect(example).not_to_have_attribute("src", re.compile(""))
    assert example.bounding_box()["height"] > 200
    held[-1].continue_()
    expect(example).to_have_attribute("src", re.compile("^blob:"))


def test_pictures_of_a_style_that_goes_are_not_waited_for(visit, painting):
    tab, held = visit(), []
    own_styles(tab)
    tab.route("**/page/example", lambda route: held.append(route))
    add(tab, painting, "Brief")
    tab.once("dialog", lambda dialog: dialog.accept())
    with tab.expect_event("requestfailed") as gone:  # the server would answer 400
        tab.get_by_role("button", name="Delete").click()
    assert gone.value.url.endswith("/page/example")
    taught(tab, "Brief deleted.")
    tab.unroute_all(behavior="ignoreErrors")


@pytest.mark.slow
def test_a_training_of_few_steps_says_so(visit):
    tab, held = visit(), []
    job = {"id": "1", "kind": "training", "style": "borrowed", "state": "done", "steps": 4}

    def answer(route):
        if held:
            route.fulfill(json=[job | {"sees": 0, "done": 1}])
        else:
            held.append(route)

    tab.route("**/page/jobs", answer)
    own_styles(tab)  # which waits for the first answer
    tab.get_by_role("link", name="Photos and videos").click()
    own_styles(tab)
    chosen(tab, "borrowed")
    taught(tab, "There was too little time (steps: 4)")
    with tab.expect_response("**/page/mine"):
        held[0].fulfill(json=[])  # too late
    chosen(tab, "borrowed")
    taught(tab, "There was too little time (steps: 4)")


def test_a_training_of_few_steps_is_known_after_a_restart(visit):
    tab = visit()
    own_styles(tab)
    chosen(tab, "little")
    taught(tab, "There was too little time (steps: 4)")
    expect(tab.get_by_role("radio", name="little")).to_contain_text("trained in part")
    tab.get_by_text("Details").click()
    tab.wait_for_function("document.getElementById('curve').naturalWidth > 100")


def rename(tab, before, after):
    chosen(tab, before)
    tab.get_by_label("Name", exact=True).fill(after)
    tab.get_by_role("button", name="Rename").click()
    taught(tab, f"{before} is now {after}.")


def test_an_interrupted_training_is_renamed(visit):
    tab = visit()
    own_styles(tab)
    rename(tab, "killed", "cut")
    rename(tab, "cut", "killed")


def test_what_was_made_in_a_style_follows_its_name(visit, photos):
    tab = visit(script="0")  # thumbnails in the old name are refused
    opened(tab, photos / "china" / "0.jpg")
    for style in ("udnie", "tahiti"):
        repainted(tab, tab.locator(f"#styles [title='borrowed: {style}']").click)
    mix = tab.get_by_label("Mix with")
    repainted(tab, lambda: mix.select_option("borrowed: udnie"))
    for before, after in (("borrowed", "lent"), ("lent", "borrowed")):
        own_styles(tab)
        rename(tab, before, after)
        tab.get_by_role("link", name="Photos and videos").click()
        tab.locator(f"#styles [title='{after}: udnie']").wait_for()
        expect(tab.locator("#made-faces button")).to_have_count(4)
        expect(mix).to_have_value(f"{after}: udnie")
    repainted(tab, tab.locator("#back").click)
    repainted(tab, tab.locator("#back").click)
    assert tab.locator("#styles [title='borrowed: udnie'][aria-checked=true]").count() == 1


def test_own_styles_are_renamed_downloaded_and_removed(visit, site):
    tab = visit()
    own_styles(tab)
    chosen(tab, "borrowed")
    name = tab.get_by_label("Name", exact=True)
    expect(name).to_have_value("borrowed")
    name.fill("lent/ out")
    name.press("Enter")
    taught(tab, "borrowed is now lent out.")
    assert (site[1] / "lent_out.safetensors").is_file()
    tab.get_by_text("Take it with you").click()
    network = saved(tab, "Download the network (.safetensors)")
    assert network.suggested_filename == "lent_out.safetensors"
    assert Stylizer(network.path()).styles[0] == "starry_night"
    page = saved(tab, "Download as a web page (.html)")
    taught(tab, "lent_out.html is in your downloads.")
    assert b"<!doctype html>" in open(page.path(), "rb").read(100)
    tab.once("dialog", lambda dialog: dialog.dismiss())
    tab.get_by_role("button", name="Delete").click()
    name.fill("")
    tab.get_by_role("button", name="Rename").click()
    taught(tab, "The style needs a name.")
    forgiven(tab, visit)
    assert (site[1] / "lent_out.safetensors").is_file()
    tab.once("dialog", lambda dialog: dialog.accept())
    tab.get_by_role("button", name="Delete").click()
    taught(tab, "lent out deleted.")
    assert not (site[1] / "lent_out.safetensors").exists()
    tab.get_by_role("link", name="Photos and videos").click()
    tab.locator("#styles").get_by_text("lent out").first.wait_for(state="detached")


@pytest.mark.slow
def test_a_killed_training_is_resumed(visit, site):
    tab = visit()
    own_styles(tab)
    chosen(tab, "killed")
    taught(tab, "Its training was interrupted.")
    tab.get_by_role("button", name="Resume the training").click()
    tab.get_by_role("button", name="Paint with it").click(timeout=90_000)
    expect(tab.locator("#faces [aria-checked=true]")).to_contain_text("killed")
    assert Stylizer(site[1] / "killed").styles == ["killed"]


def test_a_painting_is_added_and_removed_in_either_view(visit, site, photo, painting, tmp_path):
    tab, other = visit(), visit()
    other.clock.install()
    other.reload()
    heard(other, "Ready.")
    seen = other.get_by_role("radio", name="Mine", exact=True)
    own_styles(tab)
    add(tab, painting, "mine")
    other.clock.fast_forward(10_000)  # after which it looks again
    seen.wait_for()
    (tmp_path / "words.png").write_text("words")
    tab.locator("#new").set_input_files(tmp_path / "words.png")
    taught(tab, "words.png cannot be read: not an image.")
    forgiven(tab, visit)
    tab.get_by_role("link", name="Photos and videos").click()
    opened(tab, photo)
    repainted(tab, tab.get_by_role("radio", name="Mine", exact=True).click)
    tab.once("dialog", lambda dialog: dialog.dismiss())
    tab.get_by_role("button", name="Delete this style").click()
    assert (site[1] / "Mine.png").exists()
    tab.once("dialog", lambda dialog: dialog.accept())
    tab.get_by_role("button", name="Delete this style").click()
    heard(tab, "Mine deleted.")
    assert not (site[1] / "Mine.png").exists()
    other.clock.fast_forward(10_000)
    seen.wait_for(state="detached")


def test_arrow_keys_choose_a_style(visit, painting):
    tab = visit()
    own_styles(tab)
    for name in ("One", "Two"):
        add(tab, painting, name)
    faces = tab.get_by_role("radiogroup", name="My styles")
    faces.get_by_role("radio", name="Two").focus()
    tab.keyboard.press("ArrowLeft")
    expect(faces.get_by_role("radio", name="One")).to_be_checked()
    tab.reload()
    expect(faces.get_by_role("radio", name="One")).to_be_checked()
    expect(tab.locator("#own-title")).to_contain_text("One")
    taught(tab, "It can paint already")


@pytest.mark.parametrize(
    "view", ["first", "photo", pytest.param("film", marks=pytest.mark.slow), "own"]
)
def test_nothing_serious_keeps_anybody_out(visit, view, photo, film):
    tab = visit()
    if view == "own":
        own_styles(tab)
        chosen(tab, "killed")
    elif view != "first":
        file = {"photo": photo, "film": film}[view]
        repainted(tab, lambda: tab.locator("#file").set_input_files(file))
    also = {"rules": {"label-content-name-mismatch": {"enabled": True}}}
    found = Axe().run(tab, options=also).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    shown = [(v["id"], node["html"][:200]) for v in serious for node in v["nodes"]]
    assert shown == []


def test_a_choice_stays_while_styles_are_read(visit, painting):
    tab = visit()
    own_styles(tab)
    for name in ("Left", "Kept", "Gone"):
        add(tab, painting, name)
    faces, held = tab.get_by_role("radiogroup", name="My styles"), []
    tab.route("**/page/mine", lambda route: held.append(route))
    tab.once("dialog", lambda dialog: dialog.accept())
    with tab.expect_request("**/page/mine"):
        tab.get_by_role("button", name="Delete").click()
    faces.get_by_role("radio", name="Left").click()
    for route in held:
        route.continue_()
    tab.unroute("**/page/mine")
    taught(tab, "Gone deleted.")
    expect(faces.get_by_role("radio", name="Left")).to_be_checked()
