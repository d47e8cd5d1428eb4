"bfloat16 and float16 give what float32 gives, on any processor."

import numpy as np
import pytest
import torch
from conftest import noise, quietly
from PIL import Image
from torch import nn
from torch.nn import functional as F

from faststyle_fastai.all import (
    Stylizer,
    TransformerNet,
    autoencoder_learner,
    save_picture,
    style_learner,
)
from faststyle_fastai.images.files import read_picture

COARSE = {"bfloat16": 0.1, "float16": 0.02}  # largest error of an image in [0, 1]


def gradients(net, x, dtype):
    with torch.autocast("cpu", dtype, dtype != torch.float32):
        loss = net(x).float().square().mean()
    return torch.autograd.grad(loss, [p for p in net.parameters() if p.dim() == 4])


@pytest.mark.parametrize("dtype, alike", [(torch.bfloat16, 0.95), (torch.float16, 0.98)])
def test_gradients_of_the_network(dtype, alike):
    net, x = TransformerNet(width=0.25), noise(2, 3, 24, 32)
    pairs = zip(gradients(net, x, dtype), gradients(net, x, torch.float32))
    assert min(F.cosine_similarity(a.flatten(), b.flatten(), 0) for a, b in pairs) > alike


@pytest.mark.parametrize("precision", ["float32", *COARSE])
@pytest.mark.parametrize("learner", [style_learner, autoencoder_learner])
def test_training(learner, precision, dls, painting):
    learn = learner(
        dls, *[painting][: learner is style_learner], arch="tiny", precision=precision, small=0
    )
    before = [p.clone() for p in learn.model.parameters()]
    assert types_seen(learn) == {getattr(torch, precision)}
    assert np.isfinite(learn.recorder.values[-1]).all()
    assert not any(map(torch.equal, before, learn.model.parameters()))


def types_seen(learn):
    "Fit an epoch; the types that a convolution gave."
    conv, seen = next(m for m in learn.model.modules() if isinstance(m, nn.Conv2d)), set()
    made = conv.register_forward_hook(lambda *given: seen.add(given[2].dtype))
    quietly(learn, "fit", 1, 1e-3)
    made.remove()
    return seen


def test_the_type_is_chosen_anew_where_a_learner_is_loaded(dls, painting, monkeypatch):
    with monkeypatch.context() as patch:
        where = "faststyle_fastai.training.precision.autocast_dtype"
        patch.setattr(where, lambda *_: torch.float16)  # as on an older NVIDIA card
        learn = style_learner(dls, painting, arch="tiny", small=0)
        assert types_seen(learn) == {torch.float16}
    monkeypatch.setenv("FASTSTYLE_PRECISION", "float32")
    assert types_seen(learn) == {torch.float32}


def test_fastais_own_takes_precedence(dls, painting):
    learn = style_learner(dls, painting, arch="tiny", precision="float16", small=0).to_fp16()
    assert types_seen(learn) == {torch.float32}  # it is for CUDA


@pytest.mark.parametrize("precision", COARSE)
@pytest.mark.parametrize("how", [{}, {"tile": 64}, {"strength": 0.5}])
def test_painting(precision, how, photo):
    painted, wanted = (
        Stylizer("tiny", "cpu", precision=p)(photo, tensor=True, **how)
        for p in (precision, "float32")
    )
    assert (painted - wanted).abs().mean() < COARSE[precision] / 5


def test_a_prediction_is_saved_as_it_looks(trained, photo):
    with trained.no_bar():
        decoded, _, raw = trained.predict(photo)
    pair = [read_picture(save_picture(x, f"{i}.png")) for i, x in enumerate((decoded, raw))]
    assert np.abs(np.subtract(*(np.asarray(p, int) for p in pair))).max() <= 1
    save_picture(torch.full((3, 4, 5), 128, dtype=torch.uint8), "16.png", depth=16)
    assert Image.open("16.png").getpixel((0, 0))[0] == 128
