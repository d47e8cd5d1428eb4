"What the page that paints photos answers to programs, also to hostile ones."

import json
from functools import partial
from io import BytesIO

import numpy as np
import pytest
from pages import send, waited_for
from PIL import Image

from faststyle_fastai.all import Stylizer, read_picture

ASKED = {"style": "great_wave", "strength": 1.0, "share": 0.5, "stroke": "medium", "colors": False}
GETS = "work", "example", "picture", "curve", "losses", "result", "original", "mine", "jobs"
POSTS = "paint", "mask", "thumbnail", "finish", "refine", "plain", "remove", "frame"
POSTS = *POSTS, "frame_at", "paint_film", "end", "teach", "resume", "discard", "rename", "packed"
ODD = {"style": ["great_wave"], "area": "moon", "stroke": 7, "id": {}, "side": True, "minutes": "1"}


def body_of(file):
    return open(file, "rb").read()


@pytest.fixture
def visitor(page, photo):
    "Port and visitor of an uploaded photo."
    assert send(page[0], "photo", body_of(photo), {"name": "../a photo.jpg"}, "me")[0] == 200
    return page[0], "me"


def picture(answer):
    status, body, headers = answer
    assert status == 200, body
    return Image.open(BytesIO(body)), headers


def test_a_photo_is_painted_as_a_program_asks(visitor, photo):
    port, me = visitor
    painted, _ = picture(send(port, "finish", b"", ASKED | {"type": "image/png"}, me))
    wanted = np.asarray(Stylizer("great_wave")(photo), float)
    assert np.abs(np.asarray(painted, float) - wanted).mean() < 1
    brushed, _ = picture(send(port, "finish", b"", ASKED | {"strokes": True}, me))
    assert np.abs(np.asarray(brushed, float) - wanted).mean() > 3
    preview, headers = picture(send(port, "paint", b"", ASKED, me))
    assert preview.size == painted.size and headers["note"] == ""
    mask, headers = picture(send(port, "mask", b"", {"area": "person"}, me))
    assert mask.mode == "LA" and headers["seen"] == "no"
    source, headers = picture(send(port, "source", None, None, me))
    assert headers["size"] == "96x72" and headers["name"] == "a_photo.jpg"


def test_another_file_of_a_painting_is_not_painted_again(visitor, monkeypatch):
    port, me = visitor
    painted, paint = [], Stylizer.__call__
    monkeypatch.setattr(
        Stylizer, "__call__", lambda *args, **how: painted.append(how) or paint(*args, **how)
    )
    sizes = {}
    for kind, quality in (("jpeg", 0.95), ("jpeg", 0.2), ("webp", 0.5), ("avif", 0.5)):
        how = ASKED | {"type": f"image/{kind}", "quality": quality}
        answer = send(port, "finish", b"", how, me)
        if kind == "avif" and "AVIF" not in Image.SAVE:
            break
        assert picture(answer)[0].format == kind.upper()
        assert answer[2]["content-type"] == f"image/{kind}"
        sizes[kind, quality] = len(answer[1])
    assert len(painted) == 1 and sizes["jpeg", 0.2] < sizes["jpeg", 0.95]
    picture(send(port, "finish", b"", ASKED | {"colors": True}, me))
    assert len(painted) == 2
    assert send(port, "finish", b"", ASKED | {"quality": 7}, me)[0] == 400


def test_larger_than_the_photo_is_painted_at_that_size(visitor, photo, monkeypatch):
    port, me = visitor
    how = ASKED | {"larger": True, "type": "image/png"}
    twice = Image.open(photo).resize((192, 144), Image.Resampling.BICUBIC)
    for asked, wanted in ((how, Stylizer("great_wave")(twice)), (how | {"invert": True}, twice)):
        painted, headers = picture(send(port, "finish", b"", asked, me))
        assert np.abs(np.asarray(painted, float) - np.asarray(wanted)).mean() < 1
        assert headers["size"] == "192x144"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    assert send(port, "finish", b"", how, me)[:2] == (
        400,
        b"It would have more than 0.02 megapixels.",
    )


def test_visitors_do_not_see_each_other(visitor):
    port, _ = visitor
    assert send(port, "source", None, None, "you")[0] == 204
    status, said, _ = send(port, "paint", b"", ASKED, "you")
    assert status == 410 and b"Open the photo again" in said
    status, said, _ = send(port, "source", None, None, "")
    assert status == 400 and b"nobody can guess" in said


@pytest.mark.parametrize("odd", [float("nan"), -1, 2, "1", None, True, [1], {"a": 1}])
@pytest.mark.parametrize("name", ["strength", "share", "feather"])
def test_numbers_are_checked(visitor, odd, name):
    port, me = visitor
    how = ASKED | {"other": "udnie", name: odd}
    status, said, _ = send(port, "mask" if name == "feather" else "paint", b"", how, me)
    assert status == 400 and b"not a number from 0 to 1" in said


@pytest.mark.parametrize("act", GETS + POSTS)
@pytest.mark.parametrize("how", [{}, ODD, []])
def test_odd_calls_get_one_line(visitor, act, how, capfd):
    port, me = visitor
    body = None if act in GETS else b"no picture"
    status, said, _ = send(port, act, body, how, me)
    assert status in (200, 204, 400, 410)
    if status == 400:
        assert said.count(b"\n") == 0 and b"Traceback" not in said and b"/" not in said
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), 0, 31, "3", None, True, [3]])
def test_minutes_and_sizes_are_checked(visitor, photo, odd):
    port, me = visitor
    assert send(port, "style", body_of(photo), {"name": "to teach.jpg"}, me)[0] == 200
    how = {"style": "To_Teach", "minutes": odd, "photos": "samples"}
    status, said, _ = send(port, "teach", b"", how, me)
    assert (status, said) == (400, b"Choose 1 to 30 minutes.")
    how = {"style": "great_wave", "side": odd}
    status, said, _ = send(port, "refine", b"", how, me)
    assert (status, said) == (400, b"Choose a longer side of 64 to 2048 px.")


def test_what_was_refined_comes_back_with_its_photo(page, photos, monkeypatch):
    refined = "faststyle_fastai.web.refining.optimize_style"
    monkeypatch.setattr(refined, lambda photo, *_, **how: read_picture(photo))
    port, one, other = page[0], *(body_of(photos / "china" / f"{i}.jpg") for i in range(2))

    def ended(number):
        "A job, once it has ended."
        jobs = json.loads(send(port, "jobs", None, visitor="she")[1])
        (job,) = [job for job in jobs if job["id"] == number]
        return job["state"] in ("done", "failed") and job

    def note(body, key, style):
        "Send a photo again; what is said of its painting."
        assert send(port, "photo", body, {"name": "a.jpg", "key": key}, "she")[0] == 200
        return picture(send(port, "paint", b"", ASKED | {"style": style}, "she"))[1]["note"]

    for style in ("great_wave", "udnie"):
        assert note(one, "1", style) == ""
        number = json.loads(send(port, "refine", b"", {"style": style}, "she")[1])["id"]
        job = waited_for(partial(ended, number))
        assert job["state"] == "done", job["why"]
    assert note(other, "2", "great_wave") == ""
    assert note(one, "1", "great_wave") == note(one, "1", "udnie") == "refined"
    assert send(port, "plain", b"", {"style": "udnie"}, "she")[0] == 200
    assert [note(one, "1", name) for name in ("udnie", "great_wave")] == ["", "refined"]


def test_wrong_files_are_refused_in_words(page, tmp_path):
    port = page[0]
    for name, body in {"a.jpg": b"words", "b.safetensors": b"words", "../../c": b""}.items():
        for act in ("photo", "style", "film"):
            status, said, _ = send(port, act, body, {"name": name}, "w")
            assert status == 400 and str(tmp_path.parent).encode() not in said
            assert b"/" not in said.replace(b"c.png", b"")
    large = b"0" * (100 * 2**20 + 1)
    try:
        assert send(port, "photo", large, {"name": "a.jpg"}, "w")[0] == 413
    except OSError:
        pass  # cut off


def test_other_routes_are_refused(page):
    port = page[0]
    assert send(port, "unknown", b"")[0] == 404 and send(port, "paint", None)[0] == 405
    styles = json.loads(send(port, "styles", None)[1])
    assert {"great_wave", "udnie"} <= {one["name"] for one in styles}


def test_the_list_of_styles_is_sent_once(page):
    port = page[0]
    status, listed, headers = send(port, "styles", None)
    assert status == 200 and json.loads(listed)
    assert send(port, "styles", None, {"version": headers["version"]})[0] == 204
    assert send(port, "styles", None, {"version": "another"})[:2] == (200, listed)
