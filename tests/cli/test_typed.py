"The types of the public names, as an editor or a type checker sees them."

import os
import subprocess
import sys

import pytest

from faststyle_fastai.all import ASSETS

pytest.importorskip("mypy")

PROGRAM = """
from pathlib import Path

from PIL import Image

from faststyle_fastai.perceptual.backbones import Backbone, perceptual_backbone
from faststyle_fastai.bulk.cluster import paint_bulk
from faststyle_fastai.training.data import StyleDataLoaders
from faststyle_fastai.inference.onnx import export_onnx
from faststyle_fastai.images.files import read_picture
from faststyle_fastai.images.saving import save_picture
from faststyle_fastai.optimization.optimize import optimize_style
from faststyle_fastai.training.runs import train
from faststyle_fastai.inference.stylizer import Stylizer
from faststyle_fastai.video.stylize import paint_video

run: Path = train("photos", "painting.jpg", "run", minutes=5, device="cpu")
paint = Stylizer(run, device="cpu")
picture: Image.Image = paint("me.jpg", "painting", strength=0.8, keep_colors=True)
saved: Path = save_picture(picture, "me.png")
film: Path = paint_video(paint, "film.mp4", Path("out.mp4"), smooth=True)
slow: Image.Image = optimize_style(read_picture("me.jpg"), ["a.jpg", "b.jpg"], [2.0, 1.0])
failed: list[tuple[str, str]] = paint_bulk("photos", "painted", "great_wave", workers=2)
written: Path = export_onnx(paint, "style.onnx", "half")
backbone: Backbone = perceptual_backbone("lite", layers=["relu3_4"])
dls: StyleDataLoaders = StyleDataLoaders.from_folder("photos", size=128, device="cpu")
"""
WRONG = """
from faststyle_fastai.inference.stylizer import Stylizer

Stylizer("great_wave")("me.jpg", strength="much")
"""


@pytest.mark.slow
def test_a_program_that_is_right_passes(tmp_path):
    for name, program in {"right.py": PROGRAM, "wrong.py": WRONG}.items():
        (tmp_path / name).write_text(program)
    # Libraries are not read: what they return counts as any type.
    (tmp_path / "mypy.ini").write_text(
        "[mypy]\n[mypy-torch.*,torchvision.*,fastai.*,fastcore.*,matplotlib.*]\n"
        "follow_imports = skip\n"
    )
    quiet = ["--follow-imports=silent", "--ignore-missing-imports", "--cache-dir", tmp_path / "c"]
    command = [sys.executable, "-m", "mypy", *quiet, "right.py", "wrong.py"]
    # mypy does not follow an editable installation
    environment = {**os.environ, "MYPYPATH": str(ASSETS.parent.parent)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    (error,) = (line for line in done.stdout.splitlines() if "error:" in line)
    assert error.startswith("wrong.py:4: ")
