"What the page keeps: after a reload, a step back, a restart of its server, another style."

import numpy as np
from pages import SAYS_PAINTED, downloaded, heard, opened, own_styles, repainted, saved, visitor
from PIL import Image
from playwright.sync_api import expect

from faststyle_fastai.all import Stylizer, read_picture
from faststyle_fastai.web.app import web_page
from faststyle_fastai.web.visits import Forgotten, Visit

SCREAM = "The Scream Munch"


def test_a_server_that_forgot_a_photo_gets_it_again(visit, photos, monkeypatch):
    Image.open(photos / "china" / "0.jpg").save("china.png")
    tab = visit()
    opened(tab, "china.png")
    forget, known = [True], Visit.the_photo

    def forgotten(self):
        if forget:
            forget.pop()
            raise Forgotten("Open the photo again: it is no longer on the page.")
        return known(self)

    monkeypatch.setattr(Visit, "the_photo", forgotten)
    assert "Painted in" in repainted(tab, tab.get_by_role("radio", name=SCREAM).click)
    assert not forget
    visit.errors.clear()  # the browser's word of the first answer


def test_a_page_continues_once_its_server_is_back(chromium, photos, port):
    with visitor(chromium, f"http://127.0.0.1:{port}") as visit:
        with web_page("styles", port=port):
            tab = visit()
            tab.get_by_role("radio", name="The Great Wave").click()
            opened(tab, photos / "china" / "0.jpg")
            whole = read_picture(downloaded(tab).path())
            repainted(tab, tab.get_by_role("radio", name=SCREAM).click)
        repainted(tab, tab.get_by_role("radio", name="Udnie").click)
        heard(tab, "The program that paints is not running.")
        expect(tab.locator("#title")).to_contain_text("The Scream")  # which is what is seen
        assert saved(tab, "Download").suggested_filename == "0-the_scream.jpg"
        made = tab.get_by_role("group", name="What you made").get_by_role("button")
        repainted(tab, made.nth(1).click)
        heard(tab, "Painted in the style of The Great Wave off Kanagawa, as before.")
        seen = read_picture(downloaded(tab).path())
        assert np.abs(np.asarray(seen, float) - np.asarray(whole, float)).mean() < 5
        heard(tab, "Saved at 96×72 px. It is the picture as you see it here")
        with web_page("styles", port=port):
            heard(tab, SAYS_PAINTED)  # by itself
            again = read_picture(downloaded(tab).path())
            assert np.abs(np.asarray(again, float) - np.asarray(whole, float)).mean() < 1
            tab.context.close()
        assert all("ERR_" in error or "410" in error for error in visit.errors), visit.errors
        visit.errors.clear()  # the browser's words of what failed


def test_a_photo_that_a_reload_found_again_outlives_its_server(chromium, photos, port):
    with visitor(chromium, f"http://127.0.0.1:{port}") as visit:
        with web_page("styles", port=port):
            tab = visit()
            opened(tab, photos / "china" / "0.jpg")
            tab.reload()
            heard(tab, SAYS_PAINTED)
        repainted(tab, tab.get_by_role("radio", name="Udnie").click)
        heard(tab, "The program that paints is not running.")
        with web_page("styles", port=port):
            heard(tab, SAYS_PAINTED)  # by itself
            assert "Painted in" in repainted(tab, tab.get_by_role("radio", name=SCREAM).click)
            download = downloaded(tab)
            assert download.suggested_filename == "0-the_scream.jpg"
            assert read_picture(download.path()).size == (96, 72)
            tab.context.close()
        visit.errors.clear()  # the browser's words of what failed


# Files and text are given by hand, as a drop or the clipboard does.


def test_a_style_change_keeps_the_mixture_and_paints_once(visit, photos):
    asked = []
    tab = visit()
    tab.get_by_role("radio", name="The Great Wave").click()
    opened(tab, photos / "china" / "0.jpg")
    repainted(tab, lambda: tab.get_by_label("Mix with").select_option(label="Udnie"))
    tab.on("request", lambda r: asked.append(r.url) if r.url.endswith("/paint") else None)
    repainted(tab, tab.get_by_role("radio", name=SCREAM).click)
    assert len(asked) == 1 and tab.locator("#mix").input_value() == "udnie"
    got = read_picture(downloaded(tab).path())
    wanted = Stylizer("slim")(photos / "china" / "0.jpg", {"the_scream": 0.5, "udnie": 0.5})
    assert np.abs(np.asarray(got, float) - np.asarray(wanted, float)).mean() < 3  # but for the JPEG


def test_a_reload_keeps_the_photo_the_settings_and_the_view(visit, photos):
    tab = visit()
    opened(tab, photos / "china" / "0.jpg")
    repainted(tab, tab.get_by_role("radio", name=SCREAM).click)
    repainted(tab, tab.get_by_label("Keep the original colors").check)
    own_styles(tab)
    tab.reload()
    visit.errors.clear()  # the reload cut off what was being loaded
    tab.get_by_role("heading", name="My styles").wait_for()
    tab.get_by_role("link", name="Photos and videos").click()
    heard(tab, SAYS_PAINTED)
    assert tab.get_by_label("Keep the original colors").is_checked()
    pressed = tab.get_by_role("radio", name=SCREAM)
    assert pressed.get_attribute("aria-checked") == "true"
    assert downloaded(tab).suggested_filename == "0-the_scream.jpg"
    tab.go_back()
    tab.get_by_role("heading", name="My styles").wait_for()


def test_a_reload_keeps_the_format_of_a_photo(visit, photos):
    Image.open(photos / "china" / "0.jpg").save("clear.png")
    tab = visit()
    opened(tab, "clear.png")
    for _ in range(2):
        assert downloaded(tab).suggested_filename == "clear-starry_night.png"
        tab.reload()
        visit.errors.clear()  # the reload cut off what was being loaded
        heard(tab, SAYS_PAINTED)


def test_the_back_button_closes_the_photo(visit, photos):
    tab = visit()
    tab.get_by_role("radio", name="Udnie").click()
    opened(tab, photos / "china" / "0.jpg")
    repainted(tab, tab.get_by_role("radio", name=SCREAM).click)
    own_styles(tab)
    tab.go_back()
    heard(tab, SAYS_PAINTED)
    tab.go_back()
    heard(tab, "Ready. Open a photo to paint it in the style of The Scream.")  # the style stays
    expect(tab.locator("#picture")).to_be_hidden()
    tab.reload()
    heard(tab, "Ready.")
    tab.go_forward()
    heard(tab, SAYS_PAINTED)
    tab.go_back()
    heard(tab, "Ready.")
    opened(tab, photos / "china" / "0.jpg")
    expect(tab.locator("#picture")).to_be_visible()


def test_thumbnails_are_of_the_photo_that_is_open(visit, photos):
    tab = visit()
    opened(tab, photos / "china" / "0.jpg")
    faces = tab.locator("#faces canvas")
    expect(faces.nth(4)).to_be_attached(timeout=60_000)
    held = []
    tab.route("**/page/paint", lambda route: held.append(route))
    tab.locator("#file").set_input_files(photos / "flower" / "0.jpg")
    expect(faces).to_have_count(0)
    while not held:
        tab.wait_for_timeout(100)
    repainted(tab, held[0].continue_)


def test_a_page_that_is_loaded_again_takes_another_photo(visit, photos):
    tab = visit()
    opened(tab, photos / "china" / "0.jpg")
    held = []
    tab.route("**/page/source", lambda route: held.append((route, route.fetch())))
    tab.reload()
    visit.errors.clear()  # the reload cut off what was being loaded
    opened(tab, photos / "flower" / "1.jpg")
    held[0][0].fulfill(response=held[0][1])
    tab.wait_for_timeout(1000)
    assert downloaded(tab).suggested_filename.startswith("1-")


def test_settings_are_reset(visit, photos):
    tab = visit()
    opened(tab, photos / "china" / "0.jpg")
    reset = tab.get_by_role("button", name="Reset settings")
    expect(reset).to_be_hidden()
    repainted(tab, lambda: tab.locator("#stroke").select_option("broad"))
    repainted(tab, reset.click)
    expect(tab.locator("#stroke")).to_have_value("medium")
    expect(reset).to_be_hidden()


def test_a_mixture_that_is_gone_is_not_kept(visit, photos):
    tab = visit()
    opened(tab, photos / "china" / "0.jpg")
    repainted(tab, lambda: tab.get_by_label("Mix with").select_option(label="Udnie"))
    tab.evaluate("sessionStorage.settings = sessionStorage.settings.replace('udnie', 'gone')")
    tab.reload()
    expect(tab.locator("#mix option:checked")).to_have_text("nothing")  # none would be empty, too
