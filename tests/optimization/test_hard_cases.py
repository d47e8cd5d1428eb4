"Settings and sizes at the edge of what optimizing takes."

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle_fastai.all import VggLoss, optimize_style, perceptual_backbone
from faststyle_fastai.optimization.paintings import Paintings
from faststyle_fastai.optimization.pixel_recipes import optimization_plan
from faststyle_fastai.optimization.pixels import PixelOptimizer
from faststyle_fastai.perceptual.backbones import Backbone

SMALL = {"end_scale": 64, "min_scale": 64, "initial_iterations": 3}


@pytest.fixture
def photo():
    return Image.effect_noise((64, 48), 90).convert("RGB")


def test_long_paintings_are_large_enough(photo):
    scroll = Image.effect_noise((900, 40), 90).convert("RGB")
    assert optimize_style(photo, scroll, device="cpu", **SMALL).size == (64, 48)
    with pytest.raises(ValueError, match="A painting of 4x4 px is too small for relu4_2"):
        optimize_style(photo, photo.resize((4, 4)), device="cpu", **SMALL)


def test_smaller_copies_count(photo):
    flat = Image.effect_noise((640, 60), 90).convert("RGB")
    how = {"recipe": "crowson", "backbone": "lite", "end_scale": 256, "min_scale": 256}
    with pytest.raises(ValueError, match="256x24 px is too small for relu5_1"):
        optimize_style(flat, photo, device="cpu", scales=(1, 0.25), **how)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"style_loss": "gram"}, "has no style layers"),
        ({"loss": {"style": {"margin": 0.1}}}, "has no style layers"),
        ({"avg_decay": 1.0}, "avg_decay"),
        ({"palette": 2}, "palette"),
        ({"loss": {"hypercolumns": {"places": 0}}}, "places"),
        ({"loss": {"tone": 1}}, "Invalid tone=1"),
    ],
)
def test_settings_that_make_no_sense(how, words):
    with pytest.raises(ValueError, match=words):
        optimization_plan("neighbors", **how)


def test_nothing_to_optimize(photo):
    none = {"content_weight": 0, "style_weight": 0, "tv_weight": 0}
    with pytest.raises(ValueError, match="nothing to optimize"):
        optimize_style(photo, photo, recipe="crowson", backbone="lite", **none, **SMALL)


def test_grays_of_a_mask_mix_the_colors_of_both_sides():
    red, blue = (Image.new("RGB", (32, 32), color) for color in ("red", "blue"))
    plan = optimization_plan("neighbors", palette=1.0)
    x = torch.rand(1, 3, 48, 64)
    both = [
        Paintings([[red], [blue]], None, Image.new("L", (64, 48), gray), plan).recolored(x)
        for gray in (255, 0, 128)
    ]
    assert torch.allclose(both[2], 0.5 * (both[0] + both[1]), atol=0.01)


def test_a_state_is_not_changed_by_going_on(photo):
    work = PixelOptimizer(photo, photo, None, optimization_plan("neighbors", **SMALL), device="cpu")
    steps = iter(work)
    next(steps)
    state = work.state_dict()
    before = [part.clone() for part in state["parts"]]
    next(steps)
    assert all(map(torch.equal, state["parts"], before))
    work.load_state_dict(state)
    assert work.at == (0, 1)


def test_a_seed_of_the_caller_s_stays(photo):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    optimize_style(photo, photo, device="cpu", **SMALL)
    assert torch.equal(torch.rand(2), expected)


class Twice(torch.nn.Module):
    "Its ReLU runs twice, as in torchvision's residual blocks."

    def __init__(self):
        super().__init__()
        self.conv, self.relu = torch.nn.Conv2d(3, 3, 1), torch.nn.ReLU()

    def forward(self, x):
        return self.relu(-self.conv(self.relu(x)))


def test_a_module_that_runs_twice_has_one_output():
    backbone, x = Backbone(Twice(), ["relu", "conv"]), torch.rand(1, 3, 8, 8)
    assert torch.equal(backbone(x)["relu"], backbone(x, ["relu"])["relu"])
    assert backbone.net(x).shape == x.shape  # outside the backbone
    blocks = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.Sequential(torch.nn.ReLU()))
    assert Backbone(blocks, ["1"])(x)["1"].shape == (1, 4, 8, 8)


def test_each_spelling_of_a_setting_counts():
    painting, x = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    layers = {"relu2_1": 1.0}
    backbone = perceptual_backbone("lite", layers=[*layers])
    losses = [VggLoss(backbone, painting, layers, layers, **how)(x, x).item() for how in (
        {}, {"tv": 1.0}, {"tv_weight": 1.0}
    )]  # fmt: skip
    assert losses[1] == losses[2] > losses[0]
    with pytest.raises(ValueError, match="setting of tone"):
        VggLoss(backbone, painting, layers, layers, loss={"tone": {"size": 1}})
    assert np.isfinite(VggLoss(backbone, painting, layers, layers, scales=0.5)(x, x).item())
