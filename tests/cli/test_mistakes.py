"Mistakes that newcomers make: each gets one line that says what to do."

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import fails
from PIL import Image

from faststyle_fastai.cli.checks import check_mix
from faststyle_fastai.inference.pixel_painter import PixelPainter
from faststyle_fastai.optimization.pixels import PixelOptimizer
from faststyle_fastai.strokes import paths


@pytest.fixture(autouse=True)
def me():
    Image.effect_noise((40, 32), 90).convert("RGB").save("me.png")
    Image.effect_noise((40, 32), 90).convert("RGB").save("sea.png")


OUT, BOTH = ("-o", "out.png"), ("--overwrite", "--skip-existing")


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
        (("--dpi", 600, *OUT), "--dpi needs --print"),
        ((*BOTH, *OUT), "--skip-existing or --overwrite"),
        (("--watch", "-o", "a.jpg"), "another folder than a.jpg"),
    ],
)
def test_options_that_need_or_exclude_others(faststyle, args, words):
    place = "." if "--watch" in args else "me.png"
    fails(faststyle("stylize", place, "--style", "udnie", *args), 2, words)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("stylize", "you.png", "--style", "udnie", *OUT), "Image not found: you.png"),
        (("stylize", "me.png", "--style", "river.png", *OUT), "Image not found: river.png"),
        (
            ("stylize", "me.png", "--style", "sea.png", "--painting", "river.png", *OUT),
            "Image not found: river.png",
        ),
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


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        ("stylize me.png --style udnie --tile 6 -o out.png", 2, "Invalid --tile 6. Use a multiple"),
        ("stylize me.png --style udnie --bit-depth 12 -o out.png", 2, "Invalid --bit-depth 12."),
        ("stylize me.png --style udnie --arch slim -o out.png", 1, "network. --arch chooses one"),
        ("grid me.png --style udnie -o grid.png", 1, "Give two or four styles, not 1."),
        ("train one --style sea.png --batch-size 0 -o run", 2, "Invalid --batch-size 0. Use a"),
        ("train one --style sea.png --crop-size 2 -o run", 2, "Invalid --crop-size 2. Use a"),
        ("train one --style sea.png --recipe johnson -o run", 1, "1 photo to train on but --batch"),
        ("train one --style sea.png --arch tarun -o run", 1, "scratch with --pretrained none."),
        ("train one --style sea.png --backbone vgg16 -o run", 1, "vgg16 has no layer relu3_4."),
        ("optimize me.png sea.png --recipe gatys --likeness 1", 1, "--likeness needs the recipe"),
        ("optimize me.png sea.png --device gpu", 2, "Unknown device 'gpu'. Use cpu, cuda"),
        ("optimize me.png sea.png -s 5", 1, "Raise --min-scale or --end-scale."),
    ],
)
def test_messages_name_options_as_they_are_typed(faststyle, args, status, words):
    Path("one").mkdir()
    Image.effect_noise((64, 64), 90).save("one/photo.png")
    said = faststyle(*args.split())
    assert said.returncode == status and words in said.stderr.splitlines()[-1], said.stderr


def test_help_is_a_command(faststyle):
    assert "Fast neural style transfer" in faststyle("help").stdout
    assert "faststyle stylize me.jpg" in faststyle("help", "stylize").stdout


def test_an_empty_argument_is_not_the_current_folder(faststyle):
    fails(faststyle("stylize", "", "--style", "udnie", *OUT), 2, "An argument is empty.")


def test_a_name_is_read_as_people_write_it(faststyle):
    said = faststyle("stylize", "me.png", "--style", "The Scream", *OUT)
    assert said.stdout == "out.png\n" and said.stderr == ""
    mixed = faststyle(
        "stylize", "me.png", "--style", "udnie", "--mix", "The Scream=.4", "-o", "m.png"
    )
    assert mixed.returncode == 0, mixed.stderr
    more = faststyle("stylize", "me.png", "--style", "udnie", "--mix", "mondrian=7", "-o", "o.png")
    fails(more, 2, "The weights of --mix sum to 7")
    shares = ["starry_night=.2", "udnie=.4", "mondrian=.3", "tahiti=.1"]  # 1.0000000000000002
    assert check_mix(shares) == shares
    assert json.loads(faststyle("info", "the-scream").stdout)["painting"].startswith("Edvard Munch")


def test_which_of_several_styles_is_painted_is_said(faststyle):
    said = faststyle("stylize", "me.png", "--style", "gallery", *OUT)
    assert "none is named. Painting with the first: gallery:starry_night" in said.stderr


def test_verbose_says_what_is_used(faststyle):
    said = faststyle("styles", "-v")
    assert said.returncode == 0 and "torch 2" in said.stderr and "precision" in said.stderr


def test_verbose_takes_no_unknown_precision(faststyle, monkeypatch):
    monkeypatch.setenv("FASTSTYLE_PRECISION", "foo")
    fails(faststyle("styles", "-v"), 2, "foo")


def test_no_command_overwrites_unasked(faststyle):
    before = Path("me.png").read_bytes()
    photos = "--photos", ".", "--num-photos", 1, "--size", 16, "--iterations", 0
    for command in (("styles", "-o"), ("evaluate", "udnie", *photos, "--json")):
        fails(faststyle(*command, "me.png"), 1, "me.png exists: use --overwrite")
    assert Path("me.png").read_bytes() == before


def test_names_stay_names(faststyle):
    said = faststyle("stylize", "size=2.jpg", "--style", "udnie", *OUT)
    fails(said, 1, "Image not found: size=2.jpg.")


def test_unusual_names_and_sizes_are_painted(faststyle, tmp_path):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xe9.png")
    Image.effect_noise((160, 144), 90).convert("RGB").save(odd)
    assert faststyle("stylize", "me.png", "--style", odd, *OUT).returncode == 0
    Image.new("RGB", (2, 40), "red").save("tall.png")
    for args in (
        ("sheet", odd, "--style", "tiny", "--size", 64, "-o", "a.jpg"),
        ("sheet", "tall.png", "--style", "tiny", "--size", 64, "-o", "tall.jpg"),
        ("stylize", "tall.png", "--style", "tiny:udnie", "--seamless", "all", "-o", "loop.png"),
    ):
        said = faststyle(*args)
        assert said.returncode == 0, said.stderr


def test_ctrl_c_is_one_line_wherever_it_comes(faststyle, monkeypatch):
    monkeypatch.setattr(paths, "paint_strokes", lambda *_: signal.raise_signal(signal.SIGTERM))
    said = faststyle("strokes", "me.png", "-o", "me.svg")
    assert (said.returncode, said.stderr) == (130, "error: Stopped.\n")
    assert not Path("me.svg").exists()


def test_refining_many_photos_is_stopped_with_the_strokes_so_far(faststyle, monkeypatch):
    whole, begun = PixelOptimizer.__iter__, []

    def interrupted(self):
        steps = whole(self)
        yield next(steps)
        begun.append(self)
        if len(begun) == 2:
            signal.raise_signal(signal.SIGTERM)  # as Ctrl-C, which may be ignored here
        yield from steps

    monkeypatch.setattr(PixelOptimizer, "__iter__", interrupted)
    monkeypatch.setattr(PixelPainter, "steps", lambda *_: 2)
    Image.open("me.png").save("you.png")
    photos, style = ("me.png", "sea.png", "you.png"), ("--style", "tiny:udnie")
    said = faststyle("stylize", *photos, *style, "--refine", 1, "-o", "out")
    assert said.returncode == 130
    assert "Stopped after 2 of 3 images. Use --skip-existing to continue." in said.stderr
    assert sorted(file.name for file in Path("out").iterdir()) == ["me.png", "sea.png"]
    begun[1:] = []
    assert faststyle("stylize", "sea.png", *style, "--refine", 1, *OUT).returncode == 0


def test_masks_of_an_interrupted_run_are_made_again(faststyle):
    how = "--style", "tiny:udnie", "--paint", "background", "--save-mask", "masks", "-o", "out"
    assert faststyle("stylize", "me.png", *how).returncode == 0
    Path("out/me.png").unlink()  # its mask was saved first
    assert faststyle("stylize", "me.png", *how, "--skip-existing").returncode == 0
    over = faststyle("stylize", "me.png", *how[:5], "me.png", "-o", "out", "--overwrite")
    fails(over, 1, "Two files would be me.png")


def test_paintings_and_masks_inside_the_folder_are_no_photos(faststyle):
    Path("in").mkdir()
    Path("me.png").rename("in/me.png")
    how = "--style", "tiny:udnie", "--paint", "background", "--skip-existing"
    places = "-o", "in/painted", "--save-mask", "in/masks"
    for _ in range(2):
        done = faststyle("stylize", "in", *how, *places)
        assert done.returncode == 0
    assert done.stderr == "All images are painted already.\n"
    files = sorted(file.as_posix() for file in Path("in").rglob("*.png"))
    assert files == ["in/masks/me.png", "in/me.png", "in/painted/me.png"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("video", "in.mp4", "--refine", 9, "-o", "%d.png"), "Without --style, only"),
        (
            ("video", "in.mp4", "--mask", "sea.png", "-o", "%d.png"),
            "Without --style, only",
        ),
        (("export", "udnie", "--dtype", "half", "-o", "a.html"), "--dtype is only for"),
        (("export", "studio", "--arch", "slim", "-o", "a.html"), "--arch has no effect on"),
    ],
)
def test_options_without_effect(faststyle, args, words):
    Path("in.mp4").touch()
    fails(faststyle(*args), 2, words)
