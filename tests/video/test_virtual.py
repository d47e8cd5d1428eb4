"The camera's video for other programs."

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import fails
from PIL import Image

from faststyle_fastai.all import FaststyleError, Stylizer
from faststyle_fastai.inference.options import PaintOptions
from faststyle_fastai.video.virtual import virtual_camera

HOW = PaintOptions("great_wave")


class Sink:
    "What pyvirtualcam offers where there is a virtual camera."

    def __init__(self, width, height, fps):
        self.size, self.frames, self.closed = (height, width, 3), [], False
        Sink.latest = self

    def send(self, frame):
        assert frame.dtype == np.uint8 and frame.shape == self.size
        self.frames.append(frame)

    def close(self):
        self.closed = True


@pytest.mark.slow
def test_each_frame_is_painted_and_sent(monkeypatch, film):
    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=Sink))
    told = []
    paint = Stylizer("slim")
    virtual_camera(paint, HOW, 50, str(film), watch=lambda *said: told.append(said))
    assert len(Sink.latest.frames) == len(told) == 24 and Sink.latest.closed
    assert Sink.latest.size[:2] == (48, 64)  # 67 x 50 px to multiples of 4
    assert not np.array_equal(Sink.latest.frames[0], Sink.latest.frames[-1])
    assert all(rate > 0 and late > 0 for rate, late in told)
    Image.new("L", (32, 24)).save("none.png")
    plain = [frame.copy() for frame in Sink.latest.frames]
    virtual_camera(paint, replace(HOW, mask="none.png"), 48, str(film))
    assert not np.array_equal(Sink.latest.frames[0], plain[0])


def test_what_is_missing_is_said(monkeypatch, film):
    def none(*_, **__):
        raise RuntimeError("'v4l2loopback' backend: no device")

    paint = Stylizer("slim")
    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=none))
    with pytest.raises(FaststyleError, match="no device.*modprobe v4l2loopback"):
        virtual_camera(paint, HOW, 48, str(film))
    with pytest.raises(FaststyleError, match="Camera 97 is not available"):
        virtual_camera(paint, HOW, 48, 97)


def test_a_missing_camera_on_the_command_line(faststyle):
    said = faststyle("camera", "--virtual", "--camera", "97", "--style", "slim")
    fails(said, 1, "Camera 97 is not available")
