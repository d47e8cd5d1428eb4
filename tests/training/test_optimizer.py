"Muon: its steps, and its use in a style training."

import pytest
import torch
from conftest import noise
from torch.utils._python_dispatch import TorchDispatchMode

from faststyle_fastai.all import Muon, style_learner
from faststyle_fastai.training.learner import rows_last
from faststyle_fastai.training.optimizers import RMS, orthogonal


def test_all_directions_of_a_matrix_become_alike():
    shapes = (32, 288), (288, 32), (64, 64), (140, 150)
    skewed = [noise(*shape) @ torch.diag(torch.logspace(0, -2, shape[1])) for shape in shapes]
    for matrix, shape in zip(orthogonal(skewed), shapes):
        found = torch.linalg.svdvals(matrix)
        assert found.max() < 1.3 and found.median() > 0.6 and matrix.shape == shape
    assert orthogonal([torch.zeros(40, 50)])[0].isfinite().all()


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


def test_a_step_is_few_operations(trained):
    class Count(TorchDispatchMode):
        kernels = 0

        def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
            self.kernels += not operation.is_view
            return operation(*args, **(kwargs or {}))

    net = trained.model
    opt = Muon(rows_last(net), lr=1e-3)
    for p in net.parameters():
        p.grad = torch.rand_like(p)
    opt.step()  # creates the averages
    with Count() as count:
        opt.step()
    assert count.kernels <= 120


def test_an_optimizer_nobody_knows(dls, painting):
    with pytest.raises(ValueError, match="Unknown optimizer 'sgd'. Choose one of adam, muon"):
        style_learner(dls, painting, opt="sgd")
