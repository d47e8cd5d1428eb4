"Trainings: killed, extended, and with custom losses, schedules and paintings."

import json
import signal
import subprocess
import sys
from functools import partial
from itertools import count
from types import SimpleNamespace
from unittest.mock import patch

import pytest
import torch
from conftest import FEW, QUICK, fails, is_clean
from fastai.learner import load_learner
from pages import served
from PIL import Image

from benchmarks.training.kill import digest
from faststyle_fastai.all import FaststyleError, StyleDataLoaders, Stylizer
from faststyle_fastai.images.discovery import find_paintings
from faststyle_fastai.training import callbacks, runs
from faststyle_fastai.training.recipes import recipe_plan
from faststyle_fastai.training.runs import add_style, train

KILLED = """
import os, signal, sys, torch
from fastai.callback.core import Callback
from faststyle_fastai.training import checkpoint
from faststyle_fastai.training.runs import add_style, train

torch.set_num_threads(1)
kind, step, settings = sys.argv[1], int(sys.argv[2]), eval(sys.argv[3])
saved = checkpoint.fsync_path

class Kill(Callback):
    order = 90  # before the checkpoint
    def after_step(self):
        if kind == "step" and self.train_iter + 1 == step:
            os.kill(os.getpid(), signal.SIGKILL)

def flush(path):
    saved(path)
    if kind == "saving" and path.name == "state.pt" and f"-{step:06}" in path.parent.name:
        os.kill(os.getpid(), signal.SIGKILL)

checkpoint.fsync_path = flush
train(cbs=Kill(), **settings)
"""


@pytest.mark.slow
def test_a_training_killed_at_any_step_ends_alike(photos, painting, tmp_path):
    settings = {"photos": str(photos), "style": [str(painting)], "size": 40, "small": 32, "bs": 2}
    settings |= {"images": 16, "epochs": 2, "arch": "tiny", "checkpoint_every": 3, "quiet": True}
    settings |= {"device": "cpu"}
    train(out="whole", **settings)
    for kind, step in (("saving", 6), ("step", 14)):
        asked = repr(settings | {"out": "run", "resume": True})
        command = [sys.executable, "-c", KILLED, kind, str(step), asked]
        assert subprocess.run(command, cwd=tmp_path).returncode == -signal.SIGKILL, (kind, step)
        assert kind == "step" or not is_clean(tmp_path / "run")  # a partial checkpoint remains
    train(out="run", resume=True, **settings)
    assert digest(tmp_path / "run") == digest(tmp_path / "whole")
    assert is_clean(tmp_path)


@pytest.mark.slow
def test_a_run_that_has_ended_goes_on_for_longer(photos, painting):
    settings = FEW | {"images": 8}
    run = train(photos, painting, "run", epochs=1, **settings)
    once = digest(run)
    train(photos, painting, "run", epochs=1, resume=True, **settings)
    assert digest(run) == once  # nothing left to do
    train(photos, painting, "run", epochs=3, resume=True, **settings)
    assert digest(run) != once
    lines = (run / "history.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["0", "1", "2"]
    state = torch.load(max(run.glob("checkpoints/step-*/state.pt")), weights_only=True)
    assert state["train_iter"] == 12 and state["opt"]["state"]  # the optimizer state continues
    with pytest.raises(FaststyleError, match=r"different settings \(lr\)"):
        train(photos, painting, "run", epochs=4, lr=1e-5, resume=True, **settings)
    for other in ({"epochs": 2}, {}, {"minutes": 1}):
        with pytest.raises(FaststyleError, match="the same value, or more"):
            train(photos, painting, "run", resume=True, **settings, **other)
    with pytest.raises(ValueError, match="one of them"):
        train(photos, painting, "run", epochs=4, minutes=1, resume=True, **settings)
    with pytest.raises(ValueError, match="Invalid minutes=0"):
        train(photos, painting, "none", minutes=0, **settings)
    with pytest.raises(ValueError, match="Invalid minutes=0"):
        add_style("run", painting, minutes=0)
    with pytest.raises(ValueError, match="precision 'half'"):  # the run survives
        train(photos, painting, "run", precision="half", force=True, **settings)
    assert Stylizer("run").styles == ["waves"]


@pytest.mark.slow
def test_minutes_are_those_of_all_sessions(photos, painting, monkeypatch):
    clock = SimpleNamespace(monotonic=partial(next, count(0, 0.05)))  # a step takes 0.05 s or more
    for module in (callbacks, runs):
        monkeypatch.setattr(module, "time", clock)
    settings = FEW | {"images": 8}
    steps = []
    for minutes in (0.02, 0.04):
        run = train(photos, painting, "run", minutes=minutes, resume=minutes > 0.02, **settings)
        newest = max(run.glob("checkpoints/step-*/state.pt"))
        state = torch.load(newest, weights_only=True)
        allowed = callbacks.TimeBudget(minutes).seconds
        assert allowed <= state["callbacks"]["time_budget"]["spent"] < allowed + 0.1
        steps.append(state["train_iter"])
    assert steps[1] > 1.8 * steps[0]


def test_the_loss_and_the_schedule_on_the_command_line(faststyle, photos, painting, tmp_path):
    said = faststyle(
        "train", photos, "--style", f"sea={painting}", "-o", "run", *QUICK,
        "--style-weight", 2, "--content-weight", 0.5, "--tv-weight", 3, "--lr", 1e-4, "--epochs", 2,
        "--content-layers", "relu2_2,relu3_1=.5", "--style-layers", "relu1_1=2,relu3_1",
        "--style-size", 48, "--set", "tone.weight=1.5", "--optimizer", "adam",
        "--checkpoint-every", 1, "--preview-every", 2,
        "--preview-photo", painting, "--preview-photo", photos / "china" / "0.jpg",
        "--preview-photo", photos / "china" / "1.jpg",
        "--valid-pct", 0.3, "--precision", "float32", "--temporal-loss",
    )  # fmt: skip
    assert said.returncode == 0 and said.stderr == "", said.stderr
    settings = json.loads((tmp_path / "run/run.json").read_text())["settings"]
    wanted = {"lr": 1e-4, "epochs": 2, "opt": "adam"}
    assert wanted.items() <= settings["plan"].items()
    loss, own = settings["plan"]["loss"], recipe_plan("fast", "style")
    assert loss["content"]["layers"] == {"relu2_2": own.content_layers["relu2_2"], "relu3_1": 0.5}
    assert loss["style"]["layers"] == {"relu1_1": 2, "relu3_1": own.style_layers["relu3_1"]}
    weights = [loss[term]["weight"] for term in ("content", "style", "tv")]
    assert weights == [0.5, 2, 3]
    assert loss["style"]["size"] == 48 and loss["tone"]["weight"] == 1.5
    assert loss["temporal"]["weight"] == 1.5
    assert settings["names"] == ["sea"] and settings["precision"] == "float32"
    assert settings["valid_pct"] == 0.3
    assert len((tmp_path / "run/history.csv").read_text().splitlines()) == 3
    assert [p.name for p in sorted((tmp_path / "run/previews").iterdir())] == [
        f"step-{step:06}.png" for step in (0, 2, 4)
    ]
    assert Image.open("run/previews/step-000000.png").width > 5 * 256  # six images side by side
    assert Stylizer("run:sea").styles == ["sea"]

    new = "--style", f"coast={photos / 'flower' / '3.jpg'}", "--minutes", 0.01, "--quiet"
    said = faststyle("add-style", "run", *new, "--style-weight", 4, "--lr", 1e-3, "--bs", 1)
    fails(said, 2, "No such option", "--bs")
    with patch.object(runs, "fit_run", wraps=runs.fit_run) as fitted:
        said = faststyle("add-style", "run", *new, "--style-weight", 4, "--lr", 1e-3)
    assert said.returncode == 0, said.stderr
    added = fitted.call_args.args[0].style_card.plan.loss  # the run's, but for what is given
    assert added == loss | {"style": loss["style"] | {"weight": 4}}
    assert Stylizer("run").styles == ["sea", "coast"]
    learn = load_learner("run/model.pkl")
    learn.dls = StyleDataLoaders.from_folder(photos, size=32, bs=2, device="cpu")
    with pytest.raises(FaststyleError, match="a style was added"), learn.no_bar():
        learn.validate()
    bad = faststyle("train", photos, "--style", painting, "-o", "x", "--style-layers", "relu1_1=a")
    fails(bad, 2, "relu1_1=a")
    for wrong, why in (
        ("tone", "'tone' must be TERM.SETTING=VALUE"),
        ("tint.weight=1", "Unknown term 'tint'. Choose one of content, style"),
        ("tone.size=1", "Unknown setting of tone 'size'. Choose one of weight"),
        ("style.distance=log", "Unknown style loss 'log'"),
        ("tv.weight=-1", "Invalid tv.weight=-1"),
        ("style.size=large", "Invalid style.size=large. Use a number."),
    ):
        bad = faststyle("train", photos, "--style", painting, "-o", "x", "--set", wrong)
        fails(bad, 2, why)


def test_weights_are_in_the_recipes_own_units():
    for recipe, content, style, tv in (
        ("johnson", 1e5, 1e10, 0),
        ("skalski", 1e5, 1e10, 1e-6),
        ("dumoulin", 1, 17, 0),
        ("tarun", 10, 100, 0.004),
        ("fast", 1, 1, 1),
    ):
        plan = recipe_plan(recipe, "style")
        assert (plan.content_weight, plan.style_weight, plan.tv_weight or 0) == (content, style, tv)
        assert recipe_plan(recipe, "style", style_weight=2e10).style_layers == plan.style_layers


@pytest.fixture
def gallery_of_two(painting, tmp_path):
    "A folder of paintings and the URL that serves it."
    folder = tmp_path / "paintings"
    folder.mkdir()
    Image.open(painting).save(folder / "waves one.png")
    Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), 9).convert("RGB").save(folder / "dusk.png")
    with served(folder) as address:
        yield folder, address


def test_paintings_of_a_folder_and_of_an_address(gallery_of_two, painting):
    folder, address = gallery_of_two
    names = {"dusk": folder / "dusk.png", "waves one": folder / "waves one.png"}
    assert find_paintings([folder]) == names
    at = f"{address}/waves%20one.png?a=b"
    assert find_paintings([at]) == {"waves one": at}
    assert find_paintings([f"sea={at}", f"dusk={folder / 'dusk.png'}"]) == {
        "sea": at,
        "dusk": folder / "dusk.png",
    }
    both = [folder / "dusk.png", folder / "waves one.png"]
    for works in (folder, ",".join(map(str, both))):
        assert find_paintings([f"sea={works}"]) == {"sea": both}
    for wrong, said in (
        ([folder, folder / "dusk.png"], "Two paintings are named dusk"),
        ([f"a/b={painting}"], "Invalid style name 'a/b'"),
        (["x=absent.png"], "Image not found: absent.png"),
    ):
        with pytest.raises((ValueError, OSError), match=said):
            find_paintings(wrong)


def test_a_style_is_trained_from_an_address(gallery_of_two, photos, painting):
    folder, address = gallery_of_two
    run = train(photos, [f"{address}/dusk.png", f"sea={painting}"], "run", **FEW)
    assert Stylizer(run).styles == ["dusk", "sea"]
    assert {path.name for path in run.glob("progress*.gif")} == {
        "progress-dusk.gif",
        "progress-sea.gif",
    }
    train(photos, [f"{address}/dusk.png", f"sea={painting}"], "run", resume=True, **FEW)
    train(photos, folder, "both", **FEW)
    assert Stylizer("both").styles == ["dusk", "waves one"]
