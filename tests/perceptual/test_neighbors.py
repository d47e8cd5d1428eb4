import pytest
import torch
from PIL import Image

from faststyle_fastai.all import optimize_style, perceptual_backbone, read_picture, to_tensor
from faststyle_fastai.perceptual import neighbors
from faststyle_fastai.perceptual.measures import local_style
from faststyle_fastai.perceptual.neighbors import Keys, hypercolumns, keys_of, match, nearest

QUICK = {"end_scale": 64, "min_scale": 32, "initial_iterations": 12, "iterations": 12}


def painted(photo, paintings, **how):
    return to_tensor(optimize_style(photo, paintings, device="cpu", **{**QUICK, **how}))


def plain(color, size=(96, 72)):
    return Image.new("RGB", size, color)


def test_each_place_finds_itself_in_any_chunks(monkeypatch):
    keys = torch.nn.functional.normalize(torch.randn(50, 8))
    order = torch.randperm(50)
    monkeypatch.setattr(neighbors, "CHUNK", 7)
    cosines, found = nearest(keys[order], keys)
    assert found.tolist() == order.tolist() and cosines.allclose(torch.ones(50))


def test_styles_get_their_shares_where_they_are_nearer():
    random, queries = torch.Generator().manual_seed(0), torch.eye(4).repeat(25, 1)
    values = torch.eye(4)
    styles = [keys_of([values[:2]], 0.25, 9, random), keys_of([values[2:]], 0.75, 9, random)]
    targets, _ = match(queries, [(None, styles)], centered=False)
    first = targets[:, :2].sum(1) > 0.5
    assert first.sum() == 25 and (queries[first, :2].sum(1) == 1).all()


def test_regions_take_their_own_painting_only():
    random, queries = torch.Generator().manual_seed(0), torch.eye(4).repeat(5, 1)
    red, blue = (keys_of([torch.eye(4)[i]], 1.0, 9, random) for i in (slice(2), slice(2, 4)))
    left = torch.arange(20) < 10
    targets, _ = match(queries, [(left, [red]), (~left, [blue])], centered=False)
    assert (targets[:10, 2:] == 0).all() and (targets[10:, :2] == 0).all()


def test_hypercolumns_are_bounded():
    features = {"a": torch.rand(1, 3, 200, 300), "b": torch.rand(1, 5, 50, 75)}
    columns, grid = hypercolumns(features, (200, 300), most=600)
    assert columns.shape == (grid[0] * grid[1], 8) and 500 < len(columns) <= 600
    assert hypercolumns(features, (40, 60), most=600)[1] == (10, 15)  # cells of 4 px


def test_what_is_nearer_than_the_photo(photo, painting):
    backbone, work = perceptual_backbone("lite"), to_tensor(read_picture(painting))
    small = to_tensor(read_picture(photo).resize((64, 48)))
    far = local_style(small, work, backbone)
    assert local_style(work, work, backbone) == pytest.approx(0, abs=1e-4)
    assert local_style(painted(photo, painting), work, backbone) < 0.9 * far


def test_likeness_goes_from_the_photo_to_the_painting(photo, painting):
    small = to_tensor(read_picture(photo).resize((64, 48)))
    away = [
        (painted(photo, painting, likeness=share, palette=0.0) - small).abs().mean().item()
        for share in (1, 0.75, 0)
    ]
    assert away[0] < away[1] < away[2]
    with pytest.raises(ValueError, match="likeness=2"):
        painted(photo, painting, likeness=2)
    with pytest.raises(ValueError, match="likeness= needs the recipe neighbors"):
        painted(photo, painting, recipe="crowson", likeness=0.5)


@pytest.mark.parametrize("flat", ["photo", "painting", "both"])
def test_flat_pictures_are_no_accident(photo, painting, flat):
    gray = plain((120, 130, 140))
    pair = gray if flat != "painting" else photo, gray if flat != "photo" else painting
    x = painted(*pair)
    assert x.isfinite().all() and x.shape == (1, 3, 48, 64)


def test_the_colors_are_those_of_the_works(photo):
    redness = [
        (x[:, 0] - x[:, 2]).mean().item()
        for x in (painted(photo, [plain("red"), plain("blue")], style_weights=w) for w in SHARES)
    ]
    assert redness[0] > redness[1] > redness[2]


SHARES = [1, 0], [0.5, 0.5], [0, 1]


def test_a_style_without_weight_is_not_asked(photo, painting):
    alone = painted(photo, painting)
    assert torch.equal(painted(photo, [painting, plain("red")], style_weights=[1, 0]), alone)


def test_several_works_are_one_style(photo, painting):
    both = painted(photo, [[painting, plain("red")]])
    assert both.isfinite().all() and not torch.equal(both, painted(photo, painting))


def test_keys_are_a_sample():
    keys = keys_of([torch.rand(30, 4)], 1.0, 10, torch.Generator().manual_seed(0))
    assert isinstance(keys, Keys) and keys.values.shape == keys.unit.shape == (10, 4)
