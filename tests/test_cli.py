import json
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import fails, is_clean, noise
from PIL import Image
from test_transformer import examples_network

from faststyle_fastai.all import (
    ASSETS,
    FaststyleError,
    Stylizer,
    TransformerNet,
    load_style,
    to_examples,
)
from faststyle_fastai.runfolder import sweep
from faststyle_fastai.runs import pretrain, train

QUICK = "--size", 32, "--bs", 2, "--images", 4, "--quiet"
LEFT_BY_A_RUN = {
    "checkpoints", "history.csv", "loss.png", "model.pkl", "model.safetensors",
    "previews", "progress.gif", "progress.mp4", "run.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory, photos, painting):
    "A run folder made by the command line."
    return train(
        photos, painting, tmp_path_factory.mktemp("runs") / "waves",
        size=32, bs=2, images=4, quiet=True, device="cpu",
    )  # fmt: skip


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
    assert minutes > record["minutes"]  # of all sessions
    after = Stylizer("run").weights
    assert all(torch.equal(after[name], before[name]) for name in before)
    other = faststyle(
        "train", photos, "--style", painting, "-o", "run", *QUICK, "--resume", "--seed", 3
    )
    fails(other, 1, "trained with another", "seed")
    assert is_clean(tmp_path)


def test_many_styles(faststyle, photos, painting, tmp_path):
    for i, name in enumerate(("dawn", "dusk")):
        Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), 9 + i).convert("RGB").save(f"{name}.png")
    both = "--style", painting, "--style", "dawn.png"
    said = faststyle("train", photos, *both, "-o", "run", *QUICK)
    assert said.returncode == 0 and said.stderr == "", said.stderr
    films = [
        f"run/progress-{style}{kind}" for style in ("dawn", "waves") for kind in (".gif", ".mp4")
    ]
    assert said.stdout.split()[-4:] == films
    assert "train_style:dawn" in (tmp_path / "run/history.csv").read_text()
    other = faststyle("train", photos, "--style", "dawn.png", "-o", "run", *QUICK, "--resume")
    fails(other, 1, "trained on the style waves, dawn, not dawn")

    photo, painted = photos / "china" / "0.jpg", {}
    Image.linear_gradient("L").resize((96, 72)).save("mask.png")
    for args in (
        ("--style", "run:dawn"),
        ("--style", "run", "--mix", "dawn=.5"),
        ("--style", "run", "--mask", "mask.png", "--black", "dawn"),
    ):
        said = faststyle("stylize", photo, *args, "-o", "out.png")
        assert said.returncode == 0 and said.stderr == "", said.stderr
        painted[args] = (tmp_path / "out.png").read_bytes()
    assert len(set(painted.values())) == 3
    fails(faststyle("stylize", photo, "--style", "run", "--mix", "x", "-o", "x.png"), 1, "WEIGHT")

    Image.new("LA", (96, 72)).save("two.png")
    bad = "--style", "run", "--mask", "two.png", "-o", "x"
    fails(faststyle("stylize", photos, *bad), 1, "this one has 2 channels")

    new = "--style", "dusk.png", "--minutes", 0.02, "--quiet"
    said = faststyle("add-style", "run/model.safetensors", *new)  # the path that train prints
    assert said.stdout == "run/model.safetensors\n", said.stderr
    assert json.loads(faststyle("info", "run").stdout)["styles"] == ["waves", "dawn", "dusk"]
    said = faststyle("stylize", photo, "--style", "run:dawn", "-o", "again.png")
    assert (tmp_path / "again.png").read_bytes() == painted["--style", "run:dawn"]
    fails(faststyle("add-style", "run", *new), 1, "has a style dusk already")
    shutil.copy("dusk.png", "evening.png")
    again = faststyle("add-style", "run", "--style", "evening.png")
    fails(again, 1, "evening.png is the painting dusk")
    fails(faststyle("train", photos, *both, "-o", "run", *QUICK, "--resume"), 1, "added style dusk")
    args = "--photos", photos / "china", "--style", "dusk.png", "--backbone", "lite", "--size", 32
    args += "--images", 1, "--iterations", 0
    fails(faststyle("evaluate", "run", *args), 1, "has the styles waves, dawn, dusk")
    assert faststyle("evaluate", "run:dusk", *args).stdout != ""


def test_stylize_one_several_and_bad_ones(faststyle, run, photos, tmp_path):
    shutil.copy(photos / "china" / "0.jpg", "a.jpg")
    Image.new("RGB", (1, 1)).save("dot.png")
    (tmp_path / "broken.jpg").write_text("no picture")
    said = faststyle("stylize", "a.jpg", "--style", run, "-o", "one.png")
    assert said.stdout == "one.png\n" and Image.open("one.png").size == (96, 72)
    said = faststyle("stylize", "*.jpg", "dot.png", "--style", run, "-o", "out", "--quiet")
    assert said.returncode == 1 and "broken.jpg cannot be read" in said.stderr
    assert said.stdout.split() == ["out/a.jpg", "out/dot.png"]
    assert is_clean(tmp_path)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("stylize", "none.jpg", "--style", "RUN", "-o", "x.jpg"), "no picture none.jpg"),
        (("stylize", "a.png", "--style", "absent.safetensors", "-o", "x.jpg"), "no style file"),
        (("stylize", "a.png", "--style", "RUN", "-o", "a.png"), "written over itself"),
        (("stylize", "a.png", "--style", "RUN", "-o", "x.docx"), "no picture format '.docx'"),
        (("stylize", "a.png", "--style", "PICKLE:waves", "-o", "x.jpg"), "--trust-pickle"),
        (("evaluate", "PICKLE", "--photos", "PHOTOS", "--style", "a.png"), "--trust-pickle"),
        (("train", "absent", "--style", "a.png", "-o", "r"), "no folder absent"),
        (("train", "PHOTOS", "--style", "absent.jpg", "-o", "r"), "no picture absent.jpg"),
        (("train", "PHOTOS", "--style", "a.png", "-o", "r", "--recipe", "x"), "choose one of fast"),
    ],
)
def test_bad_input_is_one_line(faststyle, run, photos, tmp_path, args, words):
    Image.new("RGB", (16, 16)).save("a.png")
    pickle = run / "model.pkl"
    known = {"RUN": run, "PHOTOS": photos, "PICKLE": pickle, "PICKLE:waves": f"{pickle}:waves"}
    args = [known.get(arg, arg) for arg in args]
    fails(faststyle(*args), 1, words)
    assert {p.name for p in tmp_path.iterdir()} == {"a.png"}


def test_wrong_calls_exit_with_2(faststyle):
    fails(faststyle("stylize", "a.png"), 2)
    fails(faststyle("stylize", "a.png", "--style", "x", "-o", "y", "--strength", 3), 2, "strength")
    fails(faststyle("stylize", "a.png", "--style", "x", "-o", "y", "--black", "b"), 2, "--mask")
    fails(faststyle("repaint"), 2, "No such command")


@pytest.mark.parametrize(
    ("command", "says"), [("train", "[default: 0]"), ("stylize", "[default: 1.0]"), ("demo", "1.5")]
)
def test_help_says_the_defaults(faststyle, command, says):
    said = faststyle(command, "--help")
    assert said.returncode == 0 and says in said.stdout


def test_what_is_not_ours_stays(painting, photos, tmp_path):
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(FaststyleError, match="holds checkpoints of something else"):
        train(photos, painting, tmp_path, quiet=True)
    assert (tmp_path / "checkpoints").is_dir()


def test_ctrl_c_keeps_what_is_done(photos, painting, tmp_path):
    command = [sys.executable, "-m", "faststyle_fastai", "train", photos, "--style", painting]
    command += ["-o", "run", "--size", "32", "--bs", "2", "--quiet"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "run/previews/step-000000.png").exists():
        time.sleep(0.1)
        assert running.poll() is None
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 1 and said.startswith("error: stopped; what was trained lies")
    assert {p.name for p in (tmp_path / "run").iterdir()} >= {"model.safetensors", "checkpoints"}
    assert not json.loads((tmp_path / "run/run.json").read_text())["complete"]


def test_a_loss_that_is_no_number_keeps_the_last_good_network(photos, painting):
    with pytest.raises(FaststyleError, match="at step"):
        train(photos, painting, "run", size=32, bs=2, images=40, lr=1e20, quiet=True, device="cpu")
    assert Stylizer("run").styles == ["waves"]
    with pytest.raises(FaststyleError, match="at step"):
        pretrain(photos, "ae.safetensors", size=32, bs=2, images=40, lr=1e20, quiet=True)
    assert Stylizer("ae.safetensors").styles == []


def test_a_damaged_checkpoint_does_not_cost_the_network(photos, painting, tmp_path):
    settings = {"size": 32, "bs": 2, "images": 4, "quiet": True, "device": "cpu"}
    run = train(photos, painting, "run", **settings)
    before = (run / "model.safetensors").read_bytes()
    next((tmp_path / "run").glob("checkpoints/step-*/state.pt")).write_bytes(b"half a file")
    with pytest.raises(FaststyleError, match="no checkpoint in run/checkpoints is whole"):
        train(photos, painting, "run", resume=True, **settings)
    assert (run / "model.safetensors").read_bytes() == before


def test_what_was_left_half_written_goes_and_nothing_else(tmp_path):
    ours = [".model-7.safetensors", "checkpoints/.step-000200/state.pt", "previews/.step-1-7.png"]
    others = [".venv-3/lib.py", ".notes-1.txt", "sub/.b-2.png"]
    for name in (*ours, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("kept")
    sweep(tmp_path)
    assert not any((tmp_path / name).exists() for name in ours)
    assert all((tmp_path / name).exists() for name in others)


def test_a_network_of_pytorch_examples(faststyle, tmp_path):
    net = TransformerNet(width=0.5)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.05 * torch.randn_like(p))
    peer = {f"module.{k}": v for k, v in to_examples(net.state_dict()).items()}
    old = {"module.in1.running_mean": torch.zeros(16)}
    torch.save({"state_dict": peer | old}, "waves.pth")
    said = faststyle("import", "waves.pth", "-o", "waves.safetensors")
    assert said.returncode == 0, said.stderr
    x = noise(1, 3, 32, 40)
    painted = Stylizer("waves.safetensors:waves", precision="float32").paint(x)
    peer = {k.removeprefix("module."): v for k, v in peer.items()}
    theirs = (examples_network(peer, 255 * x) / 255).clamp(0, 1)
    assert torch.allclose(painted, theirs, atol=1e-3)
    fails(faststyle("import", "waves.pth", "-o", "waves.safetensors"), 1, "exists: --force")
    torch.save({"conv1.conv2d.weight": torch.zeros(32, 3, 9, 9)}, "half.pth")
    fails(faststyle("import", "half.pth", "-o", "half.safetensors"), 1, "half.pth is no network")
    assert not (tmp_path / "half.safetensors").exists()


def test_evaluate_and_trusted_pickle(faststyle, run, photos, painting, tmp_path):
    args = "evaluate", run, "--photos", photos / "china", "--style", painting
    said = faststyle(*args, "--backbone", "lite", "--size", 32, "--images", 1, "--iterations", 2)
    assert said.returncode == 0 and "iterations of optimisation" in said.stdout, said.stderr
    picture, pickle = photos / "china" / "0.jpg", run / "model.pkl"
    for style in (pickle, f"{pickle}:waves"):
        said = faststyle("stylize", picture, "--style", style, "--trust-pickle", "-o", "x.png")
        assert said.returncode == 0 and said.stderr == "", said.stderr


def test_evaluate_writes_json_and_measures_autoencoders(faststyle, run, photos, painting, tmp_path):
    few = "--photos", photos / "china", "--backbone", "lite", "--size", 32, "--images", 2
    args = "--style", painting, "--iterations", 0, "--json", "table.json", "-o", "sheet.png"
    said = faststyle("evaluate", run, *few, *args, "--others", photos / "china")
    assert said.stdout.split()[-2:] == ["table.json", "sheet.png"], said.stderr
    rows = json.loads((tmp_path / "table.json").read_text())["rows"]
    assert rows["others"] == pytest.approx(rows["photo"], nan_ok=True) != rows["network"]
    missing = "--style", painting, "--others", photos / "flower" / "0.jpg"
    fails(faststyle("evaluate", run, *few, *missing), 1, "no folder")
    fails(faststyle("evaluate", run, *few), 1, "--style PAINTING")
    said = faststyle("evaluate", ASSETS / "autoencoder.safetensors", *few)
    assert said.stdout.split()[:3] == ["psnr", "relu1_1", "relu2_2"], said.stderr


def test_the_gallery(faststyle, photos, tmp_path):
    said = faststyle("styles", "-o", "all.png")
    assert said.returncode == 0 and "Hokusai" in said.stdout and Image.open("all.png").width > 600
    photo = photos / "china" / "0.jpg"
    mixed = "--style", "great_wave", "--mix", "mondrian=.3", "--strength", 0.8
    said = faststyle("stylize", photo, *mixed, "-o", "out.png")
    assert said.stdout == "out.png\n" and said.stderr == ""
    assert "udnie" in json.loads(faststyle("info", "udnie").stdout)["styles"]
    fails(faststyle("stylize", photo, "--style", "sea", "-o", "x.png"), 1, "great_wave, ")


def test_patience_ends_a_training_that_does_not_improve(faststyle, photos, painting, tmp_path):
    few = {"size": 32, "bs": 2, "images": 4, "small": 0, "quiet": True, "device": "cpu"}
    for resume in (False, True):  # it stays ended
        train(photos, painting, "run", minutes=2, patience=2, lr=0.0, resume=resume, **few)
        record = json.loads((tmp_path / "run/run.json").read_text())
        assert record["pictures"] == 3 * 4 and record["complete"]
        best = load_style(tmp_path / "run/checkpoints/best.safetensors")[0].state_dict()
        assert all(torch.equal(best[k], v) for k, v in Stylizer("run").weights.items())
    args = "train", photos, "--style", painting, "-o", "other", *QUICK, "--patience", 1
    fails(faststyle(*args), 1, "give minutes too")


def test_a_training_says_where_its_previews_are(faststyle, photos, painting, tmp_path):
    said = faststyle("train", photos, "--style", painting, "-o", "run", *QUICK[:-1])
    assert said.stderr.startswith("previews every 100 steps: run/previews/step-000000.png")
    assert (tmp_path / "run/previews/step-000000.png").is_file()


def test_a_full_disk_leaves_nothing_half_written(faststyle, run, tmp_path):
    Image.effect_noise((300, 300), 90).convert("RGB").save("a.png")

    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    said = faststyle("stylize", "a.png", "--style", run, "-o", "x.png", preexec_fn=small_disk)
    fails(said, 1, "File too large")
    assert {p.name for p in tmp_path.iterdir()} == {"a.png"}


def test_a_full_disk_during_training(faststyle, photos, painting, tmp_path):
    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))

    args = "train", photos, "--style", painting, "-o", "run", *QUICK
    said = faststyle(*args, preexec_fn=small_disk)
    assert said.returncode == 1 and "Traceback" not in said.stderr
    *warned, failed = said.stderr.splitlines()
    assert all(line.startswith("warning: not written") for line in warned)
    assert failed.startswith("error: run/model.safetensors cannot be written")
    assert not (tmp_path / "run/model.safetensors").exists() and is_clean(tmp_path)


def test_demo(faststyle, photos, tmp_path):
    said = faststyle("demo", "--photos", photos, "--minutes", 0.05, "--quiet", "-o", "demo")
    assert said.returncode == 0, said.stderr
    wrote = [tmp_path / line for line in said.stdout.split()]
    assert wrote[0].name == "before-style-after.jpg" and all(p.is_file() for p in wrote)
    assert Image.open(wrote[0]).width > 3 * 300
