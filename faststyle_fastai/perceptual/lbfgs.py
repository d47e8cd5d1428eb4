"Direct optimization of pixels by L-BFGS with a line search."

import torch
from torch import Tensor

from .losses import VggLoss

__all__ = ["lbfgs", "folded", "lbfgs_with_line_search"]


def lbfgs(
    loss: VggLoss,
    photo: Tensor,  # [1, 3, H, W] in [0, 1]; the starting point
    iterations: int,
) -> tuple[Tensor, list[float]]:  # the last image; the loss before each iteration and at the end
    "Optimize pixels by L-BFGS with a line search for the strong Wolfe conditions."
    x, curve = photo.clone().requires_grad_(), []
    opt = lbfgs_with_line_search(x)

    def closure():
        opt.zero_grad()
        total = loss(folded(x), photo)
        total.backward()
        return total

    for _ in range(iterations):
        curve.append(opt.step(closure).item())  # the loss before the step
    picture = folded(x.detach())
    with torch.no_grad():
        curve.append(loss(picture, photo).item())
    return picture, curve


def folded(
    x: Tensor,  # from -1 to 2; values beyond stay outside [0, 1]
) -> Tensor:  # in [0, 1]
    """Mirror values outside [0, 1] at its ends.

    Clamped values would have no gradient and stay stuck as single black pixels.
    """
    x = torch.where(x < 0, -x, x)  # abs has no gradient at 0, where photos often are
    return torch.where(x > 1, 2 - x, x)


def lbfgs_with_line_search(
    x: Tensor,  # the tensor to optimize, a leaf
) -> torch.optim.LBFGS:  # one iteration per step
    "L-BFGS with a line search for the strong Wolfe conditions (Nocedal & Wright 2006)."
    return torch.optim.LBFGS(
        [x], max_iter=1, max_eval=25, history_size=20, line_search_fn="strong_wolfe"
    )
