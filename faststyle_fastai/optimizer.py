"Optimizers a recipe can name: Adam, and Muon for the convolutions inside the network."

from functools import partial

import torch
from fastai.optimizer import (
    Adam,
    Optimizer,
    adam_step,
    average_grad,
    average_sqr_grad,
    step_stat,
    weight_decay,
)
from torch import Tensor

__all__ = ["OPTIMIZERS", "Muon", "wolfe"]

NEWTON_SCHULZ = 3.4445, -4.775, 2.0315  # of Jordan et al.'s quintic
RMS = 0.2  # of a step, in units of lr: Adam's, so that one rate suits both (Liu et al. 2025)
NARROW = 16  # channels: the convolutions from and to RGB stay with Adam


def Muon(params, lr, mom=0.9, sqr_mom=0.99, eps=1e-8, wd=0.0) -> Optimizer:
    """Momentum whose steps turn all directions of a convolution by as much (Jordan et al. 2024).

    Scales, shifts, biases and the convolutions from and to RGB are stepped by Adam.
    """
    mean = partial(average_grad, dampening=True)
    cbs = [weight_decay, mean, average_sqr_grad, step_stat, muon_step]
    return Optimizer(params, cbs, lr=lr, mom=mom, sqr_mom=sqr_mom, eps=eps, wd=wd)


def muon_step(p, lr, mom, step, sqr_mom, grad_avg, sqr_avg, eps, **kwargs):
    "One step of `Muon` for one parameter, as fastai's Optimizer calls it."
    if p.dim() < 4 or min(p.shape[:2]) < NARROW:
        return adam_step(p, lr, mom, step, sqr_mom, grad_avg, sqr_avg, eps)
    nesterov = torch.lerp(p.grad.data, grad_avg, mom)
    longest = max(len(p), p[0].numel())
    return p.data.add_(orthogonal(nesterov.flatten(1)).view_as(p), alpha=-lr * RMS * longest**0.5)


def orthogonal(
    matrix: Tensor,  # [rows, columns]
) -> Tensor:
    "`matrix` with all singular values brought near 1, by five Newton-Schulz iterations."
    if len(matrix) > matrix.shape[1]:
        return orthogonal(matrix.T).T
    a, b, c = NEWTON_SCHULZ
    matrix = matrix / (matrix.norm() + 1e-7)
    # Each iteration is a polynomial of the small Gram matrix times the matrix: only the Gram
    # matrix is followed, the matrix itself is multiplied once.
    gram = matrix @ matrix.T
    whole = one = torch.eye(len(gram), device=gram.device)
    for _ in range(5):
        polynomial = a * one + b * gram + c * gram @ gram
        whole, gram = polynomial @ whole, polynomial @ gram @ polynomial
    return whole @ matrix


OPTIMIZERS = {"adam": Adam, "muon": Muon}


def folded(
    x: Tensor,  # from -1 to 2, or it stays outside
) -> Tensor:  # in [0, 1]
    """What lies outside [0, 1] mirrored at its ends.

    Clamped values would have no gradient to come back by, and stay: single black pixels.
    """
    x = torch.where(x < 0, -x, x)  # abs has no gradient at 0, where photos often are
    return torch.where(x > 1, 2 - x, x)


def wolfe(
    x: Tensor,  # what is optimised, a leaf
) -> torch.optim.LBFGS:  # one iteration a step
    "L-BFGS whose steps are as long as the strong Wolfe conditions ask (Nocedal & Wright 2006)."
    search = {"line_search_fn": "strong_wolfe", "max_eval": 25}
    return torch.optim.LBFGS([x], max_iter=1, history_size=20, **search)
