"The help of every command, at 80 columns."

import re

import pytest
import typer
from typer.testing import CliRunner

from faststyle_fastai.all import (
    ARCHS,
    BACKBONES,
    CONTENT_LOSSES,
    INITS,
    OPTIMIZATIONS,
    OPTIMIZERS,
    RECIPES,
    STYLE_LOSSES,
)
from faststyle_fastai.cli.help import GROUPS
from faststyle_fastai.cli.main import app
from faststyle_fastai.core.devices import PRECISIONS
from faststyle_fastai.models.predictor import HIDDEN
from faststyle_fastai.optimization import pixels
from faststyle_fastai.perceptual.backbones import POOLINGS

COMMANDS = ["", *typer.main.get_command(app).commands]
TITLES = ["Arguments", "Options", "Loss and schedule", *GROUPS]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_and_speaks_no_python(command):
    found = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "80"})
    assert found.exit_code == 0
    assert not re.search(r"<\w+(\[\w+\])?>|list\[|None|…\.\.\.|\{", found.stdout), found.stdout
    assert max(map(len, found.stdout.splitlines())) <= 80
    if command:
        assert "For example:" in found.stdout
        titles = re.findall("╭─ ([^─]+) ─", found.stdout)
        assert titles == [title for title in TITLES if title in titles]


def test_options_are_in_groups():
    said = CliRunner().invoke(app, ["stylize", "--help"], env={"COLUMNS": "80"}).stdout
    groups = re.split("╭─ ([^─]+) ─", said)
    options = {
        title: re.findall(r"(?m)^│ [ *]*(--[\w-]+)", text)
        for title, text in zip(groups[1::2], groups[2::2])
    }
    assert options["Options"] == ["--style", "--output", "--quiet", "--help"]
    assert "--strength" in options["Look"] and "--device" in options["Speed and memory"]
    assert sum(map(len, options.values())) > 25


CHOICES = {
    "optimize --recipe": OPTIMIZATIONS,
    "optimize --content-loss": CONTENT_LOSSES,
    "optimize --style-loss": STYLE_LOSSES,
    "optimize --init": INITS,
    "optimize --pooling": POOLINGS,
    "optimize --optimizer": pixels.OPTIMIZERS,
    "optimize --backbone": BACKBONES,
    "train --backbone": BACKBONES,
    "train --recipe": RECIPES,
    "train --arch": ARCHS,
    "train --optimizer": OPTIMIZERS,
    "stylize --arch": HIDDEN,
    "stylize --precision": PRECISIONS,
}


# Most of these tables import torch, which help must not.
@pytest.mark.parametrize("option", CHOICES)
def test_help_names_every_choice(option):
    command, name = option.split()
    (found,) = [p for p in typer.main.get_command(app).commands[command].params if name in p.opts]
    assert [row for row in CHOICES[option] if not re.search(rf"\b{row}\b", found.help)] == []
