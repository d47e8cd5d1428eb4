"The light distribution: built, installed alone, and compared with the package."

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from faststyle_fastai.all import PaintOptions, Stylizer, read_picture

# Without PyTorch and the package, which are installed beside it here.
ALONE = """import sys; sys.modules.update(dict.fromkeys(("torch", "fastai", "faststyle_fastai")))
from faststyle.cli.main import main; sys.argv[0] = "faststyle"; main()"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    "A folder with the built wheel."
    out = tmp_path_factory.mktemp("light")
    subprocess.run([sys.executable, ROOT / "tools" / "make_light.py", out], check=True)
    (wheel,) = out.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", out / "site"]
    subprocess.run([*pip, wheel], check=True)
    return out / "site"


@pytest.fixture
def light(installed, monkeypatch):
    "Run the command."
    monkeypatch.setenv("PYTHONPATH", str(installed))

    def run(*words, program=ALONE, status=0, **how):
        call = [sys.executable, "-c", program, *map(str, words)]
        done = subprocess.run(call, capture_output=True, **how)
        assert done.returncode == status, done.stderr.decode()
        return done

    return run


def differ(one, other):
    "How far the pictures in two files are apart, of 255, at the 99th percentile."
    a, b = (np.asarray(read_picture(file), int) for file in (one, other))
    return np.percentile(np.abs(a - b), 99)


@pytest.mark.parametrize(
    "style, words, options",
    [
        ("painting", (), {}),
        ("painting", ("--size", "200", "--likeness", ".5"), {"size": 200, "likeness": 0.5}),
        ("painting", ("--keep-colors", "--strength", ".6"), {"keep_colors": True, "strength": 0.6}),
        ("the_scream", ("--paint", "person"), {"area": "person"}),
        ("udnie", ("--mix", "tahiti=.4", "--faces", "painted"), {"faces": "painted"}),
    ],
)
def test_pictures_are_those_of_the_package(light, painting, tmp_path, style, words, options):
    photo, given = ROOT / "nbs" / "images" / "cat.jpg", painting if style == "painting" else style
    light("stylize", photo, "--style", given, *words, "-o", "light.png")
    mix = {"udnie": 0.6, "tahiti": 0.4} if style == "udnie" else None
    Stylizer(given, "cpu", "float32")(photo, mix, **options).save("full.png")
    assert differ("light.png", "full.png") <= 1
