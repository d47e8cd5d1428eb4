"Images that come from a pipe and go into one."

import subprocess
import sys
from io import BytesIO

import numpy as np
from conftest import fails
from PIL import Image

from faststyle_fastai.all import Stylizer

COMMAND = sys.executable, "-m", "faststyle_fastai", "stylize", "-", "--style", "udnie", "-o"


def test_a_photo_through_pipes(photo):
    said = subprocess.run([*COMMAND, "-"], input=photo.read_bytes(), capture_output=True)
    assert said.returncode == 0, said.stderr
    painted = Image.open(BytesIO(said.stdout))
    assert painted.format == "PNG"
    assert np.array_equal(np.asarray(painted), np.asarray(Stylizer("udnie")(photo)))


def test_what_is_no_photo(photo):
    said = subprocess.run([*COMMAND, "out.png"], input=b"no photo", capture_output=True, text=False)
    assert said.returncode == 1 and b"not an image" in said.stderr
    said = subprocess.run([*COMMAND, "-"], stdin=subprocess.DEVNULL, capture_output=True)
    assert said.returncode == 2 and said.stdout == b"" and b"none came" in said.stderr


def test_several_photos_need_a_folder(faststyle, photo):
    said = faststyle("stylize", photo, photo, "--style", "udnie", "-o", "-")
    fails(said, 2, "one image fits in a pipe")


def test_other_commands_write_files(faststyle, photo):
    fails(
        faststyle("grid", photo, "--style", "udnie", "--style", "tahiti", "-o", "-"), 2, "stylize"
    )
