"Muon: its steps, and its use in a style training."

import pytest
import torch
from conftest import noise

from faststyle_fastai.all import Muon, style_learner
from faststyle_fastai.training.optimizers import RMS, orthogonal


@pytest.mark.parametrize("shape", [(32, 288), (288, 32), (64, 64)])
def test_all_directions_of_a_matrix_become_alike(shape):
    skewed = noise(*shape) @ torch.diag(torch.logspace(0, -2, shape[1]))
    found = torch.linalg.svdvals(orthogonal(skewed))
    assert found.max() < 1.3 and found.median() > 0.6
    assert orthogonal(torch.zeros(shape)).isfinite().all()


def test_convolutions_inside_step_by_muon_and_the_rest_by_adam(trained):
    assert trained.opt_func.func is Muon
    net, lr = trained.model, 1e-2
    before = {k: v.detach().clone() for k, v in net.named_parameters()}
    opt = Muon(net.parameters(), lr=lr)
    for p in net.parameters():
        p.grad = torch.rand_like(p) * 1e-3
    opt.step()
    moved = {k: (v.detach() - before[k]).square().mean().sqrt() for k, v in net.named_parameters()}
    inside = "res", "conv2.", "conv3.", "deconv1.", "deconv2."
    for name, rms in moved.items():
        if name.startswith(inside) and name.endswith("conv2d.weight"):
            assert rms == pytest.approx(RMS * lr, rel=0.3), name
        else:  # Adam's first step is lr where the gradient is not zero
            assert rms == pytest.approx(lr, rel=0.01), name


def test_an_optimizer_nobody_knows(dls, painting):
    with pytest.raises(ValueError, match="Unknown optimizer 'sgd'. Choose one of adam, muon"):
        style_learner(dls, painting, opt="sgd")
