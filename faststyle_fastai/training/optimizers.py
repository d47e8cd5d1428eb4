"Optimizers that a recipe can name, and the groups of parameters that they step."

import torch
from fastai.optimizer import Adam, Optimizer
from torch import Tensor

from ..core.muon import by_step
from ..models.normalization import is_affine
from ..models.stylefile import plain_net
from ..models.transformer import TransformerNet

__all__ = ["OPTIMIZERS", "Muon", "affine_last"]


class Muon(Optimizer):
    """Momentum with orthogonalized steps for convolutions (Jordan et al. 2024).

    Scales, shifts, biases and the convolutions from and to RGB use Adam. All parameters take a step
    together, in about a hundred operations: one at a time, a GPU would wait for Python.
    """

    def __init__(self, params, lr, mom=0.9, sqr_mom=0.99, eps=1e-8, wd=0.0):
        super().__init__(params, [], lr=lr, mom=mom, sqr_mom=sqr_mom, eps=eps, wd=wd)

    @torch.no_grad()
    def step(self, closure=None):
        if closure is not None:
            raise NotImplementedError("Muon does not support a closure.")
        for params, hyper in zip(self.param_lists, self.hypers):
            for step, chosen in by_step([p for p in params if p.grad is not None]).items():
                decayed = [p for p in chosen if self.state[p].get("do_wd", True)]
                if hyper["wd"] and decayed:
                    torch._foreach_mul_(decayed, 1 - hyper["lr"] * hyper["wd"])
                step(chosen, [self.state[p] for p in chosen], **hyper)

    def zero_grad(self):
        for p, *_ in self.all_params():
            p.grad = None


# Optimizers of trainings, by name
OPTIMIZERS = {
    "adam": Adam,  # fastai's
    "muon": Muon,  # Jordan et al. 2024, for the convolutions; Adam for the rest
}


def affine_last(net: TransformerNet) -> list[list[Tensor]]:
    "Parameter groups: the convolutions, then each style's own scales and shifts."
    affine = plain_net(net).affine
    named = [each for each in net.named_parameters() if affine or not is_affine(each[0])]
    return [[p for name, p in named if is_affine(name) == affine] for affine in (False, True)]
