"Which network paints live video."

import json

import pytest

from faststyle_fastai.inference import live
from faststyle_fastai.inference.live import live_gallery


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "faststyle" / "speed.json"


@pytest.mark.parametrize("speed, network", [(live.ENOUGH - 1, "slim"), (60.0, "gallery")])
def test_the_machine_is_measured_once(kept, monkeypatch, speed, network):
    measured = []
    monkeypatch.setattr(live, "frames_per_second", lambda *how: measured.append(how) or speed)
    assert [live_gallery("cpu") for _ in range(3)] == [network] * 3
    assert len(measured) == 1
    assert list(json.loads(kept.read_text()).values()) == [speed]


def test_a_measurement_is_quick_and_right(kept, monkeypatch):
    monkeypatch.setattr(live, "SECONDS", 0.1)
    monkeypatch.setattr(live, "FRAME", (1, 3, 32, 32))
    assert live_gallery("cpu") == "gallery"  # even a slow machine paints 12 thumbnails a second
    monkeypatch.setattr(live, "FRAME", (1, 3, 640, 640))
    assert live_gallery("cpu") == "gallery"  # kept
    kept.write_text("[damaged")
    assert live_gallery("cpu") == "slim"
