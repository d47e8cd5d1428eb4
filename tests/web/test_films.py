"Films on the page, in Chromium if it is installed."

import shutil

import av
import pytest
from clips import encode, moving
from pages import DESK, PHONE, forgiven, heard, repainted
from playwright.sync_api import expect

from faststyle_fastai.web.visits import Visit


def opened(tab, film):
    tab.locator("#file").set_input_files(film)
    return heard(tab, "1 s of video")


def test_a_server_that_forgot_a_film_gets_it_again(visit, film, monkeypatch):
    tab = visit()
    opened(tab, film)
    forget, known = [True], Visit.the_photo

    def forgotten(self):
        if forget:
            self.film = self.photo = None
            forget.pop()
        return known(self)

    monkeypatch.setattr(Visit, "the_photo", forgotten)
    repainted(tab, tab.get_by_role("radio", name="Udnie").click)
    assert not forget and "This moment is painted" in tab.locator("#said").inner_text()
    visit.errors.clear()  # the browser's word of the first answer


@pytest.mark.parametrize("size", [DESK, pytest.param(PHONE, marks=pytest.mark.slow)])
def test_a_film_is_painted_with_its_sound(visit, film, size):
    tab = visit(size)
    opened(tab, film)
    repainted(tab, tab.get_by_role("radio", name="Udnie").click)
    repainted(tab, lambda: tab.get_by_label("Mix with").select_option(label="Edtaonisl"))
    tab.get_by_role("button", name="Paint the video").click()
    heard(tab, "The video is painted")
    player = tab.locator("video#player")
    tab.get_by_role("button", name="Play", exact=True).click()
    tab.get_by_role("button", name="Pause").click()
    tab.get_by_role("button", name="Mute").click()
    expect(player).to_have_js_property("muted", True)
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download the video").click()
    assert download.value.suggested_filename == "film-udnie-edtaonisl.mp4"
    heard(tab, "film-udnie-edtaonisl.mp4 is in your downloads.")
    with av.open(str(download.value.path())) as painted:
        assert sum(1 for _ in painted.decode(video=0)) == 24
        assert painted.streams.audio
    tab.get_by_label("Before and after").fill("50")
    tab.locator("#at").fill("50")
    at = player.evaluate("video => video.currentTime")
    expect(tab.locator("#before")).to_have_js_property("currentTime", at)
    assert at == pytest.approx(0.5, abs=0.1)
    assert "50%" in tab.locator("#before").evaluate("video => getComputedStyle(video).clipPath")
    tab.reload()
    visit.errors.clear()  # the reload cut off what was being loaded
    heard(tab, "The video is painted")
    repainted(tab, tab.get_by_label("Keep the original colors").check)
    expect(player).to_be_hidden()  # other settings make another film
    tab.get_by_role("button", name="Paint the video", exact=True).wait_for()
    repainted(tab, tab.get_by_label("Keep the original colors").uncheck)
    heard(tab, "The video as it was painted")
    expect(player).to_be_visible()


@pytest.mark.slow
def test_a_film_is_painted_like_photos(visit, film):
    tab, first = visit(), []
    opened(tab, film)
    for label in ("Strokes follow the motion", "Paint each frame at sight"):
        tab.get_by_label(label).check()
        tab.get_by_role("button", name="Paint the video", exact=True).click()
        heard(tab, "The video is painted")
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Download the video").click()
        with av.open(str(download.value.path())) as painted:
            first.append(next(painted.decode(video=0)).to_ndarray(format="rgb24").astype(float))
    assert abs(first[0] - first[1]).mean() > 5


def test_what_comes_late_replaces_nothing(visit, film, photos):
    tab, held = visit(), []
    tab.route("**/page/film", lambda route: held.append(route))
    with tab.expect_request("**/page/film"):
        tab.locator("#file").set_input_files(film)
    repainted(tab, lambda: tab.locator("#file").set_input_files(photos / "china" / "0.jpg"))
    with tab.expect_response("**/page/film"):
        held[0].continue_()
    repainted(tab, tab.get_by_label("Keep the original colors").check)
    assert tab.locator("#of-film").is_hidden() and tab.locator("#film").is_hidden()


@pytest.mark.slow
def test_two_clicks_paint_a_film_once(visit, film):
    tab, jobs = visit(), []
    opened(tab, film)
    tab.on("request", lambda r: jobs.append(r) if r.url.endswith("/paint_film") else None)
    tab.evaluate("() => [1, 2].map(() => document.all.film.click())")
    heard(tab, "The video is painted")
    assert len(jobs) == 1


def test_another_moment_is_shown(visit, film):
    tab = visit()
    opened(tab, film)
    looks = "document.querySelector('#picture').toDataURL()"
    first = tab.evaluate(looks)
    repainted(tab, lambda: tab.locator("#moment").press("End"))
    assert tab.evaluate(looks) != first
    assert tab.get_by_role("button", name="Refine").is_hidden()  # it is for one photo


@pytest.mark.slow
def test_a_film_survives_a_reload_and_is_stopped(visit, tmp_path):
    slow = encode(tmp_path / "slow.mp4", moving(250))
    tab = visit()
    tab.locator("#file").set_input_files(slow)
    heard(tab, "s of video")
    tab.get_by_role("button", name="Paint the video").click()
    heard(tab, "left")
    tab.reload()
    visit.errors.clear()  # the reload cut off what was being loaded
    heard(tab, "The video: ")
    tab.get_by_role("button", name="Stop").click()
    heard(tab, "Stopped. What was painted so far is shown.")
    tab.get_by_role("button", name="Paint the video again").wait_for()


@pytest.mark.slow
def test_what_is_no_short_film_is_refused_and_the_open_one_stays(visit, film, tmp_path):
    tab = visit()
    opened(tab, film)
    long = encode(tmp_path / "long.mp4", moving(3), times=[0, 1, 2000])
    tab.locator("#file").set_input_files(long)
    heard(tab, "this page takes up to 60 s")
    reasons = {"damaged.mp4": "is damaged, or not a video", "damaged.jpg": "cannot be read: not an"}
    for name, reason in reasons.items():
        (tmp_path / name).write_text("no film")
        tab.locator("#file").set_input_files(tmp_path / name)
        heard(tab, f"{name} {reason}")
    forgiven(tab, visit, 3)
    repainted(tab, tab.get_by_role("radio", name="Udnie").click)
    tab.get_by_role("button", name="Paint the video").click()
    heard(tab, "The video is painted")


def test_photos_and_films_follow_each_other(visit, film, photo):
    tab = visit()
    opened(tab, film)
    repainted(tab, lambda: tab.locator("#file").set_input_files(photo))
    assert tab.get_by_role("button", name="Paint the video").is_hidden()
    assert tab.get_by_role("button", name="Refine").is_visible()
    shutil.copy(photo, "another.jpg")
    repainted(tab, lambda: tab.locator("#file").set_input_files("another.jpg"))
    opened(tab, film)


@pytest.mark.slow
def test_the_camera_after_a_film_is_seen(visit, film):
    tab = visit()
    opened(tab, film)
    tab.get_by_role("button", name="Paint the video").click()
    heard(tab, "The video is painted")
    tab.get_by_role("button", name="Camera").click()
    tab.get_by_text("frames per second").wait_for()
    expect(tab.locator("#picture")).to_be_visible()
    expect(tab.locator("#player")).to_be_hidden()
    tab.get_by_role("link", name="My styles").click()  # where nobody would see it
    tab.get_by_role("link", name="Photos and videos").click()
    expect(tab.locator("#player")).to_be_visible()  # the film is still there
    expect(tab.get_by_role("button", name="Camera", exact=True)).to_be_visible()


@pytest.mark.slow
def test_a_film_after_a_photo_from_the_camera(visit, film):
    tab = visit()
    for _ in range(2):
        tab.get_by_role("button", name="Camera").click()
        tab.get_by_text("frames per second").wait_for()
        if tab.evaluate("document.body.dataset.painted") == "0":
            repainted(tab, tab.get_by_role("button", name="Take photo").click)
    opened(tab, film)
    tab.get_by_role("button", name="Paint the video").click()
    heard(tab, "The video is painted")
    expect(tab.get_by_role("button", name="Play", exact=True)).to_be_focused()
