"What files the studio takes, and how it shows them."

from pathlib import Path

import pytest
from clips import encode, moving
from exported import away, downloaded, open_photo
from pages import heard, repainted
from PIL import Image

from faststyle_fastai.all import Stylizer

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


def test_what_cannot_be_seen_has_no_color(visit, studio, photos, painting):
    photo = Image.open(photos / "flower" / "0.jpg").resize((192, 144))
    tab = visit(studio)
    found = []
    for name, seen in (("whole", 255), ("cut", 0)):
        opacity = Image.new("L", photo.size, 255)
        opacity.paste(seen, (0, 0, 96, 144))
        photo.putalpha(opacity)
        photo.save(f"{name}.png")
        open_photo(tab, f"{name}.png")
        found.append(downloaded(tab)[0].crop((100, 0, 192, 144)))
    assert away(*found) < 30  # 70 on black, 20 in Python
    logo = Image.new("RGBA", (400, 300))
    logo.paste(photo.resize((60, 60)).convert("RGB"), (0, 0))  # one of 33 pixels
    logo.save("logo.png")
    open_photo(tab, "logo.png")
    painted = Stylizer("slim:starry_night", "cpu")(logo).convert("RGB")
    assert (
        away(*(each.crop((0, 0, 60, 60)) for each in (downloaded(tab)[0], painted))) < 29
    )  # 64 on black
    found = found[:2]
    for name, color in (("clear", (0, 0, 0, 0)), ("white", (255, 255, 255, 255))):
        style = Image.new("RGBA", (128, 128), color)
        style.paste(Image.open(painting).convert("RGBA").resize((64, 128)))
        style.save(f"{name}.png")
        repainted(tab, lambda file=f"{name}.png": tab.set_input_files("#own", file))
        found.append(downloaded(tab)[0])
    assert away(*found[2:]) < 1


def test_a_photo_that_cannot_be_read_leaves_the_others(visit, studio, photos):
    Path("0.jpg").write_text("no photo")
    tab = visit(studio)
    files = ["0.jpg", *(photos / "china" / f"{i}.jpg" for i in (1, 2))]
    for _ in range(2):  # also while another one is open
        repainted(tab, lambda: tab.set_input_files("#file", files))
        assert tab.locator("#queue [aria-current=true]").get_attribute("title") == "1.jpg"
    tab.locator("#as").click()
    tab.locator("#save:enabled").wait_for()
    tab.locator("#times").select_option("2")
    tab.locator("#save:enabled").wait_for()
    Image.new("RGB", (5000, 3000), "teal").save("large.png")
    repainted(tab, lambda: tab.set_input_files("#file", "large.png"))
    assert tab.locator("#times").input_value() == "1"
    repainted(tab, lambda: tab.set_input_files("#file", files[1]))
    assert tab.locator("#times").input_value() == "2"  # as it was wanted


@pytest.mark.slow
def test_a_reload_shows_what_was_open(visit, studio, photos):
    tab = visit(studio)
    open_photo(tab, photos / "china" / "0.jpg")
    other = tab.context.new_page()
    other.goto(studio.as_uri())
    other.get_by_text("Ready.").wait_for()
    open_photo(other, photos / "flower" / "1.jpg")
    tab.reload()  # the other tab's photo is not this one's
    tab.locator("#said").filter(has_text="Ready.").wait_for()
    other.reload()
    heard(other, "Painted in")
    encode(Path("film.webm"), moving(6), codec="libvpx")
    repainted(other, lambda: other.set_input_files("#file", "film.webm"))
    assert not other.locator("#by-hand").is_visible()  # its frames are not corrected
    other.reload()
    other.locator("#said").filter(has_text="Ready.").wait_for()


def test_a_painting_that_was_added_first_stays_after_a_reload(visit, studio, painting):
    tab = visit(studio)
    tab.get_by_text("Ready.").wait_for()
    tab.set_input_files("#own", painting)
    tab.locator("#faces").get_by_text("waves").wait_for()
    tab.reload()
    tab.get_by_text("Ready.").wait_for()
    tab.locator("#faces").get_by_text("waves").wait_for()


@pytest.mark.slow
def test_half_of_a_double_click_stops_nothing(visit, studio):
    Image.effect_noise((4000, 3000), 50).convert("RGB").save("large.jpg")
    tab = visit(studio)
    open_photo(tab, "large.jpg")
    with tab.expect_download(timeout=90_000):
        tab.locator("#download").dblclick()
    heard(tab, "Saved at")


def test_a_photo_of_an_iphone_says_what_to_do(visit, studio):
    Path("IMG_1.HEIC").write_bytes(bytes(99))
    tab = visit(studio)
    tab.set_input_files("#file", "IMG_1.HEIC")
    tab.get_by_text("IMG_1.HEIC is a HEIC photo, which this browser cannot read. Save").wait_for()
