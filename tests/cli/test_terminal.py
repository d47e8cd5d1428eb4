"Commands on a terminal, where progress is shown on one line."

import os
import sys
import threading

import numpy as np
import pytest
from commands import exit_code
from conftest import QUICK
from PIL import Image

pty = pytest.importorskip("pty")
TRAINING = [word for word in QUICK if word != "--quiet"]


@pytest.fixture
def terminal():
    "Run a command in this process with a terminal as stderr → exit code and what it showed."

    def run(*args, both=False):
        ours, its = pty.openpty()
        shown = []

        def listen():
            try:
                while part := os.read(ours, 4096):
                    shown.append(part)
            except OSError:  # the other end is closed
                pass

        listener = threading.Thread(target=listen)
        listener.start()
        with os.fdopen(its, "w") as stderr:
            code = exit_code(args, stderr if both else sys.stdout, stderr)
        listener.join()
        os.close(ours)
        return code, b"".join(shown).decode()

    return run


def large(path, width, height):
    "A photo of many pixels, quick to make and to read."
    y, x = np.mgrid[:height, :width]
    Image.fromarray(np.stack([x >> 4, y >> 4, x >> 5], -1).astype(np.uint8)).save(path)
    return path


def test_a_large_photo(terminal, tmp_path):
    photo = large(tmp_path / "large.bmp", 4200, 4100)
    args = "--style", "tiny", "--stroke", "broadest", "-o", "out.jpg"
    code, shown = terminal("stylize", photo, *args)
    assert code == 0, shown
    assert "painted 100%" in shown and Image.open("out.jpg").size == (4200, 4100)


def test_results_begin_a_line(terminal, photo, painting):
    words = "stylize", photo, "--style", painting, "-o", "out.jpg"
    code, shown = terminal(*words, both=True)
    assert code == 0 and shown.splitlines()[-1] == "out.jpg"
    assert shown.splitlines()[-2].strip().endswith("painted 100%"), shown


def test_photos_in_tiles(terminal, photos):
    args = "--style", "tiny", "--tile", 32, "-o", "painted"
    code, shown = terminal("stylize", photos / "china", *args)
    assert code == 0, shown
    assert shown.count("painted 100%") == 7 and "7/7" in shown


def test_a_film(terminal, film):
    code, shown = terminal("video", film, "--style", "tiny", "-o", "out.mp4")
    assert code == 0, shown
    assert "frames/s" in shown


def test_optimizing(terminal, photo, painting):
    small = "--backbone", "lite", "--min-scale", 23, "--end-scale", 46, "-ii", 4, "--iterations", 3
    code, shown = terminal("optimize", photo, painting, *small, "-o", "out.png")
    assert code == 0, shown
    assert "3/3" in shown and "it/s" in shown


def test_training(terminal, photos, painting):
    style = "--style", painting, "-o", "run"
    code, shown = terminal("train", photos, *style, *TRAINING)
    assert code == 0, shown
    assert "previews every" in shown
    new = "--style", f"coast={photos / 'flower' / '3.jpg'}", "--minutes", 0.03
    code, shown = terminal("add-style", "run", *new)
    assert code == 0, shown
    code, shown = terminal("pretrain", photos, *TRAINING, "-o", "ae.safetensors")
    assert code == 0, shown


def test_bulk(terminal, photos, monkeypatch):
    from faststyle_fastai.bulk import cluster

    def paint_bulk(*args, watch, **kwargs):
        for done in range(4):
            watch(done, 0, 3)
        return []

    monkeypatch.setattr(cluster, "paint_bulk", paint_bulk)
    code, shown = terminal("bulk", photos, "out", "--style", "tiny")
    assert code == 0, shown
    assert "3/3" in shown
