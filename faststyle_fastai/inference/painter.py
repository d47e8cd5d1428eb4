"Painter: a network, the style of one image, and the precision to paint it in."

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..core.devices import computing
from ..core.moments import moments
from ..perceptual.wasserstein import toward_palette
from .finish import match_mean_std

__all__ = ["Painter"]

PALETTE = 0.5  # share of the way to the painting's colors; all of it is harsh on many photos


@dataclass(frozen=True)
class Painter:
    """Repaints tensors, [B, 3, H, W] in [0, 1] with H and W ≥ 5.

    Instance normalization discards the brightness and contrast of each channel. An autoencoder
    restores those of the photo fully, a style restores a share that grows as `strength` falls.
    The rest of a style goes `PALETTE` of the way to the painting's colors. Networks that were read
    from a painting have no base on a straight way to them, so their paintings fade into the photo.
    """

    net: nn.Module  # a TransformerNet or OnnxNet
    weights: Tensor  # [1, n_styles], over the styles of the network
    photo_share: float  # how much of the photo's brightness and contrast to restore, 0 to 1
    device: torch.device
    dtype: torch.dtype | None  # see devices.autocast_dtype
    palette: Tensor | None = None  # [1, 4, 4], moments of the painting's colors, if they are known
    measure: Callable[[Tensor], Tensor] = moments  # of a painted image, for the palette
    fade: float = 0.0  # share of the photo itself in the result

    @torch.inference_mode()
    def __call__(self, x: Tensor) -> Tensor:  # [B, 3, H, W] in [0, 1]
        photo = x.to(self.device)
        with computing(self.device, self.dtype):
            painted = self.net(photo, self.styling(len(x)))
        return self.exposed(painted, photo)

    def styling(self, batch: int = 1) -> Tensor:
        "The network's `style`."
        return self.weights.expand(batch, -1).to(self.device)

    def exposed(
        self,
        painted: Tensor,  # [B, 3, H, W], the network's output
        photo: Tensor,  # of the same shape
        whole: Sequence[Tensor] | None = None,  # if these are parts: moments of both images, whole
    ) -> Tensor:  # in [0, 1]
        "Restore a share of the photo's contrast, and approach the painting's colors by the rest."
        moved = painted
        if self.palette is not None:
            found = whole[0] if whole else self.measure(painted)
            share = PALETTE * (1 - self.photo_share)
            moved = toward_palette(painted, found, self.palette, share)
        if self.photo_share:
            restored = match_mean_std(painted, *(whole or map(moments, (painted, photo))))
            moved = torch.lerp(moved, restored, self.photo_share)
        return torch.lerp(moved.clamp(0, 1), photo, self.fade)
