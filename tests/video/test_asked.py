"What is asked of videos: codecs of other pixels, rates, and options that do not go together."

import pytest
import torch
from PIL import Image

from faststyle_fastai.all import FaststyleError, paint_video
from faststyle_fastai.video.reader import open_video


def test_codecs_of_other_pixels(paint, film, tmp_path):
    with pytest.raises(ValueError, match="Codec prores_ks takes yuv422p10le, not yuv420p"):
        paint_video(paint, film, tmp_path / "out.mov", codec="prores_ks")


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
