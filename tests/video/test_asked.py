"What is asked of videos: codecs of other pixels, rates, and options that do not go together."

from pathlib import Path

import pytest
import torch
from PIL import Image

from faststyle_fastai.all import FaststyleError, paint_video
from faststyle_fastai.video.codecs import encoding
from faststyle_fastai.video.reader import open_video


def test_codecs_of_other_pixels(paint, film, tmp_path):
    with pytest.raises(ValueError, match="Codec prores_ks takes yuv422p10le, not yuv420p"):
        paint_video(paint, film, tmp_path / "out.mov", codec="prores_ks")


@pytest.mark.parametrize("codec", ["nothing", "theora", "aac"])  # none, a decoder, one of sound
def test_codecs_that_encode_no_video(paint, film, tmp_path, codec):
    with pytest.raises(ValueError, match=f"Codec {codec} is not available. Use a name from"):
        paint_video(paint, film, tmp_path / "out.mp4", codec=codec)


def test_old_codecs_have_a_quality():
    for codec in ("mpeg4", "msmpeg4v2", "h263"):
        assert encoding(Path("out.avi"), codec, None)[-1]["flags"] == "+qscale"


def test_what_makes_no_sense(paint, film, tmp_path):
    for fps in (-1, 1e-5):
        with pytest.raises(ValueError, match="fps"), open_video(film, fps):
            pass
    with pytest.raises(FaststyleError, match="painting= needs"):
        paint_video(paint, film, tmp_path / "out.mp4", painting=Image.new("RGB", (9, 9)))
    with pytest.raises(FaststyleError, match="not both"):
        paint(Image.new("RGB", (32, 32)), refine=1.0, painterly=True)
    with pytest.raises(ValueError, match="Give one for the whole batch"):
        paint(torch.rand(3, 3, 32, 32), mask=torch.rand(3, 1, 32, 32), tensor=True)
