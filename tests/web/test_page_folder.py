"The folder of a page's uploads and results: private, limited, removed with the page."

import os
import signal
import subprocess
import sys
import time
from http.client import HTTPException
from pathlib import Path

from pages import upload
from PIL import Image

from faststyle_fastai.web import guard
from faststyle_fastai.web.guard import PageFolder, page_folder


def test_the_folder_is_private_and_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with page_folder() as folder:
        assert folder.path.stat().st_mode & 0o777 == 0o700 or os.name == "nt"
        (folder.path / "thumbnail").write_bytes(bytes(100))
        folder.keep()
        monkeypatch.setattr(guard, "LIMIT", 1000)
        (folder.path / "photos-x").mkdir()
        (folder.path / "photos-x" / "in-use").write_bytes(bytes(5000))
        for i in range(10):
            (folder.path / f"{i}").write_bytes(bytes(200))
            os.utime(folder.path / f"{i}", (1e9 + i, 1e9 + i) if i < 2 else None)
        folder.trim(now=True)
        left = {path.name for path in folder.path.rglob("*") if path.is_file()} - {".lock"}
        assert {"thumbnail", "in-use", "9"} <= left and not {"0", "1"} & left
        assert sum((folder.path / name).stat().st_size for name in left - {"in-use"}) <= 1100
    assert list(tmp_path.iterdir()) == []


def waited_for(what, seconds=10):
    "Whether a condition becomes true in time; a page cleans up after its answer."
    until = time.monotonic() + seconds
    while not what() and time.monotonic() < until:
        time.sleep(0.1)
    return what()


def test_too_many_uploads_push_out_the_oldest(page, tmp_path, monkeypatch):
    port, _, folder = page
    monkeypatch.setattr(guard, "LIMIT", 600_000)
    big, paths = tmp_path / "big.bin", []
    for i in range(5):
        big.write_bytes(bytes([i]) * 250_000)
        paths.append(upload(port, big, "big.bin"))
    assert waited_for(
        lambda: [PageFolder(folder).holds(path) for path in paths] == [False] * 3 + [True] * 2
    )


def test_one_upload_cannot_fill_the_disk(page, tmp_path, monkeypatch):
    port, _, folder = page
    monkeypatch.setattr(guard, "LIMIT", 2_000_000)
    monkeypatch.setattr(guard, "REQUEST", 100_000)
    (tmp_path / "big").write_bytes(bytes(5_000_000))
    own = sum(stat.st_size for _, stat in PageFolder(folder)._files())  # the page's, kept
    try:
        assert not isinstance(upload(port, tmp_path / "big", "big.bin"), str)
    except (OSError, HTTPException):
        pass  # cut off
    held = PageFolder(folder)._files
    # Data that the server is still receiving comes on top.
    assert waited_for(lambda: sum(stat.st_size for _, stat in held()) <= own + 2_300_000)


def test_pages_that_start_at_once_leave_each_other_alone(tmp_path):
    code = (
        "from faststyle_fastai.web.guard import page_folder\n"
        "for _ in range(40):\n"
        "    with page_folder() as folder:\n"
        "        assert folder.path.stat().st_mode & 0o777 == 0o700\n"
    )
    env = os.environ | {"TMPDIR": str(tmp_path)}
    runs = [
        subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for run in runs:
        assert run.communicate(timeout=120)[1] == "" and run.returncode == 0
    assert list(tmp_path.iterdir()) == []


def serve(folder, port, **environment):
    "Start a page in its own process and wait until it is ready."
    command = [sys.executable, "-m", "faststyle_fastai", "web", "--no-browser", "--port", str(port)]
    env = (
        os.environ | {"TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)} | environment
    )
    run = subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True)
    assert any("Serving on" in line for line in run.stderr)
    return run


def test_nothing_is_left(tmp_path, port):
    picture = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(picture)

    def left():
        return [path for path in tmp_path.glob("faststyle-page-*") if path.is_dir()]

    for how in (signal.SIGKILL, signal.SIGTERM):  # which ends it as Ctrl-C does
        run = serve(tmp_path, port)
        try:
            assert len(left()) == 1  # the killed page's folder is gone
            assert Path(upload(port, picture)).is_relative_to(left()[0])
            run.send_signal(how)
            run.communicate(timeout=60)
        finally:
            run.kill()
        assert len(left()) == (how == signal.SIGKILL)
