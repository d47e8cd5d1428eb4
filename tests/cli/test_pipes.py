"Images that come from a pipe and go into one."

import subprocess
import sys
from io import BytesIO, TextIOWrapper

import numpy as np
from conftest import fails
from PIL import Image

from faststyle_fastai.all import Stylizer


def test_a_photo_through_pipes(photo):
    command = sys.executable, "-m", "faststyle_fastai", "stylize", "-", "--style", "udnie"
    said = subprocess.run([*command, "-o", "-"], input=photo.read_bytes(), capture_output=True)
    assert said.returncode == 0, said.stderr
    painted = Image.open(BytesIO(said.stdout))
    assert painted.format == "PNG"
    assert np.array_equal(np.asarray(painted), np.asarray(Stylizer("udnie")(photo)))


def test_what_is_no_photo(faststyle, monkeypatch):
    for given, code, why in (
        (b"no photo", 1, "The image from the pipe cannot be read: not an image"),
        (b"", 2, "none came"),
    ):
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(given)))
        said = faststyle("stylize", "-", "--style", "udnie", "-o", "-")
        fails(said, code, why)
        assert said.stdout == ""


def test_several_photos_need_a_folder(faststyle, photo):
    said = faststyle("stylize", photo, photo, "--style", "udnie", "-o", "-")
    fails(said, 2, "one image fits in a pipe")


def test_other_commands_write_files(faststyle, photo):
    fails(
        faststyle("grid", photo, "--style", "udnie", "--style", "tahiti", "-o", "-"), 2, "stylize"
    )


def test_photos_beside_a_pipe(faststyle, monkeypatch, photo):
    Image.open(photo).save("b.png")
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"no photo")))
    said = faststyle("stylize", "-", "b.png", "--style", "udnie", "-o", "out")
    assert said.returncode == 1 and "1 of 2 images failed: The image from the pipe" in said.stderr
    Image.open(photo).save("c.png")
    said = faststyle("stylize", "*.png", "--style", "udnie", "-o", "-")
    fails(said, 1, "The pipe is not a folder")
