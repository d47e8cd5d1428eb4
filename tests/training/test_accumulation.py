"fastai's GradientAccumulation, with our callbacks."

import random
import shutil

import pytest
import torch
from fastai.callback.core import Callback
from fastai.callback.fp16 import MixedPrecision
from fastai.callback.training import GradientAccumulation
from learners import learner, run, same
from test_checkpoint import StopAt

from faststyle_fastai.all import Checkpoint
from faststyle_fastai.training.keyframes import Keyframes


class Kept(Callback):
    "The loss that the gradients are of."

    order = MixedPrecision.order

    def after_loss(self):
        self.losses = [*getattr(self, "losses", []), float(self.loss_grad)]


def first_loss(photos, painting, cbs, loss):
    "The loss that the first step takes its gradients of."
    learn, kept = learner(photos, painting, pretrained=None, loss=loss), Kept()
    torch.manual_seed(0)
    random.seed(0)
    run(learn, [kept, *cbs], 1)
    return kept.losses[0]


TERMS = {
    "droplets": ({"droplets": {"weight": 1e3, "beyond": 0.1}}, False),
    "temporal": ({"temporal": {"weight": 1e3}}, False),
    "keyframes": ({}, True),
}


@pytest.mark.parametrize("name", TERMS)
def test_all_terms_have_their_usual_weights(photos, painting, name):
    loss, keyframes = TERMS[name]
    files = sorted(photos.rglob("*.jpg"))
    cbs = [Keyframes([(files[0], files[0])], 1e3)] if keyframes else []
    usual = first_loss(photos, painting, cbs, loss)
    shared = first_loss(photos, painting, [*cbs, GradientAccumulation(8)], loss)
    assert shared == pytest.approx(usual * 2 / 8, rel=1e-4) and usual > 1


@pytest.mark.parametrize("n", [9, 8])  # in the middle of a step, and at its end
def test_a_resume_between_two_steps(photos, painting, n):
    whole = run(learner(photos, painting), GradientAccumulation(4))
    with pytest.raises(RuntimeError):
        run(
            learner(photos, painting),
            [Checkpoint("ck", every=1), GradientAccumulation(4), StopAt(n)],
        )
    shutil.copytree("ck", "kept")
    used = run(learner(photos, painting, 5), GradientAccumulation(100))  # gradients are left
    for resumed in (learner(photos, painting, 5), used):
        cbs = [Checkpoint("ck", every=1, resume=True), GradientAccumulation(4)]
        run(resumed, cbs)
        assert same(whole, resumed)
        shutil.rmtree("ck")
        shutil.copytree("kept", "ck")
    run(used, Checkpoint("ck", every=1, resume=True))  # as by the command line
