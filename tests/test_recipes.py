import pytest
import torch
from test_backbones import vgg_state

from faststyle_fastai.all import RECIPES, autoencoder_learner, style_learner


@pytest.fixture
def vgg16(tmp_path):
    "A VGG16 up to relu4_3 of random weights."
    torch.save(vgg_state("vgg16", 10), tmp_path / "vgg16.pth")
    return tmp_path / "vgg16.pth"


def fitted(learn):
    with learn.no_bar(), learn.no_logging():
        learn.fit_recipe()
    return learn.recorder


def test_skalski_pretrains_at_relu1_1_in_one_cycle(dls, vgg16):
    learn = autoencoder_learner(dls, "skalski", weights=vgg16)
    assert learn.loss_func.content_layers == {"relu1_1": 1e5}
    lrs = fitted(learn).lrs
    assert learn.wd == 1e-6 and lrs[0] < max(lrs) / 2 and max(lrs) <= 1e-3


def test_skalski_trains_flat_then_in_one_cycle(dls, painting, vgg16):
    learn = style_learner(dls, painting, "skalski", pretrained=None, weights=vgg16)
    assert list(learn.loss_func.style_layers) == ["relu1_2", "relu2_2", "relu3_3", "relu4_3"]
    recorder = fitted(learn)
    assert len(recorder.values) == 2 and recorder.lrs[:6] == [2e-4] * 6
    assert recorder.lrs[6] == pytest.approx(2e-4 / 25) and recorder.lrs[-1] < 1e-4


def test_fast_needs_nothing_but_the_package():
    assert {RECIPES["fast"].autoencoder.backbone, RECIPES["fast"].style.backbone} == {"lite"}
