"Steps of Muon for convolutions and of Adam for all other weights."

from collections import defaultdict

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["by_step", "orthogonal"]

NEWTON_SCHULZ = 3.4445, -4.775, 2.0315  # coefficients of Jordan et al.'s quintic
ITERATIONS = 5
RMS = 0.2  # of a step, in units of lr; as Adam's, so that one rate suits both (Liu et al. 2025)
TOGETHER = 128  # rows; smaller Gram matrices are padded: operations take long to begin
NARROW = 16  # channels; the convolutions from and to RGB use Adam


def by_step(params: list[Tensor]) -> dict:  # step -> its parameters
    "Muon for the convolutions inside a network, Adam for all other parameters."
    kinds: dict = {muon_step: [], adam_step: []}
    for p in params:
        wide = p.dim() == 4 and min(p.shape[:2]) >= NARROW
        kinds[muon_step if wide else adam_step].append(p)
    return {step: chosen for step, chosen in kinds.items() if chosen}


def muon_step(
    params: list[Tensor],  # [C_out, C_in, height, width] each
    states: list[dict],  # moving averages, updated
    lr: float,
    mom: float,
    **hyper,
):
    "One step of momentum, orthogonalized."
    grads: list = [p.grad for p in params]  # `step` chose those that have one
    nesterov = torch._foreach_lerp(grads, averaged("grad_avg", states, grads, mom), mom)
    steps = orthogonal([step.flatten(1) for step in nesterov])
    rates = [-lr * RMS * max(step.shape) ** 0.5 for step in steps]
    steps = [step.view_as(p) for step, p in zip(steps, params)]
    torch._foreach_add_(params, torch._foreach_mul(steps, rates))


def adam_step(
    params: list[Tensor],
    states: list[dict],  # moving averages and the number of steps, updated
    lr: float,
    mom: float,
    sqr_mom: float,
    eps: float,
    **hyper,
):
    "One step of Adam (Kingma & Ba 2015)."
    grads: list = [p.grad for p in params]  # `step` chose those that have one
    means = averaged("grad_avg", states, grads, mom)
    squares = averaged("sqr_avg", states, torch._foreach_mul(grads, grads), sqr_mom)
    for state in states:
        state["step"] = state.get("step", 0) + 1
    spread = torch._foreach_div(squares, [1 - sqr_mom ** state["step"] for state in states])
    torch._foreach_sqrt_(spread)
    torch._foreach_add_(spread, eps)
    rates = [-lr / (1 - mom ** state["step"]) for state in states]
    torch._foreach_addcdiv_(params, means, spread, rates)


def averaged(key, states, values, momentum):
    "Update the moving averages of `values` that `states` keep under `key`, and return them."
    for state, value in zip(states, values):
        if key not in state:
            state[key] = torch.zeros_like(value)
    averages = [state[key] for state in states]
    torch._foreach_lerp_(averages, values, 1 - momentum)
    return averages


def orthogonal(
    matrices: list[Tensor],  # [rows, columns] each
) -> list[Tensor]:
    """Bring all singular values of each matrix near 1 with five Newton-Schulz iterations.

    Each iteration multiplies a matrix by a polynomial of its small Gram matrix. Iterating only the
    Gram matrices, many together, leaves a single product with each matrix.
    """
    tall = [len(x) > x.shape[1] for x in matrices]
    wide = [x.mT if turned else x for x, turned in zip(matrices, tall)]
    wide = [*torch._foreach_div(wide, torch._foreach_add(torch._foreach_norm(wide), 1e-7))]
    groups: dict = defaultdict(lambda: defaultdict(list))  # rows of the Gram matrix, shape
    for i, x in enumerate(wide):
        groups[max(TOGETHER, len(x))][x.shape].append(i)
    found: dict[int, Tensor] = {}
    for most, shapes in groups.items():
        stacks = [torch.stack([wide[i] for i in group]) for group in shapes.values()]
        room = [most - x.shape[1] for x in stacks]
        grams = [F.pad(x.bmm(x.mT), (0, n, 0, n)) for x, n in zip(stacks, room)]
        whole = polynomials(torch.cat(grams)).split([len(x) for x in stacks])
        for group, part, x in zip(shapes.values(), whole, stacks):
            found |= zip(group, part[:, : x.shape[1], : x.shape[1]].bmm(x))
    return [found[i].mT if turned else found[i] for i, turned in enumerate(tall)]


def polynomials(
    gram: Tensor,  # [B, n, n]
) -> Tensor:  # [B, n, n]
    "The product of the polynomials of five Newton-Schulz iterations."
    a, b, c = NEWTON_SCHULZ
    one = a * torch.eye(gram.shape[-1], device=gram.device)

    def polynomial(gram):
        return torch.baddbmm(torch.add(one, gram, alpha=b), gram, gram, alpha=c)

    whole = latest = polynomial(gram)
    for _ in range(ITERATIONS - 1):
        gram = latest.bmm(gram).bmm(latest)
        latest = polynomial(gram)
        whole = latest.bmm(whole)
    return whole
