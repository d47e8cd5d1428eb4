"Which network paints live video."

import json
from itertools import count
from types import SimpleNamespace

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


@pytest.mark.parametrize(
    "seconds, rate, network", [(1 / 16, 15.0, "gallery"), (1 / 8, 7.0, "slim")]
)
def test_frames_are_counted_for_a_second(kept, monkeypatch, seconds, rate, network):
    clock = count(0, seconds)  # each look takes as long as a frame, but the first
    monkeypatch.setattr(live, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    monkeypatch.setattr(live, "FRAME", (1, 3, 32, 32))
    assert live_gallery("cpu") == network
    assert list(json.loads(kept.read_text()).values()) == [rate]


def test_a_damaged_measurement_is_made_again(kept, monkeypatch):
    speeds = iter([60.0, 1.0])
    monkeypatch.setattr(live, "frames_per_second", lambda *how: next(speeds))
    assert [live_gallery("cpu") for _ in range(2)] == ["gallery"] * 2
    kept.write_text("[damaged")
    assert live_gallery("cpu") == "slim"
