import numpy as np
import pytest
import torch
from conftest import noise, quietly
from networks import vgg_state

from faststyle_fastai.all import (
    RECIPES,
    FaststyleError,
    Stylizer,
    autoencoder_learner,
    gram_matrix,
    save_style,
    style_learner,
    to_picture,
)
from faststyle_fastai.images.sizes import resize_short


@pytest.fixture
def vgg16(tmp_path):
    "A VGG16 up to relu4_3 with random weights."
    return random_weights("vgg16", 10, tmp_path)


def random_weights(backbone, n_convs, folder):
    torch.save(vgg_state(backbone, n_convs), folder / "weights.pth")
    return folder / "weights.pth"


def test_skalski_pretrains_at_relu1_1_in_one_cycle(dls, vgg16):
    learn = autoencoder_learner(dls, "skalski", weights=vgg16)
    assert learn.loss_func.content_layers == {"relu1_1": 1e5}
    lrs = quietly(learn, "fit_recipe").recorder.lrs
    assert learn.wd == 1e-6 and lrs[0] < max(lrs) / 2 and max(lrs) <= 1e-3


@pytest.mark.slow
def test_skalski_trains_flat_then_in_one_cycle(dls, painting, vgg16):
    learn = style_learner(dls, painting, "skalski", pretrained=None, weights=vgg16, style_size=64)
    assert list(learn.loss_func.style_layers) == ["relu1_2", "relu2_2", "relu3_3", "relu4_3"]
    recorder = quietly(learn, "fit_recipe").recorder
    assert len(recorder.values) == 2 and recorder.lrs[:6] == [2e-4] * 6
    assert recorder.lrs[6] == pytest.approx(2e-4 / 25) and recorder.lrs[-1] < 1e-4


@pytest.mark.parametrize(
    "recipe, backbone, n_convs",
    [("johnson", "vgg16", 10), ("dumoulin", "vgg16", 10), ("tarun", "vgg19", 13)],
)
def test_published_recipes_train(dls, painting, tmp_path, recipe, backbone, n_convs):
    weights = random_weights(backbone, n_convs, tmp_path)
    learn = style_learner(dls, painting, recipe, weights=weights, style_size=64)
    recorder = quietly(learn, "fit_recipe").recorder
    plan = RECIPES[recipe].style
    assert len(recorder.values) == plan.epochs and set(recorder.lrs) == {1e-3}
    weights = {k: plan.content_weight * part for k, part in plan.content_layers.items()}
    assert learn.loss_func.content_layers == weights


def test_dumoulin_weighs_the_sum_over_a_gram_matrix(dls, painting, vgg16):
    loss = style_learner(dls, painting, "dumoulin", weights=vgg16).loss_func
    x, canvas = noise(1, 3, 32, 32), resize_short(loss.styles[0], 256)
    loss(x, x)
    found, wanted = (loss.backbone(y, list(loss.style_layers)) for y in (x, canvas))
    squares = sum((gram_matrix(found[k]) - gram_matrix(wanted[k])).square().sum() for k in found)
    assert loss.parts["style"].item() == pytest.approx(17 * squares.item(), rel=1e-4)


def test_fast_needs_nothing_but_the_package():
    assert {RECIPES["fast"].autoencoder.backbone, RECIPES["fast"].style.backbone} == {"lite"}


def test_the_system_of_tarun(dls, painting, tmp_path):
    weights = random_weights("vgg19", 13, tmp_path)
    how = {"pretrained": None, "weights": weights, "arch": "tarun", "style_size": 64}
    learn = style_learner(dls, painting, "tarun", **how)
    quietly(learn, "fit_recipe")
    assert (learn.model.in1.weight == 1).all() and (learn.model.in6.bias == 0).all()
    save_style(learn, tmp_path / "tarun.safetensors")
    paint = Stylizer(tmp_path / "tarun.safetensors", "cpu", precision="float32")
    photo = to_picture(noise(1, 3, 64, 80))
    whole, tiled = (np.asarray(paint(photo, tile=tile, exact=True), int) for tile in (None, 32))
    assert np.abs(whole - tiled).max() <= 1
    with pytest.raises(FaststyleError, match="No built-in gallery for arch 'tarun'"):
        style_learner(dls, painting, "tarun", weights=weights, arch="tarun")
    with pytest.raises(ValueError, match="which holds only one style"):
        save_style(learn, tmp_path / "two.safetensors", add_to=tmp_path / "tarun.safetensors")
