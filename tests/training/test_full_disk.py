"A full disk costs previews and checkpoints, not the network."

import errno
import os
import subprocess
import sys

import pytest
from conftest import FEW, is_clean

from faststyle_fastai.all import FaststyleError, Stylizer
from faststyle_fastai.core import atomic
from faststyle_fastai.training import checkpoint
from faststyle_fastai.training.runs import train

FEW = FEW | {"images": 30}
OFTEN = {"preview_every": 1, "checkpoint_every": 5}  # a checkpoint takes 1.3 MB, a network 0.4 MB


@pytest.fixture
def tiny_disk(tmp_path):
    "A file system of 0.7 MB."
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = "mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", disk
    if sys.platform != "linux" or os.geteuid() or subprocess.run(mount).returncode:
        pytest.skip("only root on Linux mounts a disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_disk_for_the_network_alone(photos, painting, tiny_disk):
    with pytest.warns(UserWarning, match="The disk is full: previews were removed"):
        with pytest.raises(FaststyleError, match="model.pkl cannot .* is in model.safetensors"):
            train(photos, painting, tiny_disk / "run", **FEW, **OFTEN)
    assert Stylizer(tiny_disk / "run").styles == ["waves"] and is_clean(tiny_disk)


def test_previews_then_checkpoints_give_way(photos, painting, tmp_path, monkeypatch):
    flush, run = atomic.fsync_path, tmp_path / "run"

    def fits(path):
        if sum(file.stat().st_size for file in run.rglob("*")) > 1.6e6:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(path)

    for module in (atomic, checkpoint):
        monkeypatch.setattr(module, "fsync_path", fits)
    with pytest.warns(UserWarning) as told:
        train(photos, painting, run, **FEW, **OFTEN)
    told = [str(one.message) for one in told if "full" in str(one.message)]
    kinds = "previews", "checkpoints"
    assert told == [f"The disk is full: {what} were removed to make room." for what in kinds]
    assert Stylizer(run).styles == ["waves"] and (run / "model.pkl").exists() and is_clean(run)


def test_other_errors_remove_nothing(tmp_path):
    (kept := tmp_path / "kept").touch()

    def refused():
        raise PermissionError(errno.EACCES, "no")

    with pytest.raises(PermissionError):
        atomic.write_first({"others": lambda: [kept]}, refused)
    assert kept.exists()
