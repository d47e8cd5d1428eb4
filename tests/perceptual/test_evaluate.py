import pytest
import torch
from conftest import noise

from faststyle_fastai.all import contact_sheet, evaluate_style, perceptual_backbone
from faststyle_fastai.perceptual.evaluate import reference_loss, worth
from faststyle_fastai.perceptual.lbfgs import lbfgs


@pytest.fixture(scope="module")
def loss(painting):
    return reference_loss(perceptual_backbone("lite"), painting)


def test_optimisation_gets_better(loss):
    photo = noise(1, 3, 32, 32)
    picture, curve = lbfgs(loss, photo, 6)
    assert len(curve) == 7 and min(curve) < 0.7 * curve[0]
    assert curve[0] == pytest.approx(loss(photo, photo).item()) and picture.max() <= 1


def test_optimisation_moves_on_where_a_photo_is_black(loss):
    photo = torch.zeros(1, 3, 32, 32)
    photo[..., 16:] = 0.9
    curve = lbfgs(loss, photo, 8)[1]
    assert min(curve) < 0.8 * curve[0]


def test_worth_counts_iterations():
    curve = [10.0, 6.0, 4.0, 3.0]
    assert worth(5.0, curve) == pytest.approx(1.5) and worth(10.0, curve) == 0
    assert worth(12.0, curve) == 0 and worth(1.0, curve) == 3


def test_the_yardstick_of_the_photo_itself(loss, photos):
    file = photos / "china" / "0.jpg"
    rows, sheet = evaluate_style(lambda x: x, [file], loss, 32, iterations=2)
    assert rows["network"]["content"] == 0 and rows["network"]["iterations"] == pytest.approx(0)
    assert rows["photo"]["total"] == rows["network"]["total"] > rows["optimized 2"]["total"]
    row = rows["photo"]
    assert row["tone"] == pytest.approx(1, abs=1e-5)
    assert row["total"] == pytest.approx(row["content"] + 20 * row["style"] + row["tv"], rel=1e-4)
    assert contact_sheet(sheet).size == (43 * 3 + 16, 32)


def test_a_painting_is_its_own_style(painting):
    loss = reference_loss(perceptual_backbone("lite"), painting)
    from faststyle_fastai.all import read_picture, to_tensor
    from faststyle_fastai.images.sizes import resize_short

    x = resize_short(to_tensor(read_picture(painting)), 64)
    assert torch.isfinite(loss(x, x)) and loss.parts["style"] < 1e-5
