"TransformerNet: the feed-forward network that repaints an image (Johnson et al. 2016)."

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from ..core.constants import IMAGENET
from ..core.devices import on_cpu
from ..core.values import known
from .layers import ConvLayer, ResidualBlock, Stage, UpConvLayer, WideConv2d
from .normalization import InstanceNorm, is_affine

__all__ = ["ARCHS", "TransformerNet", "from_examples", "make_network", "to_examples"]

# name -> arguments of TransformerNet besides the number of styles
ARCHS: dict[str, dict[str, Any]] = {
    "full": {},  # 1.7 million weights: photos
    "slim": {"width": 0.5},  # half the channels, 2.5 times as fast: films
    "tiny": {"width": 0.25},  # a quarter of the channels: slow machines
    # tarun-bisht/fast-style-transfer: no scales or shifts, so only one style; tanh output.
    "tarun": {"affine": False, "bounded": True, "eps": 1e-3},
}
SMALLEST = 5  # px; padded to 8, the least that the encoder's three reflection paddings accept


class TransformerNet(nn.Module):
    """Repaints images: RGB in [0, 1] to RGB of the same size, around [0, 1] and not clamped.

    Reflection padding, nearest-neighbor upsampling and instance normalization (Johnson et al. 2016,
    Ulyanov et al. 2017). Each normalization has a scale and a shift for each style (Dumoulin et al.
    2017). Module names are those of pytorch/examples' fast_neural_style.
    """

    mean: Tensor
    std: Tensor
    affine = True  # whether scales and shifts are trained

    def __init__(
        self,
        n_styles: int = 1,  # rows of scales and shifts in each normalization
        width: float = 1.0,  # multiplies the channels 32, 64, 128; 0.5 is the slim network
        affine: bool = True,  # train scales and shifts; False: only one style
        bounded: bool = False,  # end with a normalization and tanh, so that the output is in [0, 1]
        eps: float = 1e-5,  # added to the variance in normalizations
    ):
        super().__init__()
        if n_styles < 1 or width <= 0:
            raise ValueError(f"Invalid n_styles={n_styles}, width={width}. Both must be positive.")
        if n_styles > 1 and not affine:
            raise ValueError(
                f"Invalid n_styles={n_styles}. A network without scales and shifts has one style."
            )
        self.bounded, self.affine = bounded, affine
        a, b, c = (max(1, round(n * width)) for n in (32, 64, 128))
        self.conv1, self.in1 = ConvLayer(3, a, 9), InstanceNorm(a, n_styles, eps)
        self.conv2, self.in2 = ConvLayer(a, b, 3, stride=2), InstanceNorm(b, n_styles, eps)
        self.conv3, self.in3 = ConvLayer(b, c, 3, stride=2), InstanceNorm(c, n_styles, eps)
        self.res1, self.res2, self.res3, self.res4, self.res5 = (
            ResidualBlock(c, n_styles, eps) for _ in range(5)
        )
        self.deconv1, self.in4 = UpConvLayer(c, b), InstanceNorm(b, n_styles, eps)
        self.deconv2, self.in5 = UpConvLayer(b, a), InstanceNorm(a, n_styles, eps)
        self.deconv3 = ConvLayer(a, 3, 9, conv=WideConv2d)
        if bounded:
            self.in6 = InstanceNorm(3, n_styles, eps)
        if not affine:
            for name, values in self.named_parameters():
                values.requires_grad_(not is_affine(name))
        for name, colors in zip(("mean", "std"), IMAGENET):
            self.register_buffer(name, torch.tensor(colors).view(1, 3, 1, 1), persistent=False)

    @property
    def n_styles(self) -> int:
        return len(self.in1.weight)

    def forward(
        self,
        x: Tensor,  # [B, 3, H, W] RGB in [0, 1], H and W ≥ 5
        style: Tensor | None = None,  # indices or weights; None: the first style
    ) -> Tensor:  # [B, 3, H, W]
        """Repaint images; sizes that are not multiples of 4 are padded and cropped back.

        `style` is an index for each image, [B], or weights over the styles, [B, n_styles].
        """
        if torch.compiler.is_compiling():
            return self._repaint(x, style)
        y = x.as_subclass(Tensor)  # TensorImage would run Python at each operation
        dtype = autocast_type(y)
        copied = getattr(self, "_is_replica", False)  # by DataParallel, without named parameters
        if dtype and self.conv1.conv2d.weight.dtype != dtype and not copied:
            y = functional_call(self, self._convolutions(dtype), (y, style))
        else:
            y = self._repaint(y, style)
        return y.as_subclass(type(x))

    def _repaint(self, x, style):
        y, styling = self.prepare(x, style)
        skip = None
        for stage in self.stages():
            y, skip = stage.convolve(y, skip)
            y, skip = stage.normalize(y, skip, styling)
        return self.finish(y, x)

    def prepare(
        self,
        x: Tensor,  # as in `forward`
        style: Tensor | None = None,  # likewise
    ) -> tuple[Tensor, dict]:
        "The features that enter the first stage, and the scales and shifts that all stages take."
        height, width = x.shape[-2:]
        if min(height, width) < SMALLEST:
            raise ValueError(
                f"{width}x{height} px is too small. Each side needs at least {SMALLEST} px."
            )
        edge = 0, -width % 4, 0, -height % 4
        styling = self._affine(self._style_weights(style, x))
        y = (F.pad(x, edge, mode="reflect") - self.mean) / self.std
        return y.contiguous(memory_format=torch.channels_last) if on_cpu(y) else y, styling

    def stages(self) -> list[Stage]:
        "The layers between `prepare` and `finish`, in order."
        blocks = (self.res1, self.res2, self.res3, self.res4, self.res5)
        stages = [
            Stage(self.conv1, self.in1),
            Stage(self.conv2, self.in2),
            Stage(self.conv3, self.in3),
            *(stage for block in blocks for stage in block.stages()),
            Stage(self.deconv1, self.in4),
            Stage(self.deconv2, self.in5),
        ]
        return [*stages, Stage(self.deconv3, self.in6, relu=False)] if self.bounded else stages

    def finish(
        self,
        y: Tensor,  # the features that leave the last stage
        x: Tensor,  # the images they were made from
    ) -> Tensor:  # as `x`
        if self.bounded:
            y = y.to(x.dtype).tanh() / 2 + 0.5
        else:
            y = self.deconv3(y).to(x.dtype) * self.std + self.mean
        return y[..., : x.shape[-2], : x.shape[-1]]

    def _style_weights(self, style, x):
        "Weights over the styles: [B, n_styles]."
        if style is None:
            style = torch.zeros(len(x), dtype=torch.long)
        if style.dim() == 1:
            style = torch.eye(self.n_styles, device=x.device)[style.to(x.device)]
        shape = x.shape[0], self.n_styles  # len() would fix the batch size of an export
        if style.shape != shape:
            raise ValueError(
                f"style has shape {list(style.shape)}. Use {[len(x)]} for indices or "
                f"{list(shape)} for weights."
            )
        return style.to(x.device, self.in1.weight.dtype)

    # A GPU waits for Python at each operation, so weights are treated together.

    def _affine(self, style_weights):
        "The scale and the shift, [B, C] each, of each normalization: one product for each width."
        norms = [m for m in self.modules() if isinstance(m, InstanceNorm)]
        found: dict[InstanceNorm, tuple[Tensor, ...]] = {}
        dtype = autocast_type(style_weights) or style_weights.dtype
        with torch.autocast(style_weights.device.type, enabled=False):
            for width in sorted({norm.weight.shape[1] for norm in norms}):
                same = [norm for norm in norms if norm.weight.shape[1] == width]
                table = torch.stack([part for norm in same for part in (norm.weight, norm.bias)])
                parts = (style_weights @ table).to(dtype)  # twice as many as norms, [B, C]
                found |= zip(same, zip(*[iter(parts.unbind())] * 2))
        return found

    def _convolutions(self, dtype):
        "The weights and biases of all convolutions in another type."
        named = {name: p for name, p in self.named_parameters() if not is_affine(name)}
        whole = torch.cat([p.flatten() for p in named.values()]).to(dtype)
        parts = whole.split([p.numel() for p in named.values()])
        return {name: part.view_as(p) for (name, p), part in zip(named.items(), parts)}


def make_network(
    arch: str,  # a key of `ARCHS`
    n_styles: int = 1,
) -> TransformerNet:
    "A new network; `ValueError` for an unknown architecture."
    return TransformerNet(n_styles, **ARCHS[known("arch", arch, ARCHS)])


def from_examples(
    state: dict[str, Tensor],  # of a pytorch/examples network, whose RGB is in 0–255
) -> dict[str, Tensor]:  # for TransformerNet; the range is folded into the first and last layer
    """Convert weights of pytorch/examples' fast_neural_style to ours.

    Also accepts old weights with running statistics, and those of wrapped or compiled networks.
    """
    state = {k.replace("module.", "").replace("_orig_mod.", ""): v for k, v in state.items()}
    state = {k: v for k, v in state.items() if "running_" not in k and "num_batches" not in k}
    state = {k: v[None].float() if is_affine(k) else v.float().clone() for k, v in state.items()}
    mean, std = (torch.tensor(values) for values in IMAGENET)
    first, last = "conv1.conv2d.", "deconv3.conv2d."
    state[first + "bias"] += 255 * (state[first + "weight"].sum((2, 3)) @ mean)
    state[first + "weight"] *= 255 * std.view(1, 3, 1, 1)
    state[last + "weight"] /= 255 * std.view(3, 1, 1, 1)
    state[last + "bias"] = (state[last + "bias"] / 255 - mean) / std
    return state


def to_examples(
    state: dict[str, Tensor],  # of a TransformerNet
    style: int = 0,  # index of the style
) -> dict[str, Tensor]:  # for pytorch/examples' TransformerNet, in 0–255
    "Convert one style of our weights to those of pytorch/examples' fast_neural_style."
    state = {k: v[style].clone() if is_affine(k) else v.clone() for k, v in state.items()}
    mean, std = (torch.tensor(values) for values in IMAGENET)
    first, last = "conv1.conv2d.", "deconv3.conv2d."
    state[first + "weight"] /= 255 * std.view(1, 3, 1, 1)
    state[first + "bias"] -= 255 * (state[first + "weight"].sum((2, 3)) @ mean)
    state[last + "weight"] *= 255 * std.view(3, 1, 1, 1)
    state[last + "bias"] = (state[last + "bias"] * std + mean) * 255
    return state


def autocast_type(x: Tensor) -> torch.dtype | None:
    "The type of autocast on a GPU; None if it is off, and on CPUs, where casts take no time."
    if on_cpu(x) or not torch.is_autocast_enabled(x.device.type):
        return None
    return torch.get_autocast_dtype(x.device.type)
