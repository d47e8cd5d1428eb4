import pickle
from types import SimpleNamespace

import pytest
import torch
from conftest import noise

from faststyle_fastai.all import (
    TERMS,
    FaststyleError,
    Term,
    VggLoss,
    gram_matrix,
    perceptual_backbone,
    recipe_plan,
    tone_error,
    total_variation,
)
from faststyle_fastai.core.moments import mean_and_std
from faststyle_fastai.images.sizes import resize_short
from faststyle_fastai.perceptual.plans import merged
from faststyle_fastai.perceptual.regularity import chroma_variation
from faststyle_fastai.perceptual.terms import Style

STYLE = {"relu1_2": 1.0, "relu3_1": 2.0}


@pytest.fixture(scope="module")
def lite():
    return perceptual_backbone("lite")


def test_gram_matrix_of_ones():
    assert gram_matrix(torch.ones(1, 2, 3, 3)).allclose(torch.full((1, 2, 2), 0.5))


def test_gram_matrix_is_float32_under_autocast_and_does_not_overflow():
    with torch.autocast("cpu", torch.bfloat16):
        gram = gram_matrix(torch.full((1, 4, 64, 64), 300.0).half())
    assert gram.dtype == torch.float32 and gram.isfinite().all()


def test_the_gradient_of_a_gram_matrix_is_autograds():
    x, weights = noise(2, 4, 5, 7), noise(2, 4, 4)
    for dtype, near in ((torch.float32, 1e-5), (torch.bfloat16, 2e-2)):
        ours, plain = (x.to(dtype, copy=True).requires_grad_() for _ in range(2))
        flat = plain.float().flatten(2)
        for gram in (gram_matrix(ours), flat @ flat.mT / flat[0].numel()):
            (gram * weights).sum().backward()
        assert torch.allclose(ours.grad, plain.grad, rtol=near, atol=near * plain.grad.abs().max())


def test_tone_is_kept_when_only_contrast_and_brightness_change():
    photo = noise(2, 3, 64, 48)
    assert tone_error(0.3 + 0.2 * photo, photo).abs().max() < 1e-4
    assert tone_error(1 - photo, photo).allclose(torch.full((2,), 2.0), atol=1e-3)
    gray = torch.full((1, 3, 64, 48), 0.5)
    assert tone_error(photo[:1], gray) == 0  # a uniform photo asks for nothing
    assert tone_error(photo[..., :5, :7], photo[..., :5, :7].flip(3)).isfinite().all()


def test_total_variation_of_a_ramp():
    ramp = torch.arange(8.0).expand(1, 3, 8, 8) / 10
    assert total_variation(ramp).item() == pytest.approx(0.1)


def test_colored_fringes_cost_and_gray_edges_do_not(lite):
    gray = torch.arange(8.0).expand(1, 3, 8, 8) / 10
    fringed = gray.clone()
    fringed[:, 0] = gray[:, 0].roll(1, -1)  # red is shifted one pixel to the right
    assert chroma_variation(gray) < 1e-6 < 0.01 < chroma_variation(fringed)
    loss = VggLoss(lite, None, {"relu1_1": 1.0}, {}, chroma_weight=2.0)
    loss(fringed, gray)
    assert loss.parts["chroma"].item() == pytest.approx(2 * chroma_variation(fringed).item())


def test_a_photo_has_its_own_content_and_the_painting_its_own_style(lite):
    painting = noise(1, 3, 32, 32)
    loss = VggLoss(lite, painting, {"relu2_2": 1.0}, STYLE)
    loss(painting, painting)
    assert loss.parts["content"] == 0 and loss.parts["style"] < 1e-6


@pytest.mark.parametrize("margin", [0, 1 / 16])
def test_the_margin_of_a_picture_has_no_part_in_its_style(lite, margin):
    painting, pred = noise(1, 3, 64, 64), noise(1, 3, 64, 64).flip(2)
    framed = pred.clone()
    framed[..., 0], framed[..., -1, :] = 1, 0  # two sides
    loss, found = VggLoss(lite, painting, {}, {"relu1_1": 1.0}, style_margin=margin), []
    for x in (pred, framed):
        loss(x, painting)
        found.append(loss.parts["style"].item())
    assert (found[0] == found[1]) == bool(margin)


def test_a_margin_of_an_image_with_regions():
    where, seen = torch.zeros(1, 1, 16, 16), SimpleNamespace()
    where[..., 12:] = 1
    seen.regions, seen.features = [where], lambda scale: {"relu1_1": where.expand(1, 3, -1, -1)}
    for margin in (0, 1 / 8):
        (inside,) = Style({"relu1_1": 1.0}, margin=margin).statistics(seen)
        assert torch.allclose(mean_and_std(inside)[0], torch.ones(1, 3), atol=1e-4)


def test_each_picture_has_the_painting_its_row_says(lite):
    paintings = list(noise(2, 3, 32, 32).split(1))
    pred, photo = noise(3, 3, 32, 32), noise(3, 3, 32, 32).flip(2)
    many, rows = VggLoss(lite, paintings, {"relu2_2": 1.0}, STYLE), torch.tensor([1, 0, 1])
    many(pred, photo, rows)
    for i, row in enumerate(rows):
        one = VggLoss(lite, paintings[row], {"relu2_2": 1.0}, STYLE)
        one(pred[i : i + 1], photo[i : i + 1])
        for part in ("content", "style"):
            assert many.parts[part][i].item() == pytest.approx(one.parts[part].item(), rel=1e-4)


def test_parts_are_the_loss(lite):
    painting, terms = noise(1, 3, 40, 40), {"tv": 0.3, "tone_weight": 0.2, "chroma_weight": 0.1}
    loss = VggLoss(lite, painting, {"relu_4": 1.0}, STYLE, **terms, scales=(1, 0.5))
    total = loss(noise(2, 3, 64, 64), noise(2, 3, 64, 64).flip(3))
    assert total.item() == pytest.approx(sum(loss.parts.values()).mean().item(), rel=1e-5)
    assert all((part > 0).all() for part in loss.parts.values())


RAW = {"content": {"distance": "mse"}, "style": {"distance": "gram_mean"}, "tv": {"kind": "sum"}}


@pytest.mark.parametrize("settings", [{}, RAW])
def test_batch_size_does_not_matter(lite, settings):
    loss = VggLoss(lite, noise(1, 3, 32, 32), {"relu2_2": 1.0}, STYLE, 1.0, settings)
    pred, photo = noise(1, 3, 32, 32), noise(1, 3, 32, 32).flip(2)
    one = loss(pred, photo)
    assert loss(pred.repeat(3, 1, 1, 1), photo.repeat(3, 1, 1, 1)).item() == pytest.approx(
        one.item(), rel=1e-4
    )


def test_raw_sums_as_published(lite):
    painting, pred, photo = noise(3, 3, 32, 32).split(1)
    layers = {"relu2_2": 1e5}, {"relu1_2": 1e10}
    loss = VggLoss(lite, painting, *layers, tv=1e-6, loss=RAW, style_size=32)
    loss(pred, photo)
    f, g, s = (lite(x) for x in (pred, photo, painting))
    content = 1e5 * (f["relu2_2"] - g["relu2_2"]).square().mean()
    style = 1e10 * (gram_matrix(f["relu1_2"]) - gram_matrix(s["relu1_2"])).square().mean()
    tv = 1e-6 * (pred.diff(dim=2).abs().sum() + pred.diff(dim=3).abs().sum())
    assert loss.parts["content"].item() == pytest.approx(content.item(), rel=1e-4)
    assert loss.parts["style"].item() == pytest.approx(style.item(), rel=1e-4)
    assert loss.parts["tv"].item() == pytest.approx(tv.item(), rel=1e-4)


def test_balance_makes_brightness_of_features_irrelevant(lite):
    painting, pred, photo = noise(3, 3, 32, 32).split(1)
    bright = perceptual_backbone("lite")
    with torch.no_grad():  # triples the features of the first layer and therefore of all layers
        for conv in (m for m in bright.net if hasattr(m, "bias") and m.bias is not None):
            conv.bias.mul_(3)
        bright.net.get_submodule("conv1_1").weight.mul_(3)
    losses = [
        VggLoss(net, painting, {"relu2_2": 1.0}, STYLE)(pred, photo) for net in (lite, bright)
    ]
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-3)


def test_aliases_mean_the_network_s_own_layers(lite):
    few = perceptual_backbone("lite", layers=["relu1_1", "relu2_2", "relu3_1"])
    assert VggLoss(few, None, {"relu_4": 1.0}, {}).content_layers == {"relu2_2": 1.0}


def test_a_strip_is_refused_before_it_fills_the_memory():
    with pytest.raises(ValueError, match="20000x10 px at 256 px would be 512000x256"):
        resize_short(torch.zeros(1, 3, 10, 20000), 256)


def test_content_alone_stays_on_its_device():
    loss = VggLoss(perceptual_backbone("lite"), None, {"relu1_1": 1.0}, {}).to("meta")
    x = torch.empty(2, 3, 32, 32, device="meta")
    assert loss(x, x).device.type == "meta"


def test_distances_to_all_paintings(lite):
    paintings = list(noise(3, 3, 32, 32).split(1))
    loss, x = VggLoss(lite, paintings, {"relu2_2": 1.0}, STYLE), noise(2, 3, 32, 32).flip(3)
    distances = loss.style_distances(x)
    for i in range(3):
        loss(x, x, torch.full((2,), i))
        assert distances[i].item() == pytest.approx(loss.parts["style"].mean().item(), rel=1e-4)


def test_gradients_reach_the_picture_only(lite):
    pred = noise(1, 3, 32, 32).requires_grad_()
    loss = VggLoss(lite, noise(1, 3, 32, 32).flip(2), {}, STYLE)(pred, pred.detach())
    loss.backward()
    assert pred.grad.abs().sum() > 0
    assert all(p.grad is None for p in lite.parameters())


def test_pickled_without_its_network(lite):
    loss = VggLoss(lite, noise(1, 3, 32, 32), {"relu2_2": 1.0}, STYLE)
    data = pickle.dumps(loss)
    assert len(data) < 6_000  # only the painting
    photo = noise(1, 3, 32, 40)
    again = pickle.loads(data)(photo.flip(3), photo)  # its backbone is loaded on demand
    assert again.item() == pytest.approx(loss(photo.flip(3), photo).item(), rel=1e-2)
    loss.source = None
    with pytest.raises(FaststyleError, match="made by hand"):
        pickle.loads(pickle.dumps(loss))(photo, photo)


def test_a_term_of_one_s_own_sees_features_of_both(lite, monkeypatch):
    class Same(Term):
        def __init__(self, weight=1.0, layer="relu2_1"):
            super().__init__(weight)
            self.layers = {layer: 1.0}

        def forward(self, seen):
            (layer,) = self.layers
            return (
                self.weight * (seen.features(1)[layer] - seen.photo_features()[layer]).abs().mean()
            )

    monkeypatch.setitem(TERMS, "same", Same)
    loss, x = VggLoss(lite, None, loss={"same": {"layer": "relu1_2"}}), noise(1, 3, 32, 32)
    assert loss(x, x) == 0 < loss(x.flip(3), x)
    assert recipe_plan("fast", "style", loss={"same": {"layer": "relu1_2"}}).loss["same"]


def test_wrong_settings(lite):
    with pytest.raises(ValueError, match="Unknown style loss 'log'"):
        VggLoss(lite, None, {"relu1_1": 1.0}, {}, style_loss="log")
    with pytest.raises(ValueError, match="Unknown term 'log'"):
        VggLoss(lite, None, {"relu1_1": 1.0}, {}, loss={"log": {"weight": 1.0}})
    with pytest.raises(
        ValueError, match="Unknown setting 'droplets'. Choose one of content_layers"
    ):
        VggLoss(lite, None, {"relu1_1": 1.0}, {}, droplets=1)  # it needs the network
    with pytest.raises(ValueError, match="no style image"):
        VggLoss(lite, None, {}, STYLE)
    with pytest.raises(ValueError, match="scales"):
        VggLoss(lite, None, {"relu1_1": 1.0}, {}, scales=(2,))
    with pytest.raises(ValueError, match="nothing to learn"):
        VggLoss(lite, None, {}, {})
    with pytest.raises(ValueError, match="no layer relu7. Choose layers from relu1_1"):
        VggLoss(lite, None, {"relu7": 1.0}, {})


def test_settings_of_a_term_are_a_table():
    with pytest.raises(ValueError, match="Invalid tone=1. Use a table of settings."):
        merged({}, {"tone": 1})
