"Optimizers that a recipe can name: Adam, and Muon for the convolutions inside the network."

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

__all__ = ["OPTIMIZERS", "Muon"]

NEWTON_SCHULZ = 3.4445, -4.775, 2.0315  # coefficients of Jordan et al.'s quintic
RMS = 0.2  # of a step, in units of lr; as Adam's, so that one rate suits both (Liu et al. 2025)
NARROW = 16  # channels; the convolutions from and to RGB use Adam


def Muon(params, lr, mom=0.9, sqr_mom=0.99, eps=1e-8, wd=0.0) -> Optimizer:
    """Momentum with orthogonalized steps for convolutions (Jordan et al. 2024).

    Scales, shifts, biases and the convolutions from and to RGB use Adam.
    """
    mean = partial(average_grad, dampening=True)
    cbs = [weight_decay, mean, average_sqr_grad, step_stat, muon_step]
    return Optimizer(params, cbs, lr=lr, mom=mom, sqr_mom=sqr_mom, eps=eps, wd=wd)


def muon_step(p, lr, mom, step, sqr_mom, grad_avg, sqr_avg, eps, **kwargs):
    "One step of `Muon` for one parameter, called by fastai's Optimizer."
    if p.dim() < 4 or min(p.shape[:2]) < NARROW:
        return adam_step(p, lr, mom, step, sqr_mom, grad_avg, sqr_avg, eps)
    nesterov = torch.lerp(p.grad.data, grad_avg, mom)
    longest = max(len(p), p[0].numel())
    return p.data.add_(orthogonal(nesterov.flatten(1)).view_as(p), alpha=-lr * RMS * longest**0.5)


def orthogonal(
    matrix: Tensor,  # [rows, columns]
) -> Tensor:
    "Bring all singular values of `matrix` near 1 with five Newton-Schulz iterations."
    if len(matrix) > matrix.shape[1]:
        return orthogonal(matrix.T).T
    a, b, c = NEWTON_SCHULZ
    matrix = matrix / (matrix.norm() + 1e-7)
    # Each iteration multiplies the matrix by a polynomial of its small Gram matrix. Iterating only
    # the Gram matrix leaves a single product with the large one.
    gram = matrix @ matrix.T
    whole = one = torch.eye(len(gram), device=gram.device)
    for _ in range(5):
        polynomial = a * one + b * gram + c * gram @ gram
        whole, gram = polynomial @ whole, polynomial @ gram @ polynomial
    return whole @ matrix


OPTIMIZERS = {"adam": Adam, "muon": Muon}
