"Muon: its steps, and its use in a style training."

from copy import deepcopy

import pytest
import torch
from conftest import noise
from fastai.optimizer import Adam
from torch.utils._python_dispatch import TorchDispatchMode

from faststyle_fastai.all import Muon, TransformerNet, style_learner
from faststyle_fastai.core.muon import RMS, orthogonal
from faststyle_fastai.training.optimizers import affine_last


def test_all_directions_of_a_matrix_become_alike():
    shapes = (32, 288), (288, 32), (64, 64), (140, 150)
    skewed = [noise(*shape) @ torch.diag(torch.logspace(0, -2, shape[1])) for shape in shapes]
    for matrix, shape in zip(orthogonal(skewed), shapes):
        found = torch.linalg.svdvals(matrix)
        assert found.max() < 1.3 and found.median() > 0.6 and matrix.shape == shape
    assert orthogonal([torch.zeros(40, 50)])[0].isfinite().all()


def test_convolutions_inside_step_by_muon_and_the_rest_by_adam(trained):
    assert trained.opt_func.func is Muon
    net, lr = TransformerNet(), 1e-2
    before = {k: v.detach().clone() for k, v in net.named_parameters()}
    opt = Muon(net.parameters(), lr=lr, wd=0.0)
    for p in net.parameters():
        p.grad = (torch.rand_like(p) * 1e-3).clamp(1e-5)
    opt.step()
    moved = {k: (v.detach() - before[k]).square().mean().sqrt() for k, v in net.named_parameters()}
    inside = "res", "conv2.", "conv3.", "deconv1.", "deconv2."
    for name, rms in moved.items():
        if name.startswith(inside) and name.endswith("conv2d.weight"):
            assert rms == pytest.approx(RMS * lr, rel=0.3), name
        else:  # Adam's first step is lr where the gradient is not zero
            assert rms == pytest.approx(lr, rel=0.01), name


def steps_of(opt, params, n=4):
    "Values of parameters after steps on the same gradients, with a momentum that changes."
    for step in range(n):
        for i, p in enumerate(params):
            p.grad = noise(*p.shape, seed=10 * step + i)
        opt.set_hyper("mom", 0.95 - 0.1 * step / n)
        opt.step()
    return [p.detach() for p in params]


def test_what_is_not_a_wide_convolution_steps_as_fastais_adam():
    found = []
    for optimizer in (Muon, Adam):
        params = [noise(*shape).requires_grad_() for shape in ((5,), (3, 4), (8, 3, 9, 9))]
        opt = optimizer(params, lr=1e-2, mom=0.95, sqr_mom=0.99, eps=1e-8, wd=0.1)
        opt.state[params[0]]["do_wd"] = False
        found.append(steps_of(opt, params))
    for ours, theirs in zip(*found):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_wide_convolutions_step_as_if_alone_and_go_on_from_a_saved_state():
    shapes = (32, 16, 3, 3), (16, 32, 3, 3), (32, 16, 3, 3)
    how = {"lr": 1e-2, "wd": 0.1}
    together = [noise(*shape, seed=i).requires_grad_() for i, shape in enumerate(shapes)]
    steps_of(Muon(together, **how), together)
    before, start = noise(*shapes[0], seed=0), noise(*shapes[0], seed=0)
    mean = torch.zeros(32, 144)
    for step in range(4):
        grad, mom = noise(*shapes[0], seed=10 * step).flatten(1), 0.95 - 0.1 * step / 4
        mean = mom * mean + (1 - mom) * grad
        turn = torch.lerp(grad, mean, mom)
        turn = turn / turn.norm()
        for _ in range(5):  # Jordan et al. 2024, on the matrix itself
            gram = turn @ turn.mT
            turn = 3.4445 * turn + (-4.775 * gram + 2.0315 * gram @ gram) @ turn
        before = before * (1 - 1e-3) - 1e-2 * RMS * 12 * turn.view_as(before)
    assert torch.allclose(together[0], before, atol=1e-4)

    first = start.clone().requires_grad_()
    opt = Muon([first], **how)
    steps_of(opt, [first], 2)
    again = first.detach().clone().requires_grad_()
    resumed = Muon([again], **how)
    resumed.load_state_dict(deepcopy(opt.state_dict()))
    assert torch.equal(steps_of(opt, [first])[0], steps_of(resumed, [again])[0])


def test_a_step_is_few_operations():
    class Count(TorchDispatchMode):
        operations = 0

        def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
            self.operations += not operation.is_view
            return operation(*args, **(kwargs or {}))

    net = TransformerNet()
    opt = Muon(affine_last(net), lr=1e-3)
    for p in net.parameters():
        p.grad = torch.rand_like(p)
    opt.step()  # creates the averages
    with Count() as count:
        opt.step()
    assert count.operations <= 120


def test_an_optimizer_nobody_knows(dls, painting):
    with pytest.raises(ValueError, match="Unknown optimizer 'sgd'. Choose one of adam, muon"):
        style_learner(dls, painting, opt="sgd")
