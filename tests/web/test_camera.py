"The camera's video, painted live on a web page."

from pathlib import Path

import numpy as np
import pytest
from pages import heard, visitor

from faststyle_fastai.all import ASSETS, FaststyleError, Stylizer, read_picture
from faststyle_fastai.inference.options import PaintOptions
from faststyle_fastai.web.camera import Live, camera_page

IMAGES = Path(__file__).parents[2] / "nbs" / "images"


def test_frames_are_painted(photos):
    frame = np.asarray(read_picture(photos / "china" / "0.jpg"))
    live = Live(Stylizer(ASSETS / "gallery-slim.safetensors"), 60, PaintOptions())
    pictures = []
    for style, strength in (("great_wave", 1), ("the_scream", 1), ("the_scream", 0.2)):
        picture = live(frame, style, strength, "all")
        pictures.append(picture.tobytes())
    assert picture.size == (80, 60) and len(set(pictures)) == 3


def test_the_area_can_change():
    person = read_picture(IMAGES / "astronaut.jpg").resize((128, 128))
    options = PaintOptions(area="person", black="great_wave")
    live = Live(Stylizer("slim:the_scream"), 128, options)
    asked = ("the_scream", 1, "all"), ("the_scream", 1, "person"), ("great_wave", 1, "all")
    only, both, other = (np.asarray(live(np.asarray(person), *each), float) for each in asked)
    face, rocket = (slice(16, 36), slice(50, 64)), (slice(10, 40), slice(90, 120))
    assert np.abs(both - only)[face].mean() < 6 < np.abs(both - other)[face].mean()
    assert np.abs(both - other)[rocket].mean() < 6 < np.abs(both - only)[rocket].mean()


def test_the_page_paints_the_camera_and_saves_a_photo(chromium, port):
    with camera_page(Stylizer("slim:udnie"), port=port), visitor(chromium, address(port)) as visit:
        tab = visit()
        assert tab.get_by_role("button", name="Open a photo or video").is_hidden()
        tab.get_by_role("button", name="Camera").click()
        tab.get_by_text("frames per second").wait_for(timeout=90_000)
        assert tab.locator("#faces [aria-checked=true]").inner_text().startswith("Udnie")
        tab.get_by_role("radio", name="The Scream").click()
        with tab.expect_download() as saved:
            tab.get_by_role("button", name="Take photo").click()
        assert saved.value.suggested_filename == "faststyle-the_scream.png"
        assert min(read_picture(saved.value.path()).size) >= 240
        tab.get_by_role("button", name="Stop").click()
        heard(tab, "Ready.")


def test_an_autoencoder_is_refused(port):
    with pytest.raises(FaststyleError, match="only redraws"):
        with camera_page(Stylizer(ASSETS / "autoencoder.safetensors"), port=port):
            pass


def address(port):
    return f"http://127.0.0.1:{port}"
