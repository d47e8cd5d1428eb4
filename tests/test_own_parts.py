"Parts from outside the package: a term, a backbone, an architecture and a recipe, one row each."

from dataclasses import replace

import pytest
import torch
from conftest import quietly
from torchvision.models import resnet18

from faststyle_fastai.all import (
    BACKBONES,
    RECIPES,
    StyleDataLoaders,
    Stylizer,
    Term,
    optimize_style,
    perceptual_backbone,
    save_style,
    style_learner,
)
from faststyle_fastai.models.transformer import ARCHS
from faststyle_fastai.optimization.pixel_recipes import OPTIMIZATIONS
from faststyle_fastai.perceptual.terms import TERMS

RESNET = {"layer1": 1.0, "layer2.1.relu": 1.0}
SMALL = {"end_scale": 48, "min_scale": 48, "initial_iterations": 3, "device": "cpu"}


class Grayness(Term):
    "How far a pixel's channels are from their mean."

    def forward(self, seen):
        return self.weight * (seen.pred - seen.pred.mean(1, keepdim=True)).square().mean((1, 2, 3))


@pytest.fixture
def dls(photos):
    return StyleDataLoaders.from_folder(photos, size=32, bs=2, images=4, device="cpu")


def resnet(weights):
    torch.manual_seed(0)
    return resnet18(weights=None)


def trained(dls, painting, *args, **overrides):
    learn = style_learner(dls, painting, *args, **{"small": 0, "arch": "tiny", **overrides})
    quietly(learn, "fit", 1)
    return learn


def test_a_term(dls, painting, photo, monkeypatch):
    monkeypatch.setitem(TERMS, "gray", Grayness)
    gray = {"gray": {"weight": 1e3}}
    learn = trained(dls, painting, loss=gray)
    assert (learn.loss_func.parts["gray"] > 0).all()
    assert "train_gray" in learn.recorder.metric_names
    parts = []
    for loss in ({}, gray):
        optimize_style(
            photo, painting, **SMALL, loss=loss, callback=lambda i, work: parts.append(i)
        )
    assert parts[-1].parts["gray"] < parts[3].parts["gray"]
    with pytest.raises(ValueError, match="Unknown setting of gray 'color'. Choose one of weight"):
        style_learner(dls, painting, loss={"gray": {"color": 1}})


def test_a_backbone_other_than_vgg(dls, painting, photo, tmp_path, monkeypatch):
    monkeypatch.setitem(BACKBONES, "resnet18", resnet)
    x = torch.rand(1, 3, 64, 64)
    features = perceptual_backbone("resnet18")(x, ["layer1", "layer2"])
    wanted = resnet(None).eval()
    normal = (x - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(3, 1, 1)
    stem = wanted.maxpool(wanted.relu(wanted.bn1(wanted.conv1(normal))))
    assert features["layer1"].allclose(wanted.layer1(stem), atol=1e-4)
    assert features["layer2"].shape == (1, 128, 8, 8)
    how = {"backbone": "resnet18", "content_layers": {"layer2": 1.0}, "style_layers": RESNET}
    learn = trained(dls, painting, **how)
    save_style(learn, tmp_path / "own.safetensors")
    assert Stylizer(tmp_path / "own.safetensors")(photo).size == (96, 72)
    losses = []
    seen = {"callback": lambda i, _: losses.append(i.loss), **SMALL, **how}
    optimize_style(photo, painting, recipe="crowson", **seen)
    assert losses[-1] < losses[0]
    matched = {"hypercolumn_layers": {"layer1": 1.0}, "neighbor_layers": {"layer1": 1.0}}
    losses.clear()
    optimize_style(photo, painting, **seen, **matched)
    assert losses[-1] < losses[0]
    with pytest.raises(ValueError, match="no layer relu1_2"):
        optimize_style(photo, painting, **seen)
    with pytest.raises(ValueError, match="no layer layer9. Choose layers from conv1, bn1"):
        style_learner(dls, painting, **{**how, "style_layers": {"layer9": 1.0}})


def test_an_architecture(dls, painting, photo, monkeypatch):
    monkeypatch.setitem(ARCHS, "thin", {"width": 0.125})
    learn = trained(dls, painting, arch="thin", pretrained=None)
    assert learn.model.conv1.conv2d.out_channels == 4
    assert Stylizer(learn)(photo).size == (96, 72)


def test_a_recipe(dls, painting, photo, monkeypatch):
    fast = RECIPES["fast"]
    own = replace(fast.style, opt="adam", loss={**fast.style.loss, "tone": {"weight": 3.0}})
    monkeypatch.setitem(RECIPES, "own", replace(fast, style=own))
    assert trained(dls, painting, "own").loss_func.terms["tone"].weight == 3
    quick = replace(OPTIMIZATIONS["neighbors"], end_scale=46, min_scale=46, initial_iterations=1)
    monkeypatch.setitem(OPTIMIZATIONS, "own", quick)
    assert optimize_style(photo, painting, recipe="own", device="cpu").size == (46, 34)
    unstyled = {"style_weight": 0.0, "content_weight": 1.0}  # any term may be left out
    assert optimize_style(photo, painting, recipe="own", **unstyled, device="cpu").width == 46
