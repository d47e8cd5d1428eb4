import json
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
import torch
from conftest import FEW, fails, full_disk, is_clean
from conftest import QUICK as ANY
from PIL import Image

from faststyle_fastai.all import FaststyleError, Stylizer, load_style
from faststyle_fastai.training.pretraining import pretrain
from faststyle_fastai.training.run_folder import sweep
from faststyle_fastai.training.runs import train

QUICK = "--no-strokes", *ANY  # those of a large painting take seconds
LEFT_BY_A_RUN = {
    "checkpoints", "history.csv", "loss.png", "model.pkl", "model.safetensors",
    "previews", "progress.gif", "run.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def painting(painting, tmp_path_factory):
    "Large enough to show its strokes, so that nothing is said of it."
    file = tmp_path_factory.mktemp("large") / "waves.png"
    Image.open(painting).resize((500, 400)).save(file)
    return file


def test_train_stylize_info(faststyle, photos, painting, tmp_path):
    said = faststyle("train", photos, "--style", painting, "-o", "run", *QUICK)
    assert said.returncode == 0 and said.stderr == "", said.stderr
    assert {p.name for p in (tmp_path / "run").iterdir()} == LEFT_BY_A_RUN
    assert said.stdout.split()[0] == "run/model.safetensors"
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert record["complete"] and record["settings"]["plan"]["bs"] == 2

    said = faststyle("stylize", photos, "--style", "run", "-o", "out", "--quiet", "--strength", 0.5)
    assert said.returncode == 0 and len(said.stdout.split()) == 14
    assert Image.open("out/china/3.jpg").size == (96, 72)

    said = faststyle("info", "run/model.safetensors")
    assert json.loads(said.stdout)["styles"] == ["waves"]

    fails(faststyle("train", photos, "--style", painting, "-o", "run", *QUICK), 1, "--resume")
    before = Stylizer("run").weights
    again = faststyle("train", photos, "--style", painting, "-o", "run", *QUICK, "--resume")
    assert again.returncode == 0, again.stderr
    minutes = json.loads((tmp_path / "run/run.json").read_text())["minutes"]
    assert minutes > record["minutes"]  # includes the first run's
    after = Stylizer("run").weights
    assert all(torch.equal(after[name], before[name]) for name in before)
    other = faststyle(
        "train", photos, "--style", painting, "-o", "run", *QUICK, "--resume", "--seed", 3
    )
    fails(other, 1, "trained with different settings", "seed")
    assert is_clean(tmp_path)


def test_many_styles(faststyle, photos, painting, tmp_path):
    for i, name in enumerate(("dawn", "dusk")):
        fractal = Image.effect_mandelbrot((400, 400), (-2, -1, 1, 1), 9 + i)
        fractal.convert("RGB").save(f"{name}.png")
    both = "--style", painting, "--style", "dawn.png"
    said = faststyle("train", photos, *both, "-o", "run", *QUICK)
    assert said.returncode == 0 and said.stderr == "", said.stderr
    films = ["run/progress-dawn.gif", "run/progress-waves.gif"]
    assert said.stdout.split()[-2:] == films
    assert "train_style:dawn" in (tmp_path / "run/history.csv").read_text()
    other = faststyle("train", photos, "--style", "dawn.png", "-o", "run", *QUICK, "--resume")
    fails(other, 1, "trained on the style waves, dawn, not dawn")

    photo, painted = photos / "china" / "0.jpg", {}
    Image.linear_gradient("L").resize((96, 72)).save("mask.png")
    for args in (
        ("--style", "run:dawn"),
        ("--style", "run:waves", "--mix", "dawn=.5"),
        ("--style", "run:waves", "--mask", "mask.png", "--background-style", "dawn"),
    ):
        said = faststyle("stylize", photo, *args, "-o", "out.png", "--overwrite")
        assert said.returncode == 0 and said.stderr == "", said.stderr
        painted[args] = (tmp_path / "out.png").read_bytes()
    assert len(set(painted.values())) == 3
    fails(faststyle("stylize", photo, "--style", "run", "--mix", "x", "-o", "x.png"), 2, "WEIGHT")

    Image.new("LA", (96, 72)).save("two.png")
    bad = "--style", "run", "--mask", "two.png", "-o", "x"
    fails(faststyle("stylize", photos, *bad), 1, "This one has 2 channels")

    new = "--style", "dusk.png", "--no-strokes", "--minutes", 0.02, "--quiet"
    said = faststyle("add-style", "run/model.safetensors", *new)  # the path that `train` prints
    assert said.stdout == "run/model.safetensors\n", said.stderr
    assert json.loads(faststyle("info", "run").stdout)["styles"] == ["waves", "dawn", "dusk"]
    said = faststyle("stylize", photo, "--style", "run:dawn", "-o", "again.png")
    assert (tmp_path / "again.png").read_bytes() == painted["--style", "run:dawn"]
    fails(faststyle("add-style", "run", *new), 1, "already has a style 'dusk'")
    shutil.copy("dusk.png", "evening.png")
    again = faststyle("add-style", "run", "--style", "evening.png")
    fails(again, 1, "evening.png is the painting dusk")
    fails(faststyle("train", photos, *both, "-o", "run", *QUICK, "--resume"), 1, "added style dusk")
    args = (
        "--photos",
        photos / "china",
        "--painting",
        "dusk.png",
        "--backbone",
        "lite",
        "--size",
        32,
    )
    args += "--num-photos", 1, "--iterations", 0
    fails(faststyle("evaluate", "run", *args), 1, "has the styles waves, dawn, dusk")
    assert faststyle("evaluate", "run:dusk", *args).stdout != ""


def test_what_is_not_ours_stays(painting, photos, tmp_path):
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(FaststyleError, match="contains checkpoints but no run"):
        train(photos, painting, tmp_path, quiet=True)
    assert (tmp_path / "checkpoints").is_dir()


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(photos, painting, tmp_path):
    command = [sys.executable, "-m", "faststyle_fastai", "train", photos, "--style", painting]
    command += ["-o", "run", "--crop-size", "32", "--batch-size", "2", "--quiet"]
    command += ["--checkpoint-every", "1", "--arch", "tiny"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list((tmp_path / "run").glob("checkpoints/step-*")):
        time.sleep(0.1)
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130 and said.startswith("error: Stopped. The network so far")
    assert {p.name for p in (tmp_path / "run").iterdir()} >= {"model.safetensors", "checkpoints"}
    assert not json.loads((tmp_path / "run/run.json").read_text())["complete"]


def test_a_loss_that_is_no_number_keeps_the_last_good_network(photos, painting):
    settings = FEW | {"images": 12, "lr": 1e18}
    with pytest.raises(FaststyleError, match="before step"):
        train(photos, painting, "run", **settings)
    assert Stylizer("run").styles == ["waves"]
    with pytest.raises(FaststyleError, match="before step"):
        pretrain(photos, "ae.safetensors", **settings)
    assert Stylizer("ae.safetensors").styles == []


def test_a_damaged_checkpoint_does_not_cost_the_network(photos, painting, tmp_path):
    run = train(photos, painting, "run", **FEW)
    before = (run / "model.safetensors").read_bytes()
    next((tmp_path / "run").glob("checkpoints/step-*/state.pt")).write_bytes(b"half a file")
    with pytest.raises(FaststyleError, match="No checkpoint in run/checkpoints is intact"):
        train(photos, painting, "run", resume=True, **FEW)
    shutil.rmtree(tmp_path / "run/checkpoints")
    with pytest.raises(FaststyleError, match="run has no checkpoints to resume from"):
        train(photos, painting, "run", resume=True, **FEW)
    with pytest.raises(FaststyleError, match="different settings .lr.: resume"):  # matters more
        train(photos, painting, "run", resume=True, lr=0.1, **FEW)
    assert (run / "model.safetensors").read_bytes() == before


def test_what_was_left_half_written_goes_and_nothing_else(tmp_path):
    ours = [".model-7a0123456789.safetensors", ".model-a7b123456789.safetensors"]
    ours += ["checkpoints/.step-000200/state.pt", "previews/.step-1-c7.png"]
    others = [".model-backup.safetensors", ".venv-3/lib.py", ".notes-1.txt", "sub/.b-2.png"]
    for name in (*ours, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("kept")
    sweep(tmp_path)
    assert not any((tmp_path / name).exists() for name in ours)
    assert all((tmp_path / name).exists() for name in others)


def test_patience_ends_a_training_that_does_not_improve(faststyle, photos, painting, tmp_path):
    few = FEW | {"small": 0}
    for resume in (False, True):  # a resume changes nothing
        train(photos, painting, "run", minutes=2, patience=2, lr=0.0, resume=resume, **few)
        record = json.loads((tmp_path / "run/run.json").read_text())
        assert record["pictures"] == 3 * 4 and record["complete"]
        best = load_style(tmp_path / "run/checkpoints/best.safetensors")[0].state_dict()
        assert all(torch.equal(best[k], v) for k, v in Stylizer("run").weights.items())
    args = "train", photos, "--style", painting, "-o", "other", *QUICK, "--patience", 1
    fails(faststyle(*args), 1, "give --minutes too")


def test_a_training_says_where_its_previews_are(faststyle, photos, photo, tmp_path):
    said = faststyle("train", photos, "--style", photo, "-o", "run", "--strokes", *ANY[:-1])
    first = said.stderr.index("Painting 1 painting in strokes of thick paint first.\n")
    assert first < said.stderr.index("\npreviews every 100 steps: run/previews/step-000000.png")
    assert (tmp_path / "run/previews/step-000000.png").is_file()


def test_a_full_disk_during_training(faststyle, photos, painting, tmp_path):
    with full_disk(200_000):
        said = faststyle("train", photos, "--style", painting, "-o", "run", *QUICK)
    assert said.returncode == 1 and "Traceback" not in said.stderr
    *warned, failed = said.stderr.splitlines()
    assert all(line.startswith("warning: File not written") for line in warned)
    assert failed.startswith("error: run/model.safetensors cannot be written")
    assert not (tmp_path / "run/model.safetensors").exists() and is_clean(tmp_path)


def test_demo(faststyle, photos, tmp_path, monkeypatch):
    small = partial(train, size=32, bs=2, arch="tiny", strokes=False)
    monkeypatch.setattr("faststyle_fastai.training.demo.train", small)
    said = faststyle("demo", "--photos", photos, "--minutes", 0.05, "--quiet", "-o", "demo")
    assert said.returncode == 0, said.stderr
    wrote = [tmp_path / line for line in said.stdout.split()]
    assert said.stderr == ""
    assert wrote[0].name == "before-style-after.jpg" and all(p.is_file() for p in wrote)
    assert Image.open(wrote[0]).width > 3 * 300
