import json
import re
import shutil

import pytest
import torch
from conftest import fails, full_disk, is_clean, noise
from networks import examples_network
from PIL import Image

from faststyle_fastai.all import ASSETS, Stylizer, TransformerNet, to_examples
from faststyle_fastai.cli import doctor
from faststyle_fastai.training.runs import train


@pytest.fixture(scope="module")
def run(tmp_path_factory, photos, painting):
    "A run folder."
    return train(
        photos, painting, tmp_path_factory.mktemp("runs") / "waves",
        size=32, bs=2, images=4, arch="tiny", quiet=True, device="cpu",
    )  # fmt: skip


def test_stylize_one_several_and_bad_ones(faststyle, faststyle_process, run, photos, tmp_path):
    shutil.copy(photos / "china" / "0.jpg", "a.jpg")
    Image.new("RGB", (1, 1)).save("dot.png")
    (tmp_path / "broken.jpg").write_text("no picture")
    said = faststyle_process("stylize", "a.jpg", "--style", run, "-o", "one.png")
    assert said.stdout == "one.png\n" and Image.open("one.png").size == (96, 72)
    said = faststyle("stylize", "*.jpg", "dot.png", "--style", run, "-o", "out", "--quiet")
    assert said.returncode == 1 and "broken.jpg cannot be read" in said.stderr
    assert said.stdout.split() == ["out/a.jpg", "out/dot.png"]
    assert is_clean(tmp_path)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("stylize", "a.png", "--style", "absent.safetensors", "-o", "x.jpg"), "file not found"),
        (("stylize", "a.png", "--style", "RUN", "-o", "x.docx"), "image format '.docx'"),
        (("stylize", "a.png", "--style", "PICKLE:waves", "-o", "x.jpg"), "--trust-pickle"),
        (("evaluate", "PICKLE", "--photos", "PHOTOS", "--painting", "a.png"), "--trust-pickle"),
        (("train", "PHOTOS", "--style", "absent.jpg", "-o", "r"), "Image not found: absent.jpg"),
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
    Image.new("RGB", (16, 16)).save("a.png")
    fails(faststyle("stylize", "a.png"), 2)
    fails(faststyle("stylize", "a.png", "--style", "x", "-o", "y", "--strength", 3), 2, "strength")
    fails(
        faststyle("stylize", "a.png", "--style", "x", "-o", "y", "--background-style", "b"),
        2,
        "--mask",
    )
    fails(faststyle("repaint"), 2, "No such command")


@pytest.mark.parametrize(
    ("command", "says"), [("train", "[default: 0]"), ("stylize", "[default: 1.0]"), ("demo", "1.5")]
)
def test_help_says_the_defaults(faststyle, command, says):
    said = faststyle(command, "--help")
    assert said.returncode == 0 and says in said.stdout


def test_output_is_utf_8_whatever_the_system_prefers(faststyle_process, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")  # as Windows' cp1252 when redirected
    said = faststyle_process("bulk", "--help")
    assert said.returncode == 0 and "s3://…" in said.stdout


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
    assert faststyle("import", "waves.pth", "-o", "s.safetensors", "--name", "sea").returncode == 0
    assert Stylizer("s.safetensors").styles == ["sea"]
    x = noise(1, 3, 32, 40)
    painted = Stylizer("waves.safetensors:waves", precision="float32").paint(x)
    peer = {k.removeprefix("module."): v for k, v in peer.items()}
    theirs = (examples_network(peer, 255 * x) / 255).clamp(0, 1)
    assert torch.allclose(painted, theirs, atol=1e-3)
    fails(faststyle("import", "waves.pth", "-o", "waves.safetensors"), 1, "exists: use --overwrite")
    torch.save({"conv1.conv2d.weight": torch.zeros(32, 3, 9, 9)}, "half.pth")
    fails(faststyle("import", "half.pth", "-o", "half.safetensors"), 1, "half.pth is not a network")
    assert not (tmp_path / "half.safetensors").exists()


def test_evaluate_and_trusted_pickle(faststyle, run, photos, painting):
    args = "evaluate", run, "--photos", photos / "china", "--painting", painting
    said = faststyle(
        *args, "--backbone", "lite", "--size", 32, "--num-photos", 1, "--iterations", 2
    )
    assert said.returncode == 0 and "iterations of optimization" in said.stdout, said.stderr
    assert {"total", "structure", "mottling"} < {*said.stdout.split()}
    picture, pickle = photos / "china" / "0.jpg", run / "model.pkl"
    for style in (pickle, f"{pickle}:waves"):
        trusted = "--style", style, "--trust-pickle", "-o", "x.png", "--overwrite"
        said = faststyle("stylize", picture, *trusted)
        assert said.returncode == 0 and said.stderr == "", said.stderr


def test_evaluate_writes_json_and_measures_autoencoders(faststyle, run, photos, painting, tmp_path):
    few = "--photos", photos / "china", "--backbone", "lite", "--size", 32, "--num-photos", 2
    args = "--painting", painting, "--iterations", 0, "--json", "table.json", "-o", "sheet.png"
    said = faststyle("evaluate", run, *few, *args, "--compare-with", photos / "china")
    assert said.stdout.split()[-2:] == ["table.json", "sheet.png"], said.stderr
    table = (tmp_path / "table.json").read_text()
    rows = json.loads(table)["rows"]
    assert rows["others"] == pytest.approx(rows["photo"]) != rows["network"]
    assert "NaN" not in table and rows["network"]["grid"] is None  # too small to measure
    missing = "--painting", painting, "--compare-with", photos / "flower" / "0.jpg"
    fails(faststyle("evaluate", run, *few, *missing), 1, "Folder not found")
    fails(faststyle("evaluate", run, *few), 1, "add --painting")
    said = faststyle("evaluate", "udnie", *few, "--iterations", 0)  # its painting is built in
    assert said.returncode == 0, said.stderr
    said = faststyle("evaluate", ASSETS / "autoencoder.safetensors", *few)
    assert said.stdout.split()[:3] == ["psnr", "relu1_1", "relu2_2"], said.stderr


def test_the_gallery(faststyle, photos):
    said = faststyle("styles", "-o", "all.png")
    assert said.returncode == 0 and "Hokusai" in said.stdout and Image.open("all.png").width > 600
    photo = photos / "china" / "0.jpg"
    mixed = "--style", "great_wave", "--mix", "mondrian=.3", "--strength", 0.8
    said = faststyle("stylize", photo, *mixed, "-o", "out.png")
    assert said.stdout == "out.png\n" and said.stderr == ""
    told = json.loads(faststyle("info", "udnie").stdout)
    assert told["styles"] == ["udnie"] and [*told][-1] == "palettes"
    fails(faststyle("stylize", photo, "--style", "sea", "-o", "x.png"), 1, "great_wave, ")


def test_a_full_disk_leaves_nothing_half_written(faststyle, run, tmp_path):
    Image.effect_noise((300, 300), 90).convert("RGB").save("a.png")
    with full_disk(20_000):
        said = faststyle("stylize", "a.png", "--style", run, "-o", "x.png")
    fails(said, 1, "File too large")
    assert {p.name for p in tmp_path.iterdir()} == {"a.png"}


def test_what_a_machine_has(faststyle, monkeypatch):
    monkeypatch.setattr(doctor, "SIDE", 96)
    said = faststyle("doctor")
    assert said.returncode == 0 and not said.stderr, said.stderr
    timed = r"^device cpu: \d+\.\d\d s a built-in style, \d+\.\d\d s at sight"
    assert re.search(timed, said.stdout, re.M), said.stdout
    assert "extra onnx: installed" in said.stdout


def test_a_device_that_does_not_paint(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "devices", lambda: ["cuda:7"])
    doctor.doctor()
    assert "device cuda:7: does not paint (PyTorch finds no cuda" in capsys.readouterr().out
