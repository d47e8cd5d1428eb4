"Repainted training images, for networks that look at shapes rather than textures."

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from fastai.vision.augment import RandTransform
from fastai.vision.core import TensorImage
from PIL.Image import Image
from torch import Tensor, nn
from torchvision import tv_tensors
from torchvision.transforms import v2

from ..core.values import check_range, known
from ..inference.stylizer import Stylizer
from ..models.transformer import TransformerNet

__all__ = ["StyleAugment", "StyleAugmentV2"]


class _Repaint(nn.Module):
    """Repaints some images of a batch, each in a random style (Geirhos et al. 2019).

    A network with several styles also gives their mixtures: each image gets a random weight for
    two of them.
    """

    net: TransformerNet

    def __init__(self, style: Any, p: float, styles: Sequence[str] | None):
        super().__init__()
        check_range("p", p, 0, 1)
        paint = Stylizer(style, "cpu")
        self.net, self.p, n = paint.net.requires_grad_(False), p, len(paint.styles)
        chosen = [paint.styles.index(known("style", s, paint.styles)) for s in styles or ()]
        self.chosen = chosen or list(range(n))

    def __getstate__(self):  # workers of a DataLoader get a copy, which must not be on a GPU
        return {**self.__dict__, "_modules": {"net": deepcopy(self.net).cpu()}}

    @torch.no_grad()
    def forward(
        self,
        x: Tensor,  # [B, 3 or 1, H, W] RGB or gray in [0, 1]
        random: torch.Generator | None = None,  # of its device
    ) -> Tensor:  # the same shape
        if not x.is_floating_point():
            raise ValueError("Images must be in [0, 1]: put this behind ToDtype(scale=True).")
        which = torch.rand(len(x), device=x.device, generator=random) < self.p
        if not which.any():
            return x
        pool = torch.tensor(self.chosen, device=x.device)
        how: Any = {"device": x.device, "generator": random}
        pairs = pool[torch.randint(len(pool), (int(which.sum()), 2), **how)]
        share = torch.rand(len(pairs), 1, **how)
        weights = torch.zeros(len(pairs), self.net.n_styles, device=x.device)
        weights.scatter_add_(1, pairs, torch.cat([share, 1 - share], 1))
        photos = x[which].float().expand(-1, 3, -1, -1)
        made, painted = self.net.to(x.device)(photos, weights).clamp(0, 1), x.clone()
        painted[which] = (made if x.shape[1] == 3 else made.mean(1, keepdim=True)).to(x.dtype)
        return painted


class StyleAugment(RandTransform):
    """fastai's batch transform that repaints training images; labels, boxes and masks stay.

    Pass it as one of `batch_tfms`. It runs before `Normalize`, on the device of the batch.
    """

    order, split_idx = 20, 0  # after IntToFloatTensor

    def __init__(
        self,
        p: float = 0.5,  # share of the images
        style: Any = "tiny",  # a network, as of Stylizer: the tiny one of the built-in styles
        styles: Sequence[str] | None = None,  # some of its styles; None: all
        **kwargs,  # of fastai's RandTransform
    ):
        super().__init__(p=1.0, **kwargs)  # each image is drawn on its own
        self.repaint = _Repaint(style, p, styles)

    def __call__(self, b, split_idx=None, **kwargs):
        self.seed = int(torch.randint(2**62, ()))  # the same styles for photos and their targets
        return super().__call__(b, split_idx=split_idx, **kwargs)

    def encodes(self, x: TensorImage):
        random = torch.Generator(x.device).manual_seed(self.seed)
        return self.repaint(x.as_subclass(Tensor), random).as_subclass(TensorImage)


class StyleAugmentV2(v2.Transform):
    """torchvision's transform that does the same with images in [0, 1].

    It takes one image, or a batch. `tv_tensors` of other kinds stay, and so do tensors beside an
    image.
    """

    _transformed_types = (tv_tensors.Image, Image, lambda x: type(x) is Tensor and x.dim() > 2)

    def __init__(
        self,
        p: float = 0.5,  # as of StyleAugment
        style: Any = "tiny",  # as in StyleAugment
        styles: Sequence[str] | None = None,  # likewise
    ):
        super().__init__()
        self.repaint = _Repaint(style, p, styles)

    def transform(self, image: Any, params: dict[str, Any]) -> Any:
        "Repaint an image; torchvision calls it."
        if isinstance(image, Image):
            raise ValueError("Put this behind ToImage and ToDtype(torch.float32, scale=True).")
        x = image.as_subclass(Tensor)
        painted = self.repaint(x if x.dim() == 4 else x[None])
        return tv_tensors.wrap(painted if x.dim() == 4 else painted[0], like=image)
