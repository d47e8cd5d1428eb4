"Bulk painting whose workers are killed, and whose store fails."

import csv
import os
import random
import signal

import numpy as np
import psutil
import pytest
from conftest import is_clean, names
from PIL import Image

from faststyle_fastai.all import paint_bulk

pytestmark = pytest.mark.slow

pytest.importorskip("ray")
SLIM = "slim:great_wave"
BAD = [("bad.jpg", "bad.jpg cannot be read: not an image.")]


@pytest.fixture
def pictures(tmp_path):
    "40 images, the last ten of them twice, and one damaged."
    folder = tmp_path / "many"
    for i in range(50):
        colors = np.random.default_rng(i % 40).integers(0, 255, (24, 32, 3), np.uint8)
        file = folder / f"{i % 3}" / f"{i:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(colors).save(file)
    (folder / "bad.jpg").write_bytes(b"no picture")
    return folder


def kill_a_worker():
    "Kill one worker of this process's own Ray; False if there is none."
    for process in psutil.Process().children(recursive=True):
        try:
            if process.cmdline()[:1] and process.cmdline()[0].startswith("ray::MapWorker"):
                process.send_signal(signal.SIGKILL)
                return True
        except psutil.Error:
            continue
    return False


def killing(kills, told):
    "What watches a painting, and kills a worker at these numbers of images."

    def watch(*at):
        told.append(at)
        if kills and at[0] >= kills[0] and kill_a_worker():
            kills.pop(0)

    return watch


def once(told):
    "Whether each image was counted once."
    done = [at for at, *_ in told]
    return told[-1] == (51, 1, 51) and done == sorted(set(done))


def test_the_only_worker_is_killed(pictures, tmp_path):
    told, kills, out = [], [2, 20], tmp_path / "out"
    watch = killing(kills, told)
    assert paint_bulk(pictures, out, SLIM, workers=1, batch=2, watch=watch) == BAD
    assert not kills and once(told)
    assert names(out) == [name for name in names(pictures) if name != "bad.jpg"]
    assert is_clean(out)


FLAKY = """
from pathlib import Path
from fsspec.implementations.local import LocalFileSystem

class Flaky(LocalFileSystem):
    "Refuses to write the images whose number ends in 7, once each."
    protocol = "flaky"

    def _open(self, path, mode="rb", **kwargs):
        name = Path(path).name
        refused = Path(__file__).parent / f"refused-{name.partition('-')[0]}"
        if "w" in mode and "7.png" in name and not refused.exists():
            refused.touch()
            raise OSError("503 Slow Down")
        return super()._open(path, mode, **kwargs)
"""


@pytest.fixture
def flaky(tmp_path, monkeypatch):
    "The address of a folder whose file system, installed for all processes, fails at times."
    about = tmp_path / "site" / "flaky-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: flaky\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[fsspec.specs]\nflaky = flaky.Flaky\n")
    (about.parent / "flaky.py").write_text(FLAKY)
    monkeypatch.syspath_prepend(about.parent)
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", f"{about.parent}{os.pathsep}{before}")
    import fsspec

    fsspec.register_implementation("flaky", "flaky.Flaky", clobber=True)
    return f"flaky://{tmp_path}/out"


def test_two_workers_are_killed_at_random_times(pictures, tmp_path, flaky):
    told, kills = [], sorted(random.sample(range(1, 40), 3))
    how = {"workers": 2, "batch": 2}
    failed = paint_bulk(pictures, flaky, SLIM, **how, watch=killing(kills, told))
    assert told[-1][0] == told[-1][2] == 51 and len(kills) < 3
    out, wanted = tmp_path / "out", [name for name in names(pictures) if name != "bad.jpg"]
    assert is_clean(out) and set(names(out)) >= set(wanted) - {name for name, _ in failed}
    with open(out / "failures.csv") as report:
        assert [tuple(row.values()) for row in csv.DictReader(report)] == failed
    assert all("503" in why for name, why in failed if name != "bad.jpg")
    assert paint_bulk(pictures, flaky, SLIM, **how) == BAD and names(out) == wanted
