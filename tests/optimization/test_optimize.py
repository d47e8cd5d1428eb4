import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from conftest import SMALL as QUICK
from conftest import black_ink
from PIL import Image

from faststyle_fastai.all import FaststyleError, optimize_style, read_picture, save_picture
from faststyle_fastai.cli.optimize import as_typed
from faststyle_fastai.optimization.optimize import optimize_to_file
from faststyle_fastai.optimization.pixels import PixelOptimizer

SMALL = {**QUICK, "min_scale": 23}  # of two sizes by recipe neighbors


def test_weights_and_devices_as_crowsonkb_s_users_write_them():
    words = "optimize me.jpg a.jpg b.jpg -sw 2 1 --devices cuda:0 cuda:1 -o out.png".split()
    wanted = (
        "optimize me.jpg a.jpg b.jpg --style-weights 2 --style-weights 1 --device cuda:0,cuda:1 "
        "-o out.png"
    ).split()
    assert as_typed(words) == wanted == as_typed(wanted)
    words = "optimize a b -sw 1. 1e+2 -o x.png".split()
    assert (
        as_typed(words) == "optimize a b --style-weights 1. --style-weights 1e+2 -o x.png".split()
    )
    assert as_typed(["optimize", "a", "b", "-sw"]) == ["optimize", "a", "b", "--style-weights"]
    words = "optimize -sw .5 1e-3 -cw 2 me.jpg a.jpg --devices cpu b.jpg".split()
    wanted = "optimize --style-weights .5 --style-weights 1e-3 --content-weight 2 me.jpg a.jpg"
    assert as_typed(words) == f"{wanted} --device cpu b.jpg".split()


def test_a_painting_is_seen_in_strokes_where_it_has_brushwork(photo):
    canvas, print_ = Image.effect_noise((80, 64), 90), Image.new("L", (80, 64), 99)
    for work, strokes in ((canvas, True), (print_, False)):
        own, alike, other = (
            optimize_style(photo, [work.convert("RGB")], device="cpu", strokes=each, **SMALL)
            for each in (None, strokes, not strokes)
        )
        assert own.tobytes() == alike.tobytes() != other.tobytes()


def test_addresses_and_deep_tiffs(photo, painting, tmp_path, monkeypatch):
    served = {"http://x/photo.jpg": photo.read_bytes(), "http://x/waves.png": painting.read_bytes()}
    for module in ("opening", "remote"):
        monkeypatch.setattr(f"faststyle_fastai.images.{module}.download", served.__getitem__)
    given = "http://x/photo.jpg", ["http://x/waves.png"], tmp_path / "deep.tif"
    with pytest.raises(FaststyleError, match="Stopped"):
        optimize_to_file(*given, device="cpu", callback=lambda it, _: it.i == 2, **SMALL)
    out = optimize_to_file(*given, device="cpu", resume=True, **SMALL)[0]
    assert tifffile.imread(out).dtype == np.uint16
    plain = optimize_to_file(photo, painting, tmp_path / "a.tif", depth=8, device="cpu", **SMALL)[0]
    assert tifffile.imread(plain).dtype == np.uint8


def test_out_of_memory_keeps_the_last_size_and_says_so(photo, painting, tmp_path, monkeypatch):
    step = PixelOptimizer._step

    def full(work, objective):
        if work.pixels.shape[-1] == 46:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return step(work, objective)

    monkeypatch.setattr(PixelOptimizer, "_step", full)
    with pytest.raises(FaststyleError, match="Out of memory at 46 px: 23 px still fits"):
        optimize_to_file(photo, [painting], tmp_path / "out.png", **SMALL)
    assert read_picture(tmp_path / "out.png").width == 23
    assert len(json.loads((tmp_path / "out.png.trace.json").read_text())["iterates"]) == 4


def test_a_full_disk_on_the_way_does_not_end_it(photo, painting, tmp_path, monkeypatch):
    saved = []

    def full_at_first(*args):
        saved.append(args)
        if len(saved) == 1:
            raise OSError(28, "No space left on device")
        return save_picture(*args)

    monkeypatch.setattr("faststyle_fastai.optimization.optimize.save_picture", full_at_first)
    with pytest.warns(UserWarning, match="No space left on device. Work continues"):
        optimize_to_file(photo, [painting], tmp_path / "out.png", **SMALL)
    assert read_picture(tmp_path / "out.png").width == 46 and len(saved) == 3


def test_a_trace_that_cannot_be_written_is_an_error(photo, painting, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("faststyle_fastai.optimization.optimize.write_json", full)
    with pytest.raises(OSError, match="No space left"):
        optimize_to_file(photo, [painting], tmp_path / "out.png", **SMALL)
    monkeypatch.undo()
    optimize_to_file(photo, [painting], tmp_path / "out.png", **SMALL, resume=True)
    assert (tmp_path / "out.png.trace.json").is_file()


def small_args():
    args = ["--backbone", "lite", "-ms", 23, "-s", 46, "-ii", 4, "-i", 3, "--save-every", 2]
    return [str(arg) for arg in args]


def test_command_line(faststyle, photo, painting, tmp_path):
    out = tmp_path / "made" / "out.jpg"
    said = faststyle("optimize", photo, painting, "-o", out, *small_args(), "-sw", 2)
    assert said.returncode == 0, said.stderr
    assert said.stdout.split()[0] == str(out) and read_picture(out).size == (46, 34)
    assert "relu5_1" not in said.stderr  # `lite` has all layers
    trace = json.loads(out.with_name("out.jpg.trace.json").read_text())
    assert len(trace["iterates"]) == 7 and trace["settings"]["plan"]["end_scale"] == 46
    assert sorted(p.name for p in out.parent.iterdir()) == [
        "out.jpg", "out.jpg.loss.png", "out.jpg.trace.json",
    ]  # fmt: skip
    done = faststyle("optimize", photo, painting, "-o", out, *small_args(), "--resume")
    assert done.returncode == 1 and "is finished: use --overwrite" in done.stderr
    again = faststyle("optimize", photo, painting, "-o", out, *small_args())
    assert again.returncode == 1 and "exists: use --overwrite" in again.stderr
    for side in ("big", "5²"):
        wrong = faststyle("optimize", photo, painting, "-o", tmp_path / "x.png", "-s", side)
        assert wrong.returncode == 2 and f"--end-scale {side}" in wrong.stderr


def test_only_a_recipe_with_strokes_says_so(faststyle, photo, painting, monkeypatch):
    monkeypatch.setattr("faststyle_fastai.strokes.thick_paint.has_brushwork", lambda _: True)
    command = "optimize", photo, painting, *small_args(), "--overwrite"
    first = "Painting 1 painting in strokes of thick paint first."
    for more, says in (((), True), (("--no-strokes",), False), (("--recipe", "crowson"), False)):
        said = faststyle(*command, *more)
        assert said.returncode == 0 and (first in said.stderr) == says, said.stderr
    assert first not in faststyle("optimize", photo, painting, "--save-every", 0).stderr
    wrong = faststyle(*command, "--iterations", -3)
    assert wrong.returncode and first not in wrong.stderr


def test_painted_for_print(faststyle, photo, painting, tmp_path):
    (tmp_path / "black.icc").write_bytes(black_ink())
    args = [*small_args(), "--proof", "black.icc", "--bit-depth", "16"]
    said = faststyle("optimize", photo, painting, "-o", "out.png", *args)
    assert said.returncode == 0 and said.stdout.split()[1] == "out.png.proof.png", said.stderr
    assert Path("out.png").read_bytes()[24] == 16
    shown = np.asarray(read_picture("out.png.proof.png")).astype(int)
    assert np.ptp(shown, axis=2).max() < 6 and np.ptp(shown) > 30


@pytest.mark.slow
def test_ctrl_c_keeps_the_picture_and_resume_ends_alike(faststyle, photo, painting, tmp_path):
    args = ["optimize", photo, painting, *small_args(), "-i", 40, "--device", "cpu", "-o"]
    assert faststyle(*args, "whole.png").returncode == 0
    command = [sys.executable, "-m", "faststyle_fastai", *map(str, args), "part.png"]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    while not (tmp_path / "part.png.state").exists() and run.poll() is None:
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGINT)
    said = run.communicate(timeout=120)[1]
    assert run.returncode == 130 and "Stopped. part.png is the image so far" in said
    assert read_picture(tmp_path / "part.png").width in (23, 46)
    done = faststyle(*args, "part.png", "--resume")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "part.png.state").exists()
    whole, part = (tmp_path / f"{name}.png" for name in ("whole", "part"))
    assert whole.read_bytes() == part.read_bytes()


def test_a_resume_with_other_settings_is_refused(photo, painting, tmp_path):
    out = tmp_path / "out.png"
    with pytest.raises(FaststyleError, match="Stopped"):
        optimize_to_file(photo, [painting], out, callback=lambda it, _: it.i == 2, **SMALL)
    with pytest.raises(FaststyleError, match="started with other settings"):
        optimize_to_file(photo, [painting], out, resume=True, **SMALL, step_size=0.1)
    out.rename(tmp_path / "look.png")  # the state is what counts
    seen = []
    with pytest.raises(FaststyleError, match="Stopped"):
        optimize_to_file(
            photo, [painting], out, resume=True, callback=lambda it, _: not seen.append(it), **SMALL
        )
    assert seen[0].i == 3 and out.is_file()
