"Programs that send what no browser would."

import json

import pytest
from pages import META, ask, endpoints, upload

from faststyle_fastai.web.guard import reason


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf")])
def test_every_number_is_finite(page, photos, monkeypatch, odd):
    port, _, _ = page
    trained = []
    monkeypatch.setattr("faststyle_fastai.web.train.train", lambda *_, **how: trained.append(how))
    file = {"path": upload(port, photos / "china" / "0.jpg"), "meta": META}
    for name, usual in endpoints(port).items():
        for i in range(len(usual)):
            values = [file, *usual[1:]]
            values[i] = odd if i % 2 else {"nested": [odd]}
            said = ask(port, name, values)
            assert "event: error" in said and "not a number that can be used" in said, (name, i)
    assert not trained


def test_wrong_calls_get_one_line_and_leave_one(page, capfd):
    port, _, _ = page
    for name, usual in endpoints(port).items():
        for values in ([], [None] * len(usual), [[]] * len(usual), [{}] * len(usual)):
            said = ask(port, name, values)
            assert " object at 0x" not in said and "\\n" not in said, (name, values, said)
    shown = capfd.readouterr().err
    assert "Traceback" not in shown
    assert json.dumps(shown).count(" object at 0x") == 0


def test_markup_in_names_is_shown_as_it_is():
    said = reason(ValueError("/home/me/a name & <b>bold.jpg cannot be read"))
    assert said == "a name &amp; &lt;b&gt;bold.jpg cannot be read"


@pytest.mark.parametrize(
    "name, missing",
    [
        ("train", "Choose a painting."),
        ("video", "Choose a video."),
        ("optimize", "Choose a photo and a painting."),
    ],
)
def test_what_is_missing_is_said_to_programs(page, name, missing):
    port, _, _ = page
    _, *usual = endpoints(port)[name]
    assert missing in ask(port, name, [None, *usual])
