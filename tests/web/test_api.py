"The page's interface for programs."

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from pages import call, waited_for
from PIL import Image

from faststyle_fastai.all import FaststyleError, RemoteStylizer, Stylizer


@pytest.fixture
def remote(page):
    return RemoteStylizer(f"http://127.0.0.1:{page[0]}")


def test_a_photo_is_painted_elsewhere_as_here(remote, photo):
    assert {"great_wave", "udnie"} <= {*remote.styles}
    painted = remote(photo, "udnie", strength=0.7, stroke="broad", keep_colors=True, strokes=True)
    here = Stylizer("udnie")(photo, strength=0.7, stroke="broad", keep_colors=True, strokes=True)
    assert np.array_equal(np.asarray(painted), np.asarray(here))
    assert remote(Image.open(photo), "udnie").size == Image.open(photo).size


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"style": "nobody"}, "Unknown style .nobody.: choose"),
        ({"style": "udnie", "strength": 2}, "strength"),
        ({"style": "udnie", "strength": "x"}, "strength=x is not a number"),
        ({"style": "udnie", "stroke": "thick"}, "thick"),
        ({"style": "udnie", "paint": "cat"}, "cat"),
        ({"style": "udnie", "keep-colors": "perhaps"}, "not a boolean"),
        ({"style": "udnie", "format": "bmp"}, "openapi.json"),
        ({"style": "udnie", "mask": "/etc/passwd"}, "openapi.json"),
    ],
)
def test_what_is_wrong_is_said(remote, photo, how, says):
    with pytest.raises(FaststyleError, match=says):
        remote(photo, **how)


def test_no_photo_and_no_page(remote, page, port, tmp_path):
    (tmp_path / "a.jpg").write_text("no photo")
    with pytest.raises(FaststyleError, match="not an image|damaged"):
        remote("a.jpg", "udnie")
    with pytest.raises(FaststyleError, match="cannot be reached"):
        RemoteStylizer(f"http://127.0.0.1:{port}")("a.jpg", "udnie")
    status, said = call(page[0], "/api/paint?style=udnie", b"x", Origin="http://elsewhere.example")
    assert status == 403 and "other sites" in said


def test_the_description_names_every_parameter(page):
    said = json.loads(call(page[0], "/api/openapi.json")[1])
    assert said["openapi"] == "3.1.0"
    named = {one["name"]: one for one in said["paths"]["/api/paint"]["post"]["parameters"]}
    assert {
        "style",
        "strength",
        "stroke",
        "paint",
        "faces",
        "strokes",
        "keep-colors",
        "format",
    } == {*named}
    assert named["style"]["required"] and "great_wave" in named["style"]["schema"]["enum"]
    assert all(one["description"] for one in named.values())


def test_too_many_photos_are_refused(page, photo, monkeypatch):
    from faststyle_fastai.web import api

    waiting = threading.Event()
    monkeypatch.setattr(api.Api, "_painted", lambda *_: waiting.wait(30) and photo)
    answers = []
    body = photo.read_bytes()

    def one():
        answers.append(call(page[0], "/api/paint?style=udnie", body)[0])

    many = [threading.Thread(target=one) for _ in range(api.WAITING + 3)]
    for each in many:
        each.start()
    waited_for(lambda: answers.count(429) == 3, 30)
    waiting.set()
    for each in many:
        each.join(30)
    assert sorted(answers) == [200] * api.WAITING + [429] * 3


def test_nothing_is_left_of_a_request(page, remote, photo):
    folder = page[2]

    def files():  # while the page removes some of them
        return {Path(at, name) for at, below, names in os.walk(folder) for name in below + names}

    before = files()
    remote(photo, "udnie")
    with pytest.raises(FaststyleError):
        remote(photo, "udnie", strength=2)
    assert waited_for(lambda: files() <= before, 10)  # folders go after the answer


def test_photos_are_upright_and_of_any_mode(remote):
    turned = Image.new("RGB", (64, 48), "red")
    turned.getexif()[0x0112] = 6
    assert remote(turned, "udnie").size == (48, 64)
    assert remote(Image.new("CMYK", (64, 48)), "udnie").size == (64, 48)
