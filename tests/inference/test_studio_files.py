"What files the studio takes, and how it shows them."

from pathlib import Path

import pytest
from exported import downloaded, open_photo
from PIL import Image

pytest.importorskip("onnx")


def test_a_transparent_photo_looks_as_its_file(visit, studio, photos):
    photo = Image.open(photos / "china" / "0.jpg").convert("RGBA")
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    photo.save("faded.png")
    tab = visit(studio)
    open_photo(tab, "faded.png")
    shown = tab.evaluate("[...picture.getContext('2d').getImageData(50, 0, 1, 72).data]")
    wanted = [*photo.crop((50, 0, 51, 72)).getchannel("A").tobytes()]
    assert shown[3::4] == pytest.approx(wanted, abs=1)
    tab.locator("#as").click()
    tab.locator("#format").select_option("JPEG")
    tab.locator("#save:enabled").wait_for()
    assert downloaded(tab)[0].getpixel((50, 0)) > (250,) * 3  # on white, as it is shown


def test_a_photo_of_an_iphone_says_what_to_do(visit, studio):
    Path("IMG_1.HEIC").write_bytes(bytes(99))
    tab = visit(studio)
    tab.set_input_files("#file", "IMG_1.HEIC")
    tab.get_by_text("IMG_1.HEIC is a HEIC photo, which this browser cannot read. Save").wait_for()
