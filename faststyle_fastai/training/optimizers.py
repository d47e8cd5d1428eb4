"Optimizers that a recipe can name: Adam, and Muon for the convolutions inside the network."

import torch
from fastai.optimizer import Adam, Optimizer

from ..core.muon import by_step

__all__ = ["OPTIMIZERS", "Muon"]


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
