"Painter: a network, the style or mixture of one image, and the precision to paint it in."

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..core.devices import computing
from ..core.errors import FaststyleError
from ..core.moments import moments
from ..core.values import check_kind, check_range, count
from ..perceptual.wasserstein import toward_palette
from .finish import match_mean_std

__all__ = ["PALETTE", "Painter", "blended", "mean_palette", "mixture"]

PALETTE = 0.5  # share of the way to the painting's colors; all of it is harsh on many photos
MOST = 1.5  # largest sum of a mixture's weights


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


def mixture(
    style: Any,  # a name, an index, {name: weight} or [weight, …]
    n: int,  # styles of the network
    index: Callable[[Any], int],  # of a style, given by its name or index
) -> Tensor:  # [n]
    "Weights over the styles of a network."
    if getattr(style, "ndim", 0):  # an array or a tensor
        style = style.tolist()
    if isinstance(style, (list, tuple)):
        if len(style) != n:
            raise ValueError(
                f"{count(len(style), 'weight')} for {count(n, 'style')}. "
                f"Give one weight per style, in order."
            )
        style = dict(enumerate(style))
    mix = style if isinstance(style, dict) else {style: 1.0}
    weights = torch.zeros(n)
    for name, weight in mix.items():
        check_kind(f"weight of style {name}", weight, float)
        if weight < 0:
            raise ValueError(
                f"Invalid weight {weight} of style {name}. Weights cannot be negative."
            )
        weights[index(name)] += weight
    total = round(weights.sum().item(), 4)
    if not 0 < total <= MOST:
        raise ValueError(
            f"The weights of {mix} sum to {total}. The sum must be above 0 and at most {MOST}."
        )
    if total != 1:
        warnings.warn(
            f"The weights sum to {total}, not 1. The network was not trained for this.",
            stacklevel=5,
        )
    return weights


def mean_palette(
    info: dict[str, Any],  # a style file's metadata
    styles: list[str],
    mix: Tensor,  # [n], as of `mixture`
) -> Tensor | None:  # [1, 4, 4]
    "The mean palette of a mix, if each of its styles has one."
    parts = {name: weight for name, weight in zip(styles, mix.tolist()) if weight}
    palettes = info.get("palettes", {})
    if not parts or not parts.keys() <= palettes.keys():
        return None
    total = sum(weight * torch.tensor(palettes[name]) for name, weight in parts.items())
    return (total / mix.sum().item())[None].to(mix.device)


def blended(
    weights: dict[str, Tensor],
    base: dict[str, Tensor] | None,
    strength: float,  # from 0, the base, to 1
) -> dict[str, Tensor]:
    "Interpolate between the weights of the base and the network (Wang et al. 2019, DNI)."
    check_range("strength", strength, 0, 1)
    if strength == 1:
        return weights
    if base is None:
        raise FaststyleError(
            "This network has no base, so strength must be 1. It was trained from scratch or "
            "from another version's autoencoder, or it is a .pkl or .onnx file."
        )
    return {k: torch.lerp(base[k], w, strength) for k, w in weights.items()}
