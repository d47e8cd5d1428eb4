"Values of another kind, such as text for a number, end in one line that says what to use."

import re

import numpy as np
import pytest

from faststyle_fastai.all import (
    PaintOptions,
    Stylizer,
    optimize_style,
    optimize_to_file,
    paint_video,
    train,
)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"size": "big"}, "Invalid size='big' (str). Use a number or None."),
        ({"strength": "x"}, "Invalid strength='x' (str). Use a number."),
        ({"strength": None}, "Invalid strength=None (NoneType). Use a number."),
        ({"stroke": ["broad"]}, "Invalid stroke=['broad'] (list). Use text."),
        ({"tile": (8, 8)}, "Invalid tile=(8, 8) (tuple). Use text, a number or None."),
        ({"refine": "1"}, "Invalid refine='1' (str). Use a number."),
        ({"style": 1.5}, "No style 1.5."),
        ({"style": {"udnie": "half"}}, "Invalid weight of style udnie='half' (str). Use a number."),
    ],
)
def test_options_of_a_painting(paint, photo, options, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        paint(photo, **options)


@pytest.mark.parametrize("style", [None, 3, [3], object()])
def test_what_is_no_style(style):
    with pytest.raises(ValueError, match="Invalid style=.*Use a name, a painting, a style's file"):
        Stylizer(style)


def test_what_is_no_path(paint, photos, photo, painting):
    for call, name in (
        (lambda: train([photos], painting, "run"), "photos"),
        (lambda: train(photos, painting, ["run"]), "out"),
        (lambda: optimize_to_file(photo, painting, None), "out"),
        (lambda: paint_video(paint, [photo], "out.mp4"), "source"),
    ):
        with pytest.raises(ValueError, match=f"Invalid {name}=.*Use a path."):
            call()
    with pytest.raises(ValueError, match="list is not an image. Give a path"):
        paint([photo])
    with pytest.raises(ValueError, match="Invalid recipe=3"):
        optimize_style(photo, painting, recipe=3)


def test_numbers_of_numpy_are_numbers():
    assert PaintOptions(strength=np.float32(0.5), size=np.int64(64)).size == 64
