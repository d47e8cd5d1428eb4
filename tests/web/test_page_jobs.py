"Trainings and refinings on the page, in Chromium if it is installed."

import re
import shutil
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pages import downloaded, forgiven, heard, opened, own_styles, repainted, taught
from PIL import Image
from playwright.sync_api import expect

from faststyle_fastai.all import Stylizer, optimize_style, read_picture, train
from faststyle_fastai.web import visits
from faststyle_fastai.web.refining import Refined

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    "Small networks on small crops, which are the same to the page."
    monkeypatch.setattr(
        "faststyle_fastai.web.teaching.train", partial(train, size=64, bs=2, arch="tiny")
    )


def teach(tab, painting, name, tmp_path):
    shutil.copy(painting, tmp_path / f"{name}.png")
    own_styles(tab)
    tab.locator("#new").set_input_files(tmp_path / f"{name}.png")
    radio = tab.get_by_role("radiogroup", name="My styles").get_by_role("radio", name=name)
    radio.and_(tab.locator("[aria-checked=true]")).wait_for()  # what is said may have changed again
    tab.get_by_label("Time").fill("2")  # the sooner it is known how long it takes
    tab.get_by_role("button", name="Train it").click()


def test_a_style_is_taught_and_used(visit, site, photo, painting, tmp_path):
    tab = visit()
    opened(tab, photo)
    teach(tab, painting, "My Style", tmp_path)
    taught(tab, "left")
    tab.get_by_role("button", name="Stop").click()
    taught(tab, "What it has learned is saved.")
    repainted(tab, tab.get_by_role("button", name="Paint with it").click)
    assert (site[1] / "My_Style" / "model.safetensors").is_file()
    expect(tab.locator("#faces [aria-checked=true]")).to_contain_text("My Style")


@pytest.mark.slow
def test_a_training_belongs_to_the_page(visit, site, painting, tmp_path):
    first = visit()
    teach(first, painting, "One", tmp_path)
    taught(first, "left")
    second = visit()
    teach(second, painting, "Two", tmp_path)
    taught(second, "waiting for a training to end. You are next.")  # one at a time
    first.reload()
    visit.errors.clear()  # the reload cut off what was being loaded
    faces = first.get_by_role("radiogroup", name="My styles")
    faces.get_by_role("radio", name="One").click()
    taught(first, "left")  # it went on
    faces.get_by_role("radio", name="Two").click()
    taught(first, "You are next.")
    first.get_by_role("button", name="Stop").click()  # while it waits
    taught(first, "It can paint already")
    faces.get_by_role("radio", name="One").click()
    first.get_by_role("button", name="Stop").click()
    taught(first, "What it has learned is saved.")
    assert (site[1] / "One" / "model.safetensors").is_file()
    assert not (site[1] / "Two").exists()


def test_a_tiny_painting_is_refused(visit, tmp_path):
    Image.new("RGB", (9, 9), "red").save(tmp_path / "red.png")
    tab = visit()
    own_styles(tab)
    tab.locator("#new").set_input_files(tmp_path / "red.png")
    taught(tab, "too few for strokes")
    forgiven(tab, visit)


@pytest.mark.slow
def test_a_folder_of_photos_is_learned_on(visit, site, photos, painting, tmp_path):
    tab = visit()
    shutil.copy(painting, tmp_path / "Learned.png")
    own_styles(tab)
    tab.locator("#new").set_input_files(tmp_path / "Learned.png")
    taught(tab, "Learned is a style now")
    tab.get_by_label("Photos to learn on").select_option("folder")
    tab.get_by_role("button", name="Train it").click()
    taught(tab, "Choose a folder with photos.")
    tab.locator("#learn").set_input_files(photos / "china")
    tab.get_by_text("7 photos").wait_for()
    tab.get_by_label("Time").fill("1")
    tab.get_by_role("button", name="Train it").click()
    taught(tab, "left")
    tab.get_by_role("button", name="Stop").click()
    taught(tab, "What it has learned is saved.")
    tab.once("dialog", lambda dialog: dialog.accept())
    tab.get_by_role("button", name="Forget what it learned").click()
    taught(tab, "Learned has forgotten what it learned.")
    assert (site[1] / "Learned.png").is_file() and not (site[1] / "Learned").exists()


def test_a_painting_is_painted_at_once_and_taught(visit, site, photos, painting):
    tab = visit()
    opened(tab, photos / "china" / "0.jpg")
    tab.locator("#own").set_input_files(painting)
    heard(tab, "Waves is a style now")
    assert (site[1] / "Waves.png").is_file()
    tab.get_by_role("button", name="Train").click()
    taught(tab, "It can paint already")
    expect(tab.locator("#own-title")).to_contain_text("Waves")
    tab.get_by_role("link", name="Photos and videos").click()
    repainted(tab, lambda: tab.get_by_label("Mix with").select_option(label="Udnie"))
    mixed = np.asarray(read_picture(downloaded(tab).path()), float)
    wanted = Stylizer([painting, "udnie"])(photos / "china" / "0.jpg", {"waves": 0.5, "udnie": 0.5})
    assert np.abs(mixed - np.asarray(wanted, float)).mean() < 3  # but for the JPEG


@pytest.mark.slow
def test_refining_is_shown_stopped_and_left(visit, photos, monkeypatch):
    photo, share = photos / "china" / "0.jpg", [0.4]

    def held(*args, callback, **how):
        "Refine a small image up to a share of the work, until it is stopped."

        def watch(iterate, work):
            stopped = callback(iterate, work)
            while work.done() >= share[0] and not stopped:
                time.sleep(0.05)
                stopped = callback.reached(work.done())
            return stopped

        return optimize_style(*args, callback=watch, **how | {"end_scale": 128})

    monkeypatch.setattr("faststyle_fastai.web.refining.optimize_style", held)
    tab = visit()
    opened(tab, photo)
    first = np.asarray(read_picture(downloaded(tab).path()), float)
    tab.get_by_role("button", name="Refine").click()
    heard(tab, re.compile("Refining: .*left"))
    tab.reload()
    visit.errors.clear()  # the reload cut off what was being loaded
    heard(tab, "Refining: ")
    heard(tab, re.compile(r"Refining: [3-9]\d%"))
    tab.get_by_role("button", name="Stop").click()
    heard(tab, "Refining was stopped early")
    got = read_picture(downloaded(tab).path())
    assert got.width / got.height == pytest.approx(96 / 72, abs=0.05)
    off = np.asarray(got.resize((96, 72)), float) - first
    assert np.abs(off).mean() > 3
    repainted(tab, tab.get_by_role("button", name="Undo refining").click)
    again = np.asarray(read_picture(downloaded(tab).path()), float)
    assert np.abs(again - first).mean() < 1
    share[0] = 0.03
    monkeypatch.setattr(visits, "LEFT", 3)
    tab.get_by_role("button", name="Refine").click()
    heard(tab, re.compile("Refining: .*left"))
    tab.context.close()  # ends its work, for which the next would wait in the queue
    tab = visit()
    opened(tab, photo)
    tab.get_by_role("button", name="Refine").click()
    heard(tab, re.compile("Refining: .*left"))
    tab.get_by_role("button", name="Stop").click()
    heard(tab, "There was nothing better to keep yet")
    expect(tab.get_by_role("button", name="Undo refining")).to_be_hidden()


@pytest.mark.slow
def test_a_thumbnail_shows_all_of_a_refined_painting(visit):
    tab = visit()
    opened(tab, ROOT / "nbs" / "images" / "astronaut.jpg")
    repainted(tab, tab.get_by_label("the person").click)
    tab.get_by_role("button", name="Refine").click()
    heard(tab, "Refining: ")
    repainted(tab, tab.get_by_role("button", name="Stop").click)
    face = "document.querySelector('#faces [aria-checked=true] canvas').getContext('2d')"
    assert tab.evaluate(f"{face}.getImageData(0, 0, 1, 1).data[3]") == 255


def test_a_refined_painting_is_transparent_where_its_photo_is(tmp_path):
    Image.new("RGB", (4, 3), "red").save(tmp_path / "refined.png")
    photo = Image.new("RGBA", (8, 6), (0, 0, 255, 60))
    assert Refined(tmp_path / "refined.png", None)(photo).getpixel((1, 1)) == (255, 0, 0, 60)
