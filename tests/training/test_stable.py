import pytest
import torch
from conftest import noise, quietly
from fastai.torch_core import set_seed

from faststyle_fastai.all import StyleDataLoaders, style_learner
from faststyle_fastai.training.network_terms import motion, moved


def test_a_motion_is_what_it_says():
    x = noise(2, 3, 32, 40)
    grid, inside = motion(2, (32, 40), x.device)
    assert moved(x, grid).shape == x.shape and inside.shape == (2, 1, 32, 40)
    assert 0.7 < inside.mean() < 1
    still = torch.nn.functional.affine_grid(torch.eye(2, 3)[None], [1, 3, 32, 40])
    assert torch.allclose(moved(x[:1], still), x[:1], atol=1e-4)


def test_a_motion_is_exact_where_the_network_computes_in_bfloat16():
    grids = []
    for on in (False, True):
        torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, on):
            grids.append(motion(1, (32, 40), torch.device("cpu"))[0])
    assert torch.equal(*grids)


GRAMS = {
    "content_layers": {"relu2_2": 1.0},
    "style_layers": dict.fromkeys(("relu1_1", "relu2_1", "relu3_1", "relu3_4"), 5.0),
    "style_loss": "gram",
    "scales": (1, 0.5, 0.25),
    "tone_weight": 0.0,
}


@pytest.mark.slow
def test_training_holds_the_strokes_still(dls, painting):
    def unsteady(net):
        "How much the painted image changes differently from the photo."
        set_seed(1)
        x = dls.valid.one_batch()[0].as_subclass(torch.Tensor)
        grid, inside = motion(len(x), x.shape[-2:], x.device)
        with torch.no_grad():
            off = inside * (net(moved(x, grid)) - moved(net(x), grid)).square()
            return (off.mean() / net(x).var()).item()

    found = []
    for stable in (0.0, 20.0):
        set_seed(0)
        plan = {"arch": "slim", "small": 0, "stable": stable, "style_size": 32, **GRAMS}
        learn = style_learner(dls, painting, **plan)
        quietly(learn, "fit", 12, 1e-3)
        found.append(unsteady(learn.model.eval()))
    plain, steady = found
    assert steady < 0.7 * plain


def test_half_of_each_batch_is_painted_again(photos, painting):
    dls = StyleDataLoaders.from_folder(photos, size=32, bs=6, valid_pct=0.15, device="cpu")
    works, seen = {"a": painting, "b": photos / "flower" / "0.jpg"}, []
    learn = style_learner(dls, works, arch="tiny", small=0, scales=(1,), stable=1.0)
    learn.model.register_forward_pre_hook(lambda net, x: seen.append(len(x[0])))
    quietly(learn, "fit", 1, 1e-3)
    assert seen[:2] == [6, 3]
