"Terms of the loss that need the network itself, as callbacks."

from typing import Any

import torch
from fastai.callback.core import Callback
from fastai.callback.hook import Hooks
from fastai.callback.training import GradientAccumulation
from fastai.torch_core import get_model
from torch import Tensor
from torch.nn import functional as F

from ..models.normalization import instance_norm

__all__ = ["NETWORK_TERMS", "DropletPenalty", "TemporalConsistency"]

SHIFT, ZOOM, BEND = 0.06, 0.06, 0.04  # maxima, relative to half a side, the size, and half a side
POINTS = 5  # per side, shifted independently and interpolated in between
NOISE = 0.02  # standard deviation in [0, 1]
BEFORE = GradientAccumulation.order - 1  # the loss is divided or scaled


class FeaturePenalty(Callback):
    """Penalize the features of some normalizations.

    Only at the first photo of each batch: four photos would take a tenth of a step.
    """

    order = BEFORE
    norms: tuple[str, ...] = ()  # names of the normalizations
    _stateattrs = ("seen",)  # not exported
    seen = Hooks([], None)  # what they keep are the penalties of the latest batch

    def __init__(self, weight: float = 1.0):
        self.weight = weight

    def penalty(self, norm: Any, inputs: tuple, z: Tensor) -> Tensor:
        "The penalty of the first photo's features, before and after the normalization."
        raise NotImplementedError

    def before_batch(self):
        self.seen.remove()  # an interrupt in a notebook skips it
        used = self.norms if self.training and len(self.yb) else ()
        parts = get_model(self.learn.model).named_modules()
        norms = [part for name, part in parts if name.rpartition(".")[2] in used]
        self.seen = Hooks(norms, self.penalty, detach=False)

    def after_pred(self):
        self.seen.remove()

    after_cancel_batch = after_pred

    def after_loss(self):
        if len(self.seen):
            for penalty in self.seen.stored:
                self.learn.loss_grad = torch.add(
                    self.loss_grad, penalty.to(self.loss_grad.device), alpha=self.weight
                )
            del self.seen  # and the gradients of the penalties


class DropletPenalty(FeaturePenalty):
    """Penalize activations far outside their channel's spread.

    A network with instance normalization can control its statistics with one huge spike. The spike
    shows as a flat patch, the droplet of Karras et al. 2020 (StyleGAN2). The penalty looks at the
    inputs of the last two normalizations, after all residual blocks.
    """

    norms = "in4", "in5"

    def __init__(
        self,
        weight: float = 1.0,  # in the loss
        beyond: float = 4.0,  # standard deviations without penalty
    ):
        super().__init__(weight)
        self.beyond = beyond

    def penalty(self, norm, inputs, z):
        x = inputs[0][:1].float()
        ones = torch.ones(x.shape[:2], device=x.device)
        z = instance_norm(x, ones, torch.zeros_like(ones), norm.eps)
        return (z.abs() - self.beyond).relu().square().mean()


class TemporalConsistency(Callback):
    """Penalize images that change differently from their photo.

    Half of each batch is moved, zoomed, bent, made noisy and painted again. The target is the first
    painted image, moved in the same way. The motion is known, so neither videos nor optical flow
    are needed (Wang et al. 2020, ReReVST). The squared error is relative to the variance of the
    painted image.
    """

    order = BEFORE

    def __init__(self, weight: float = 1.0):
        self.weight = weight

    def after_loss(self):
        if not (self.training and len(self.yb)):
            return
        half = (len(self.xb[0]) + 1) // 2
        photo, *style_ids = (each.as_subclass(Tensor)[:half] for each in self.xb)
        painted = self.pred.as_subclass(Tensor)[:half]
        grid, inside = motion(half, photo.shape[-2:], photo.device)
        again = self.learn.model(moved(photo, grid) + NOISE * torch.randn_like(photo), *style_ids)
        off = inside * (again.float() - moved(painted, grid)).square()
        off = off.mean() / (inside.mean() * painted.detach().var())
        self.learn.loss_grad = self.loss_grad + self.weight * off


def motion(n, shape, device):
    "The source of each pixel of n images, [n, H, W, 2], and whether it is inside the image."
    zoom = 1 + ZOOM * (2 * torch.rand(n, device=device) - 1)
    shift = SHIFT * (2 * torch.rand(n, 2, device=device) - 1)
    theta = torch.cat([torch.diag_embed(zoom[:, None].expand(-1, 2)), shift[..., None]], 2)
    bend = BEND * (2 * torch.rand(n, 2, POINTS, POINTS, device=device) - 1)
    bend = F.interpolate(bend, shape, mode="bicubic").permute(0, 2, 3, 1)  # local motion
    with torch.autocast(device.type, enabled=False):  # bfloat16 would be off by a third of a pixel
        grid = F.affine_grid(theta, [n, 3, *shape], align_corners=False) + bend
    return grid, (grid.abs().amax(-1) < 1).float()[:, None]


def moved(x, grid):
    with torch.autocast(x.device.type, enabled=False):
        return F.grid_sample(x.float(), grid, "bicubic", "reflection", align_corners=False)


NETWORK_TERMS = {  # name -> callback
    "droplets": DropletPenalty,
    "temporal": TemporalConsistency,
}
