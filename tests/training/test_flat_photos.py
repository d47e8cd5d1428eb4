"Photos and paintings without any detail, whose normalized features are 0 / 0."

import math

import pytest
import torch
from conftest import QUICK, quietly
from PIL import Image

from faststyle_fastai.all import StyleDataLoaders, Stylizer, style_learner
from faststyle_fastai.models.normalization import grained

FLAT = {"black": (0, 0, 0), "white": (255, 255, 255), "gray": (128, 128, 128)}
ON_LITE = "--backbone", "lite", "--style-layers", "relu2_1", "--content-layers", "relu2_2"


@pytest.fixture(params=FLAT)
def flat(request, tmp_path):
    (tmp_path / "flat").mkdir()
    Image.new("RGB", (48, 40), FLAT[request.param]).save(tmp_path / "flat" / "a.png")
    return tmp_path / "flat"


def losses():
    _, *rows = open("run/history.csv").read().splitlines()
    return [float(number) for row in rows for number in row.split(",") if number]


def train(faststyle, folder, style, *more):
    words = "--style", style, "-o", "run", "--epochs", 1, *QUICK, *more, "--overwrite"
    said = faststyle("train", folder, *words)
    assert said.returncode == 0, said.stderr
    assert all(map(math.isfinite, losses()))


@pytest.mark.parametrize("more", [(), ("--recipe", "johnson", *ON_LITE)], ids=["fast", "johnson"])
def test_flat_photos_of_a_flat_painting_train(faststyle, flat, more):
    train(faststyle, flat, flat / "a.png", *more, "--batch-size", 1)


def test_either_may_be_flat(faststyle, photos, painting, flat):
    train(faststyle, flat, painting, "--batch-size", 1)
    train(faststyle, photos, flat / "a.png")


def test_flat_photos_pretrain(faststyle, flat):
    said = faststyle("pretrain", flat, "-o", "a.safetensors", *QUICK, "--batch-size", 1)
    assert said.returncode == 0, said.stderr


def test_a_flat_photo_beside_others_spoils_no_step(photos, painting, flat):
    files = [flat / "a.png", photos / "china" / "0.jpg"]
    dls = StyleDataLoaders.from_folder(files, size=32, bs=2, valid_pct=0, device="cpu")
    learn = style_learner(dls, painting, arch="tiny", small=0)
    quietly(learn, "fit", 2, 1e-3)
    assert all(w.isfinite().all() for w in learn.model.parameters())


def test_a_style_is_refined_on_a_flat_photo(painting, flat):
    refined = Stylizer("udnie", "cpu").refined(flat / "a.png", 0.5, painting=painting)
    assert all(w.isfinite().all() for w in refined.weights.values())


def test_only_flat_photos_get_a_grain():
    photos = torch.stack([torch.rand(3, 16, 16), torch.full((3, 16, 16), 0.5)])
    ours = grained(photos)
    assert ours[0].equal(photos[0]) and 0 < (ours[1] - photos[1]).abs().max() < 0.02
