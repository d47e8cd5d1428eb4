"Numbers that are none, and names that steer a terminal, on the command line and in Python."

import math
import os
import warnings
from pathlib import Path

import pytest
import typer
from PIL import Image

from faststyle_fastai.cli import main as cli
from faststyle_fastai.cli.options import print_outputs
from faststyle_fastai.core.errors import FaststyleError, format_error
from faststyle_fastai.core.terminal import printable
from faststyle_fastai.core.values import check_numbers
from faststyle_fastai.images.discovery import find_paintings
from faststyle_fastai.images.files import limit_pixels
from faststyle_fastai.images.shapes import short_shape
from faststyle_fastai.inference.stylizer import Stylizer
from faststyle_fastai.models.stylefile import import_style
from faststyle_fastai.optimization.optimize import optimize_style
from faststyle_fastai.optimization.pixel_recipes import OPTIMIZATIONS, scales_between
from faststyle_fastai.perceptual.plans import plan_with
from faststyle_fastai.training.callbacks import TimeBudget
from faststyle_fastai.training.pretraining import pretrain
from faststyle_fastai.training.recipes import recipe_plan
from faststyle_fastai.training.runs import train

STYLIZE = "stylize", "me.png", "--style", "udnie", "-o", "out.png"
TRAIN = "train", "photos", "--style", "me.png", "-o", "run"
VIDEO = "video", "film.gif", "--style", "udnie", "-o", "out.mp4"
OPTIMIZE = "optimize", "me.png", "me.png", "-o", "out.png"


@pytest.mark.parametrize(
    "words",
    [
        (*STYLIZE, "--strength", "nan"),
        (*STYLIZE, "--mix", "mondrian=nan"),
        (*STYLIZE, "--mix", "mondrian=inf"),
        (*STYLIZE, "--max-megapixels", "inf"),
        (*TRAIN, "--minutes", "nan"),
        (*TRAIN, "--minutes", "inf"),
        (*TRAIN, "--style-weight", "inf"),
        (*TRAIN, "--lr", "nan"),
        (*TRAIN, "--style-layers", "relu1_1=nan"),
        (*TRAIN, "--valid-pct", "nan"),
        (*TRAIN, "--seed", "9" * 30),
        ("add-style", "run", "--style", "me.png", "--minutes", "nan"),
        ("demo", "--minutes", "nan"),
        (*VIDEO, "--start", "nan"),
        (*VIDEO, "--end", "nan"),
        (*VIDEO, "--fps", "nan"),
        (*OPTIMIZE, "--content-weight", "nan"),
        (*OPTIMIZE, "--step-size", "inf"),
        (*OPTIMIZE, "-sw", "1", "--style-weights", "nan"),
        ("web", "--max-megapixels", "nan"),
    ],
    ids=" ".join,
)
def test_no_option_takes_nan_or_infinity(faststyle, painting, words):
    for name in ("me.png", "film.gif"):
        os.link(painting, name)
    os.mkdir("photos")
    said = faststyle(*words)
    assert said.returncode in (1, 2) and "Traceback" not in said.stderr
    assert "Invalid" in said.stderr, said.stderr
    assert set(os.listdir()) == {"me.png", "film.gif", "photos"}


@pytest.mark.parametrize(
    "typed",
    ["style.scales=3", "style.scales=0.5,2", "style.scales=-1", "style.margin=7", "tone.weight=-1"]
    + ["style.size=1,2", "tone.weight=nan", "style.scales=1,inf", "content.layers=relu1_1=-1"],
)
def test_a_wrong_setting_is_shown_as_it_was_typed(faststyle, painting, photos, typed):
    words = "--style", painting, "-o", "run", "--set", typed
    said = faststyle("train", photos, *words)
    assert said.returncode == 2 and typed.partition(".")[2] in said.stderr, said.stderr
    assert not os.path.exists("run")


def test_python_shows_sequences_so_too():
    for scales, words in (((3,), "scales=3."), ([1, 0], "scales=1,0."), ((), "scales=.")):
        with pytest.raises(ValueError, match=f"Invalid {words}"):
            recipe_plan("fast", "style", scales=scales)
    with pytest.raises(ValueError, match=r"style.layers=relu1_1=-1\."):
        recipe_plan("fast", "style", style_layers={"relu1_1": -1.0})


FOLLOWS = {  # command -> what it needs
    "stylize": STYLIZE[1:], "train": TRAIN[1:], "video": VIDEO[1:], "optimize": OPTIMIZE[1:],
    "grid": STYLIZE[1:], "sheet": ("me.png", "-o", "out.png"),
    "strokes": ("me.png", "-o", "out.png"),
    "add-style": ("run", "--style", "me.png"),
    "bulk": ("photos", "to", *STYLIZE[2:4]),
    "pretrain": ("photos", "-o", "a.safetensors"), "evaluate": ("udnie", "--photos", "photos"),
    "export": ("udnie", "-o", "a.onnx"), "info": ("udnie",),
    "import": ("me.pth", "-o", "a.safetensors"),
    "web": ("--no-browser",), "camera": ("--no-browser",),
}  # fmt: skip
NUMERIC = [
    (name, max(param.opts, key=len))
    for name, command in typer.main.get_command(cli.app).commands.items()
    for param in command.params
    if getattr(param, "type_descriptor", None) and param.type_descriptor.annotation in (int, float)
]


@pytest.mark.parametrize(("command", "option"), NUMERIC)
def test_each_option_refuses_what_is_no_number_for_it(faststyle, painting, command, option):
    os.mkdir("photos")
    for name in ("me.png", "film.gif", "photos/a.png"):
        os.link(painting, name)
    for number in ("-1", "nan", "inf", "1e30", "9" * 30):
        if (number, option) == ("-1", "--seed"):
            continue
        said = faststyle(command, *FOLLOWS.get(command, ()), option, number)
        assert said.returncode in (1, 2) and said.stdout == "", (number, said)
        error = " ".join(line.strip("│ ") for line in said.stderr.splitlines())
        assert error.count("Invalid") == 1 and option in error, (number, error)
        assert not any(word in error for word in ("Traceback", "--debug", "_")), (number, error)


@pytest.mark.parametrize("number", [math.nan, math.inf, -1.0])
def test_python_refuses_them_too(number, photo, painting, photos, paint, tmp_path):
    calls = [
        lambda: TimeBudget(number),
        lambda: recipe_plan("fast", "style", lr=number),
        lambda: recipe_plan("fast", "style", style_layers={"relu1_1": number}),
        lambda: plan_with(OPTIMIZATIONS["neighbors"], {"tv_weight": number}),
        lambda: optimize_style(photo, [painting, photo], [1.0, number], end_scale=46),
        lambda: short_shape((48, 64), number),
        lambda: paint(photo, strength=number),
        lambda: paint(photo, size=number),
        lambda: paint(photo, {"mondrian": number}),
        lambda: train(photos, painting, tmp_path / "run", minutes=number),
        lambda: pretrain(photos, tmp_path / "a.safetensors", minutes=number),
        lambda: train(photos, painting, tmp_path / "run", valid_pct=number),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="Invalid|[Ww]eights"):
            call()
    assert not (tmp_path / "run").exists()


def test_a_crop_beyond_reason_is_refused(photos, painting):
    with pytest.raises(ValueError, match="from 32 to 16384"):
        train(photos, painting, "run", size=10**9)


def test_ordinary_numbers_pass():
    check_numbers(none=None, zero=0, word="a", layers={"relu1_1": 1.0, "relu2_1": None})
    assert Stylizer("gallery").style_weights(
        {"udnie": 0.3, "mondrian": 0.7}
    ).sum() == pytest.approx(1)


ESCAPES = "\x1b]0;owned\x07 \x1b[2J \x9b31m \r\n \x7f"


@pytest.mark.parametrize("error", [ValueError, FaststyleError, OSError, KeyError, MemoryError])
def test_an_error_steers_no_terminal(error):
    said = format_error(error(ESCAPES))
    assert printable(said) == said and "\\x1b]0;owned\\x07" in said


def test_names_of_files_and_warnings_are_printed_inert(faststyle, monkeypatch):
    name = "a\x1b[2J\x9b\nb.png"
    said = faststyle("stylize", name, "--style", "udnie", "-o", "out")
    assert said.returncode == 1
    assert said.stderr == "error: Image not found: a\\x1b[2J\\x9b b.png.\n"

    def command():
        warnings.showwarning(f"{name} is odd", UserWarning, "file", 1)
        print_outputs(name)
        raise SystemExit(0)

    monkeypatch.setattr(cli, "app", command)
    said = faststyle()
    assert said.stderr == "warning: a\\x1b[2J\\x9b b.png is odd\n"
    assert said.stdout == "a\\x1b[2J\\x9b\\nb.png\n"


def test_a_style_s_name_is_checked_when_it_is_given(painting, tmp_path):
    for name in ("a\x1b[2J", "a\x9b", " "):
        with pytest.raises(ValueError, match="Invalid style name"):
            find_paintings([f"{name}={painting}"])
        with pytest.raises(ValueError, match="Invalid style name"):
            import_style("peer.pth", tmp_path / "a.safetensors", name)


def test_numbers_at_the_edge(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    limit_pixels(1e308)
    assert scales_between(2**15, 2**16)[-1] == 2**16
    with pytest.raises(ValueError, match="lie between 1 and 65536 px"):
        scales_between(16, 10**12)


def test_names_as_people_write_them(faststyle, photo):
    assert faststyle("info", "tiny:The Scream").returncode == 0
    how = "--painterly", "--painting", photo, "-o", "out.png", "--overwrite"
    found = []
    for style in ("tiny:The Scream", "tiny:the_scream"):
        assert faststyle("stylize", photo, "--style", style, *how).returncode == 0
        found.append(Path("out.png").read_bytes())
    assert found[0] == found[1]
    Path("size=2.png").write_text("none")
    wrong = faststyle("stylize", "size=2.png", "--style", "udnie", "-o", "new.png")
    assert "size=2.png" in wrong.stderr and "--size" not in wrong.stderr
