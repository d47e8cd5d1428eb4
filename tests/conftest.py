"Small real pictures, made from scikit-learn's sample photos; nothing is downloaded."

import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from fastai.torch_core import set_seed
from PIL import Image
from sklearn.datasets import load_sample_image

from faststyle_fastai.all import StyleDataLoaders

matplotlib.use("Agg")
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    set_seed(0)


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    "14 photos of 96x72 px in two folders."
    folder = tmp_path_factory.mktemp("photos")
    for name in ("china.jpg", "flower.jpg"):
        whole = Image.fromarray(load_sample_image(name))
        for i in range(7):
            file = folder / name.split(".")[0] / f"{i}.jpg"
            file.parent.mkdir(exist_ok=True)
            whole.crop((60 * i, 30 * i, 60 * i + 192, 30 * i + 144)).resize((96, 72)).save(file)
    return folder


@pytest.fixture(scope="session")
def painting(tmp_path_factory):
    "Coloured waves, 80x64 px."
    y, x = np.mgrid[:64, :80] / 6
    waves = np.stack([np.sin(x + np.sin(y)), np.cos(y * 2), np.sin(x * y / 4)], -1)
    file = tmp_path_factory.mktemp("style") / "waves.png"
    Image.fromarray((127 + 120 * waves).astype(np.uint8)).save(file)
    return file


@pytest.fixture
def dls(photos):
    return StyleDataLoaders.from_folder(photos, size=32, bs=2, valid_pct=0.15, device="cpu")


@pytest.fixture
def faststyle():
    "The command line, as a person calls it: `faststyle('info', file)` → CompletedProcess."

    def run(*args, **kwargs):
        command = [sys.executable, "-m", "faststyle_fastai", *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, **kwargs)

    return run


@pytest.fixture
def trained(dls, painting):
    "A style learner after two steps."
    from faststyle_fastai.all import style_learner

    learn = style_learner(dls, painting, small=0, scales=(1,))
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, 1e-3)
    return learn


def noise(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def is_clean(folder: Path) -> bool:
    "No temporary file was left behind."
    return not [p for p in folder.rglob("*") if p.name.startswith(".")]
