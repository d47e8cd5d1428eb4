"The folder of a page's uploads and results: private, limited, removed with the page."

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from pages import files_in, send, waited_for
from PIL import Image

from faststyle_fastai.web import guard
from faststyle_fastai.web.guard import page_folder


def test_the_folder_is_private_and_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with page_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700 or os.name == "nt"
        monkeypatch.setattr(guard, "LIMIT", 1000)
        (folder / "job-x").mkdir()
        (folder / "job-x" / "in-use").write_bytes(bytes(5000))
        for i in range(10):
            (folder / f"{i}").write_bytes(bytes(200))
            os.utime(folder / f"{i}", (1e9 + i, 1e9 + i) if i < 2 else None)
        guard.trim(folder)
        left = {path.name for path in files_in(folder)} - {".lock"}
        assert {"in-use", "9"} <= left and not {"0", "1"} & left
        assert sum((folder / name).stat().st_size for name in left - {"in-use"}) <= 1100
    assert list(tmp_path.iterdir()) == []


def test_a_video_stays_until_it_is_painted(public, public_scratch, film, monkeypatch):
    gate, seen = threading.Event(), []

    def paint_video(paint, source, *_, **__):
        gate.wait(60)
        seen.append(Path(source).read_bytes())

    monkeypatch.setattr("faststyle_fastai.web.films.paint_video", paint_video)
    assert send(public, "film", film.read_bytes(), {"name": "waits.mp4"}, "vera")[0] == 200
    assert send(public, "paint_film", b"", {"style": "udnie"}, "vera")[0] == 200
    (page,) = public_scratch.glob("faststyle-page-*")
    sent = [path for path in files_in(page) if path.name == "waits.mp4"]
    for path in sent:
        os.utime(path, (1e9, 1e9))
    guard.trim(page)
    assert len(sent) == 2 and sum(path.exists() for path in sent) == 1
    gate.set()
    assert waited_for(lambda: not any(path.exists() for path in sent))  # what it was painted from
    assert seen == [film.read_bytes()]


def test_too_many_uploads_push_out_the_oldest(page, tmp_path, monkeypatch):
    port, _, folder = page
    monkeypatch.setattr(guard, "LIMIT", 600_000)
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")  # about 270 kB
    for i in range(5):
        name = {"name": f"upload{i}.png"}
        assert send(port, "photo", (tmp_path / "noise.png").read_bytes(), name)[0] == 200

    def left():
        return sorted(p.stem for p in files_in(folder) if p.stem.startswith("upload"))

    assert waited_for(lambda: left() == ["upload3", "upload4"], 10), left()


@pytest.mark.slow
def test_pages_that_start_at_once_leave_each_other_alone(tmp_path):
    code = (
        "from faststyle_fastai.web.guard import page_folder\n"
        "for _ in range(60):\n"
        "    with page_folder() as folder:\n"
        "        assert folder.stat().st_mode & 0o777 == 0o700\n"
    )
    env = os.environ | {"TMPDIR": str(tmp_path)}
    runs = [
        subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for run in runs:
        assert run.communicate(timeout=120)[1] == "" and run.returncode == 0
    assert list(tmp_path.iterdir()) == []


HOLD = """
from faststyle_fastai.web.guard import page_folder
with page_folder():
    print("held", flush=True)
    input()
"""


@pytest.mark.slow
def test_nothing_is_left(tmp_path, port):
    picture = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(picture)

    def left():
        return [path for path in tmp_path.glob("faststyle-page-*") if path.is_dir()]

    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    how = {**pipes, "text": True, "cwd": tmp_path}
    how["env"] = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", HOLD], **how) as killed:
        assert killed.stdout.readline() == "held\n"
        killed.kill()
    (before,) = left()
    command = [sys.executable, "-m", "faststyle_fastai", "web", "--no-browser", "--port", str(port)]
    run = subprocess.Popen(command, **how)
    try:
        assert any("Serving on" in line for line in run.stderr)
        (folder,) = left()
        assert folder != before
        assert send(port, "photo", picture.read_bytes(), {"name": "a.png"})[0] == 200
        assert next(folder.rglob("a.png")).read_bytes() == picture.read_bytes()
        run.send_signal(signal.SIGTERM)  # which ends it as Ctrl-C does
        run.communicate(timeout=60)
    finally:
        run.kill()
    assert left() == []
