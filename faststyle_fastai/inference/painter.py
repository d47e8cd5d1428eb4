"Painter: a network, the style of one image, and the precision to paint it in."

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..core.devices import computing
from .finish import match_mean_std

__all__ = ["Painter"]


@dataclass(frozen=True)
class Painter:
    """Repaints tensors, [B, 3, H, W] in [0, 1] with H and W ≥ 5.

    Instance normalization discards the brightness and contrast of each channel. An autoencoder
    restores those of the photo fully, a style restores a share that grows as `strength` falls.
    """

    net: nn.Module  # a TransformerNet or OnnxNet
    weights: Tensor  # [1, n_styles], over the styles of the network
    photo_share: float  # how much of the photo's brightness and contrast to restore, 0 to 1
    device: torch.device
    dtype: torch.dtype | None  # see devices.autocast_dtype

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

    def exposed(
        self,
        painted: Tensor,  # [B, 3, H, W], the network's output
        photo: Tensor | None,  # of the same shape; None if `whole` is given
        whole: list | None = None,  # see match_mean_std
    ) -> Tensor:  # in [0, 1]
        "Restore the photo's mean and contrast of each channel, weighted by `photo_share`."
        if self.photo_share:
            restored = match_mean_std(painted, photo, whole)
            painted = torch.lerp(painted, restored, self.photo_share)
        return painted.clamp(0, 1)
