"A pickle runs code when it is loaded: no way in loads one that is not trusted."

import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from faststyle_fastai.bulk.cluster import paint_bulk
from faststyle_fastai.core.errors import FaststyleError
from faststyle_fastai.inference.stylizer import Stylizer
from faststyle_fastai.web.library import StyleLibrary

FILES = "evil.pkl", "zip.pkl", "EVIL.PKL", "evil.pth", "zip.pth", "evil.safetensors", "evil.onnx"
STYLIZE = "stylize", "me.png", "-o", "out.png", "--style"
TRAIN = "train", "photos", "--style", "me.png", "-o", "new", "--backbone", "lite", "--crop-size", 32
TRAIN = *TRAIN, "--bs", 2, "--images", 2, "--quiet"
PRETRAIN = "pretrain", "photos", "-o", "new.safetensors", *TRAIN[6:]
EVALUATE = "--photos", "photos", "--painting", "me.png", "--backbone", "lite", "--iterations", 0
COMMANDS = [  # of each file
    (*STYLIZE, "FILE"),
    (*STYLIZE, "FILE:waves"),
    (*STYLIZE, "udnie", "--mix", "FILE=.5"),
    (*STYLIZE, "me.png", "--mix", "FILE=.5"),
    (*STYLIZE, "udnie", "--mask", "me.png", "--background-style", "FILE"),
    ("grid", "me.png", "-o", "out.png", "--style", "FILE:a", "--style", "FILE:b"),
    ("video", "film.gif", "-o", "out.gif", "--style", "FILE"),
    ("evaluate", "FILE", *EVALUATE),
    ("evaluate", "udnie", *EVALUATE, "--backbone-weights", "FILE"),
    ("info", "FILE"),
    ("styles", "--like", "FILE"),
    ("export", "FILE", "-o", "out.onnx"),
    ("export", "FILE", "-o", "out.html"),
    ("import", "FILE", "-o", "new.safetensors"),
    ("bulk", "photos", "painted", "--style", "FILE"),
    ("camera", "--style", "FILE", "--no-browser"),
    (*TRAIN, "--pretrained", "FILE"),
    (*TRAIN, "--backbone-weights", "FILE"),
    (*PRETRAIN, "--pretrained", "FILE"),
    (*PRETRAIN, "--backbone-weights", "FILE"),
    ("add-style", "FILE", "--style", "me.png", "--photos", "photos"),
    ("optimize", "me.png", "me.png", "-o", "out.png", "--init", "stylized:FILE"),
    ("optimize", "me.png", "me.png", "-o", "out.png", "--backbone-weights", "FILE"),
]
FOLDERS = [  # a run folder that holds nothing but model.pkl, or a hostile state to resume
    (*STYLIZE, "run"),
    (*STYLIZE, "run:waves"),
    ("info", "run"),
    ("add-style", "run", "--style", "me.png", "--photos", "photos"),
    ("export", "run", "-o", "out.onnx"),
    (*TRAIN, "--pretrained", "run"),
    (*TRAIN[:4], "-o", "run", *TRAIN[6:], "--resume"),
    ("optimize", "me.png", "me.png", "-o", "begun.png", "--resume", "-s", 32, "--min-scale", 32),
]


class Evil:
    def __reduce__(self):
        return os.mkdir, (os.path.abspath("RAN"),)


@pytest.fixture(autouse=True)
def files(painting):
    "Hostile files, and the good ones that the commands need besides."
    for name in FILES:
        if name.startswith("zip"):
            torch.save({"features.0.weight": Evil()}, name)
        else:
            with open(name, "wb") as file:
                pickle.dump(Evil(), file)
    os.mkdir("run"), os.mkdir("photos")
    for name in ("run/model.pkl", "begun.png.state"):
        os.link("zip.pkl", name)
    Image.effect_noise((48, 40), 90).convert("RGB").save("me.png")
    Image.open("me.png").save("film.gif")
    for name in ("begun.png", "photos/a.png", "photos/b.png", "photos/c.png"):
        os.link("me.png", name)


def refused(said):
    assert said.returncode in (1, 2) and not os.path.exists("RAN"), said
    wrong = "--debug shows", "No such option", "Missing", "No such command"
    assert not any(words in said.stderr for words in wrong), said


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(map(str, words)))
def test_no_command_runs_its_code(faststyle, words):
    for name in FILES:
        refused(faststyle(*(str(word).replace("FILE", name) for word in words)))


@pytest.mark.parametrize("words", FOLDERS, ids=lambda words: " ".join(map(str, words)))
def test_no_run_folder_runs_its_code(faststyle, words):
    refused(faststyle(*words))


def test_no_checkpoint_runs_its_code(faststyle):
    words = *TRAIN[:4], "-o", "own", *TRAIN[6:], "--arch", "tiny", "--epochs", 1
    said = faststyle(*words)
    assert said.returncode == 0, said.stderr
    states = [*Path("own").glob("checkpoints/step-*/state.pt")]
    for state in states:
        shutil.copy("zip.pkl", state)
    refused(said := faststyle(*words, "--resume"))
    assert states and "No checkpoint in own/checkpoints is intact" in said.stderr


def test_python_and_the_page_refuse_it_too():
    for name in ("evil.pkl", "evil.pkl:waves", "zip.pkl"):
        with pytest.raises(FaststyleError, match="is a pickle, which can run code when loaded"):
            Stylizer(name, trust_pickle=False)
        with pytest.raises(FaststyleError, match="trust_pickle=True"):
            paint_bulk("photos", "painted", name)
    for name in FILES:
        os.link(name, f"photos/{name}")
    with pytest.warns(UserWarning, match="Style skipped: .*evil.safetensors"):
        library = StyleLibrary("photos")
        assert not {"evil", "zip", "run"} & {*library.styles()}
    for name in FILES:
        with pytest.raises(ValueError):
            library.add(name)
    assert not os.path.exists("RAN")


@pytest.mark.parametrize("name", ["evil.pkl", "zip.pkl"])
def test_a_trusted_one_is_loaded(faststyle, name):
    with pytest.raises(ValueError, match=f"{name} cannot be loaded as a style's learner"):
        Stylizer(name)
    os.rmdir("RAN")
    said = faststyle(*STYLIZE, name, "--trust-pickle")
    assert os.path.exists("RAN") and said.returncode == 1 and said.stderr.count("\n") == 1
