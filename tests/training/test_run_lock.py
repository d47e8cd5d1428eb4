"One training at a time writes into a run folder."

import subprocess
import sys

import pytest
from conftest import FEW, is_clean
from fastai.callback.core import Callback

from faststyle_fastai.all import ASSETS, FaststyleError, Stylizer
from faststyle_fastai.core.locks import locked
from faststyle_fastai.training import run_folder
from faststyle_fastai.training.pretraining import pretrain
from faststyle_fastai.training.runs import add_style, train

OWNED = "is being trained by process [0-9]+ on .*: wait until it ends"
HOLD = """
from pathlib import Path
from faststyle_fastai.core.locks import locked
with locked(Path("run"), "trained", folder=True):
    print("held", flush=True)
    input()
"""


class Meanwhile(Callback):
    "Calls a function during a training."

    def __init__(self, call):
        self.call = call

    def before_fit(self):
        self.call()


def test_a_second_training_into_a_folder_is_refused(photos, painting, tmp_path):
    def others():
        for how in ({}, {"resume": True}, {"force": True}):
            with pytest.raises(FaststyleError, match=OWNED):
                train(photos, painting, "run", **FEW, **how)
        for run in ("run", "run/model.safetensors"):
            with pytest.raises(FaststyleError, match=OWNED):
                add_style(run, painting, photos, quiet=True)

    train(photos, painting, "run", **FEW, cbs=Meanwhile(others))
    assert Stylizer("run").styles == ["waves"] and is_clean(tmp_path)
    train(photos, painting, "run", **FEW, resume=True)


def test_a_lock_ends_with_its_process(tmp_path):
    run = tmp_path / "run"
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout.readline() == "held\n"
    with pytest.raises(FaststyleError, match=f"by process {owner.pid} on "):
        with locked(run, "trained"):
            pass
    owner.kill()
    owner.communicate()
    assert (run / ".lock").exists()
    with locked(run, "trained"):
        pass
    assert list(run.iterdir()) == []


def test_a_wrong_call_leaves_nothing(photos, painting, tmp_path):
    with pytest.raises(ValueError, match="give one of them"):
        train(photos, painting, "run", minutes=1, epochs=1, quiet=True)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FaststyleError, match="notes.txt is a file"):
        train(photos, painting, "notes.txt", quiet=True)
    with pytest.raises(FileNotFoundError, match="none"):
        add_style("none", painting, photos, quiet=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_pretraining_is_locked_too(photos, tmp_path):
    with locked(tmp_path / "ae.safetensors.part", "trained", folder=True):
        with pytest.raises(FaststyleError, match=OWNED):
            pretrain(photos, "ae.safetensors", **FEW)
    pretrain(photos, "ae.safetensors", **FEW)
    with pytest.raises(FaststyleError, match="ae.safetensors exists"):
        pretrain(photos, "ae.safetensors", **FEW)
    assert [path.name for path in tmp_path.iterdir()] == ["ae.safetensors"]


def test_a_network_without_a_run_is_locked_beside_it(photos, painting, tmp_path):
    file = tmp_path / "one.safetensors"
    file.write_bytes((ASSETS / "gallery-slim.safetensors").read_bytes())
    with locked(file, "trained"):
        with pytest.raises(FaststyleError, match=f"{file} {OWNED}"):
            add_style(file, painting, photos, quiet=True)
    assert is_clean(tmp_path)


def test_the_longest_names(tmp_path, monkeypatch):
    with locked(tmp_path / ("x" * 251 + ".mp4"), "painted"):
        pass
    record = {"settings": {"names": ["x" * 250]}}
    monkeypatch.setattr(run_folder, "record_of", lambda out: record)
    run_folder.may_write(tmp_path / "run", resume=True, force=False)
    run_folder.clear(tmp_path / "run")
