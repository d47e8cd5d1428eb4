"Mistakes that newcomers make: each gets one line that says what to do."

import json
import subprocess
import sys

import pytest
from conftest import fails
from PIL import Image


@pytest.fixture(autouse=True)
def me():
    Image.effect_noise((40, 32), 90).convert("RGB").save("me.png")
    Image.effect_noise((40, 32), 90).convert("RGB").save("sea.png")


OUT = "-o", "out.png"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("stylize", "me.png", "--style", "udine", *OUT), "Did you mean 'udnie'?"),
        (("stylize", "me.png", "--style", "udnie:udnie", *OUT), "Unknown style 'udnie:udnie'"),
        (("info", "sea.png"), "is an image, not a trained style"),
        (("add-style", "RUN", "--style", "the_scream"), "stylize --style the_scream"),
    ],
)
def test_what_a_style_is(faststyle, args, words):
    fails(faststyle(*args), 1, words)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("stylize", "you.png", "--style", "udnie", *OUT), "Image not found: you.png"),
        (("stylize", "me.png", "--style", "river.png", *OUT), "Image not found: river.png"),
        (("stylize", "me.png", "--style", "udnie", *OUT, "--device", "gpu"), "Use cpu, cuda"),
        (("train", "photos", "--style", "sea.png", "-o", "run"), "Folder not found: photos"),
        (("train", ".", "--style", "sea.png", "-o", "run", "--recipe", "fats"), "one of fast,"),
        (("video", "film.mp4", "--style", "udnie", "-o", "out.mp4"), "Video not found: film.mp4"),
        (("evaluate", "udnie", "--photos", "photos"), "Folder not found: photos"),
    ],
)
def test_paths_and_names_are_checked_before_torch_is_imported(args, words):
    script = (
        "import sys; from faststyle_fastai.cli.main import main\n"
        "try: main()\n"
        "finally: print('torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True)
    fails(said, 2 if said.stderr.startswith("error: Unknown") else 1, words)
    assert said.stdout == "False\n"


def test_an_empty_argument_is_not_the_current_folder(faststyle):
    fails(faststyle("stylize", "", "--style", "udnie", *OUT), 2, "An argument is empty.")


def test_a_name_is_read_as_people_write_it(faststyle):
    said = faststyle("stylize", "me.png", "--style", "The Scream", *OUT)
    assert said.stdout == "out.png\n" and said.stderr == ""
    assert json.loads(faststyle("info", "the-scream").stdout)["painting"].startswith("Edvard Munch")


def test_which_of_several_styles_is_painted_is_said(faststyle):
    said = faststyle("stylize", "me.png", "--style", "gallery", *OUT)
    assert "none is named. Painting with the first: gallery:great_wave" in said.stderr


def test_verbose_says_what_is_used(faststyle):
    said = faststyle("styles", "-v")
    assert said.returncode == 0 and "torch 2" in said.stderr and "precision" in said.stderr
