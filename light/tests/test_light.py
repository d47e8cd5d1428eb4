"The light distribution: built, installed alone, and compared with the package."

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faststyle_fastai.all import ASSETS, Stylizer, read_picture
from faststyle_fastai.images.files import is_deep

ROOT = Path(__file__).parents[2]
IMAGES, PAINTING = ROOT / "nbs" / "images", ASSETS / "composition_vii.jpg"
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
def light(installed, tmp_path, monkeypatch):
    "Run the command."
    monkeypatch.setenv("PYTHONPATH", str(installed))
    monkeypatch.chdir(tmp_path)

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
        (PAINTING, (), {}),
        (PAINTING, ("--size", "200", "--likeness", ".5"), {"size": 200, "likeness": 0.5}),
        (PAINTING, ("--keep-colors", "--strength", ".6"), {"keep_colors": True, "strength": 0.6}),
        ("the_scream", ("--paint", "person"), {"area": "person"}),
        ("starry_night", ("--strength", ".5"), {"strength": 0.5}),
        ("udnie", ("--mix", "tahiti=.4", "--faces", "painted"), {"faces": "painted"}),
    ],
)
def test_pictures_are_those_of_the_package(light, style, words, options):
    photo = IMAGES / "astronaut.jpg"
    light("stylize", photo, "--style", style, *words, "-o", "light.png")
    mix = {"udnie": 0.6, "tahiti": 0.4} if style == "udnie" else None
    Stylizer(style, "cpu", "float32")(photo, mix, **options).save("full.png")
    assert differ("light.png", "full.png") <= 1


def test_folders_pipes_masks_and_bits(light):
    assert "great_wave" in light("styles").stdout.decode()
    folder, photo = Path("photos"), Path("photos", "1.png")
    folder.mkdir()
    for i, turn in enumerate((0, 90)):
        read_picture(IMAGES / "cat.jpg").rotate(turn, expand=True).save(folder / f"{i}.png")
    light("stylize", folder, "--style", PAINTING, "-o", "painted", "--size", "64")
    assert len(list(Path("painted").iterdir())) == len(list(folder.iterdir()))
    again = light("stylize", folder, "--style", PAINTING, "-o", "painted", status=1)
    assert b"--skip-existing" in again.stderr
    Image.new("L", read_picture(photo).size).save("black.png")
    words = "stylize", "-", "--style", "udnie", "--mask", "black.png", "-o", "-"
    Path("piped.png").write_bytes(light(*words, input=photo.read_bytes()).stdout)
    assert differ("piped.png", photo) == 0
    light("stylize", photo, "--style", "udnie", "-o", "deep.png", "--bit-depth", "16")
    assert is_deep("deep.png") and differ("deep.png", "piped.png") > 1


@pytest.mark.parametrize(
    "words, status, said",
    [
        (["train", "photos", "--style", "a.jpg"], 1, "needs the full distribution"),
        (["strokes", "me.jpg"], 1, "needs the full distribution"),
        (
            ["stylize", "{photo}", "--style", "udnie", "-o", "a.png", "--likeness", "0"],
            2,
            "needs a",
        ),
        (["stylize", "none.jpg", "--style", "udnie", "-o", "a.png"], 1, "Image not found"),
        (["stylize", "{photo}", "--style", "cubism", "-o", "a.png"], 1, "Unknown style 'cubism'"),
        (["stylize", "{photo}", "--style", "{net}", "-o", "a.png"], 1, "is a trained style"),
        (["stylize", "{photo}", "--style", "slim:udnie", "-o", "a.png"], 1, "full distribution"),
        (["stylize", "{photo}", "--style", "k=.", "-o", "a.png"], 1, "mixes no paintings"),
        (
            ["stylize", "{photo}", "--style", "udnie", "-o", "a.png", "--size", "4000"],
            1,
            "a smaller --size",
        ),
        (["stylize", "{photo}", "--style", "udnie", "-o", "a.png", "--device", "tpu"], 2, "tpu"),
        (["stylize", "{photo}", "--style", "udnie", "-o", "a.png", "--refine", "9"], 2, "--refine"),
    ],
)
def test_mistakes_are_one_line(light, words, status, said):
    Path("net.safetensors").touch()
    given = {"photo": IMAGES / "cat.jpg", "net": "net.safetensors"}
    error = light(*(word.format(**given) for word in words), status=status).stderr.decode()
    assert said in error and "Traceback" not in error
    assert not Path("a.png").exists()


def test_doctor_times_a_painting_on_each_device(light):
    said = light("doctor").stdout.decode()
    assert "onnxruntime" in said and "device cpu: " in said and "s at sight" in said


def test_the_full_distribution_answers_where_it_is_installed(light):
    beside = "from faststyle.cli.main import main; main()"
    assert "train" in light("--help", program=beside).stdout.decode()
    assert "train" not in light("--help").stdout.decode()
