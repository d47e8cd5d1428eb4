"Habits of fastai's, PyTorch's and notebooks' users that must work as they do there."

import math

import numpy as np
import PIL.Image
import pytest
import torch
from conftest import quietly
from fastai.callback.core import Callback, FetchPredsCallback
from fastai.callback.tracker import SaveModelCallback, TrackerCallback
from fastai.callback.training import ShortEpochCallback
from fastai.data.transforms import get_image_files
from fastai.optimizer import SGD
from fastai.vision.core import TensorImage
from torch.nn import functional as F

from faststyle_fastai.all import (
    FaststyleError,
    StyleAugment,
    StyleAugmentV2,
    Stylizer,
    VggLoss,
    paint_strokes,
    perceptual_backbone,
    read_picture,
    style_learner,
    to_tensor,
)
from faststyle_fastai.training.callbacks import ProgressiveResize
from faststyle_fastai.training.optimizers import OPTIMIZERS

TINY = {"arch": "tiny", "small": 0, "strokes": False}


class Worse(Callback):
    "The style loss grows from epoch to epoch."

    order = 48  # before the columns are read

    def after_batch(self):
        self.learn.loss_func.parts["style"] = self.learn.loss_func.parts["style"] + self.epoch


def test_less_of_a_part_is_better(dls, painting):
    best = TrackerCallback(monitor="valid_style")
    learn = style_learner(dls, painting, cbs=[Worse(), best], **TINY)
    quietly(learn, "fit", 2, 1e-6)
    column = list(learn.recorder.metric_names[1:]).index("valid_style")
    assert best.best == min(row[column] for row in learn.recorder.values)
    quietly(learn, "fit", 2, 1e-6)
    assert best.comp is np.less


def test_a_metric_is_found_by_its_own_name(dls, painting):
    def off(painted, photo):
        return F.mse_loss(painted, photo)

    learn = style_learner(dls, painting, metrics=off, **TINY)
    quietly(learn, "fit", 1, 1e-6, cbs=SaveModelCallback(monitor="off"))


def test_predictions_within_a_fit_leave_the_columns(dls, painting, photos):
    fetch = FetchPredsCallback(dl=dls.test_dl(get_image_files(photos)[:1]))
    learn = style_learner(dls, painting, cbs=fetch, **TINY)
    quietly(learn, "fit", 1, 1e-6)
    assert all(math.isfinite(value) for value in learn.recorder.values[-1])


def test_one_s_own_callback_replaces_the_recipe_s(dls, painting):
    own = ProgressiveResize(24, 0.5)
    learn = style_learner(dls, painting, arch="tiny", strokes=False, small=16, cbs=own)
    assert [cb for cb in learn.cbs if isinstance(cb, ProgressiveResize)] == [own]


def test_optimizers_of_one_s_own_and_their_rates(dls, painting, monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "sgd", SGD)
    learn = style_learner(dls, painting, opt="sgd", cbs=ShortEpochCallback(0.1), **TINY)
    quietly(learn, "fit", 1, 1e-6)
    quietly(learn, "fit_recipe", 0)
    learn.remove_cb(learn.style_card)
    with pytest.raises(FaststyleError, match="needs a learner of this package"):
        learn.fit_recipe(1)


def test_lists_of_fastai_are_lists(dls, photos):
    files = get_image_files(photos)[:2]
    assert style_learner(dls, files, **TINY).loss_func.styles[1].shape[0] == 1
    assert len(Stylizer(files, "cpu").styles) == len(Stylizer((*files,), "cpu").styles) == 2


def test_what_is_painted_can_be_trained_with(photo):
    paint, x = Stylizer("tiny", "cpu"), to_tensor(read_picture(photo))
    weight = torch.ones(1, requires_grad=True)
    F.mse_loss(weight * x, paint.paint(x)).backward()
    paint.paint(x).mul_(255)
    assert weight.grad is not None
    shown = paint(x.requires_grad_(), tensor=True)
    assert shown.shape == x.shape and not shown.requires_grad


def test_a_baseline_in_inference_mode(photo, painting):
    loss = VggLoss(perceptual_backbone("lite"), painting, {"relu2_2": 1.0}, {"relu3_1": 1.0})
    x = to_tensor(read_picture(photo)).requires_grad_()
    with torch.inference_mode():
        before = loss(x, x).item()
    after = loss(x, x)
    after.backward()
    assert after.item() == pytest.approx(before, rel=1e-5)


def test_pairs_are_repainted_alike():
    augment = StyleAugment(p=0.7)
    x = TensorImage(torch.rand(4, 3, 32, 32))
    one, two = augment((x, TensorImage(x.clone())), split_idx=0)
    assert torch.equal(one, two) and not torch.equal(one, x)


def test_what_is_no_image_in_0_to_1():
    with pytest.raises(ValueError, match="behind ToImage"):
        StyleAugmentV2(p=1.0)(PIL.Image.new("RGB", (32, 32)))
    with pytest.raises(ValueError, match="integers up to 255: divide it"):
        Stylizer("tiny", "cpu")(torch.rand(3, 32, 32) * 255)


def test_weights_of_a_mix_as_an_array(photo):
    paint = Stylizer("tiny", "cpu")
    shares = [0.5, 0.5] + [0.0] * (len(paint.styles) - 2)
    shown = [paint(photo, each).tobytes() for each in (shares, np.array(shares))]
    assert shown[0] == shown[1] == paint(photo, torch.tensor(shares)).tobytes()


def test_arrays_of_floats_are_as_they_are():
    x = np.random.default_rng(0).random((4, 5, 3)).astype(np.float32)
    assert np.allclose(to_tensor(x)[0].permute(1, 2, 0), x)
    assert to_tensor(np.full((2, 2, 3), 255, np.uint8)).max() == 1


def test_strokes_in_a_notebook(photo):
    drawing = paint_strokes(photo)
    assert drawing._repr_png_()[:4] == b"\x89PNG" and len(repr(drawing)) < 2000


def test_refining_within_inference_mode(photo):
    paint = Stylizer("tiny:udnie", "cpu")
    with torch.inference_mode():
        refined = paint.refined(photo, seconds=0.01)
    assert refined.styles == ["udnie"]
