"Painter: a network, the style of one image, and the precision to paint it in."

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..core.devices import computing
from ..core.moments import moments
from .finish import match_mean_std, toward_palette

__all__ = ["Painter"]

PALETTE = 0.5  # share of the way to the painting's colors; all of it is harsh on many photos


@dataclass(frozen=True)
class Painter:
    """Repaints tensors, [B, 3, H, W] in [0, 1] with H and W ≥ 5.

    Instance normalization discards the brightness and contrast of each channel. An autoencoder
    restores those of the photo fully, a style restores a share that grows as `strength` falls.
    The rest of a style goes `PALETTE` of the way to the painting's colors.
    """

    net: nn.Module  # a TransformerNet or OnnxNet
    weights: Tensor  # [1, n_styles], over the styles of the network
    photo_share: float  # how much of the photo's brightness and contrast to restore, 0 to 1
    device: torch.device
    dtype: torch.dtype | None  # see devices.autocast_dtype
    palette: Tensor | None = None  # [1, 4, 4], moments of the painting's colors, if they are known
    measure: Callable[[Tensor], Tensor] = moments  # of a painted image, for the palette

    @torch.inference_mode()
    def __call__(
        self,
        x: Tensor,
    ) -> Tensor:  # [B, 3, H, W] in [0, 1]
        photo = x.to(self.device)
        with self.computing():
            painted = self.net(photo, self.styling(len(x)))
        return self.exposed(painted, photo)

    def computing(self):
        "The context to run the network in."
        return computing(self.device, self.dtype)

    def styling(self, batch: int = 1) -> Tensor:
        "The network's `style`."
        return self.weights.expand(batch, -1).to(self.device)

    @property
    def measures(self) -> bool:
        "Whether `exposed` depends on the whole image."
        return bool(self.photo_share) or self.palette is not None

    def exposed(
        self,
        painted: Tensor,  # [B, 3, H, W], the network's output
        photo: Any,  # of the same shape; None if `whole` is given
        whole: tuple[Tensor, Tensor] | None = None,  # if these are parts: moments of both, whole
    ) -> Tensor:  # in [0, 1]
        "Restore a share of the photo's contrast, or approach the painting's colors."
        if self.measures:
            found, wanted = whole or (moments(painted), moments(photo))
            restored = match_mean_std(painted, found, wanted)
            if self.palette is not None:
                seen, share = found if whole else self.measure(painted), 1 - self.photo_share
                painted = toward_palette(painted, seen, self.palette, PALETTE * share)
            painted = torch.lerp(painted, restored, self.photo_share)
        return painted.clamp(0, 1)
