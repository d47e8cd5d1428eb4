"What a picture shows, how it is painted, how rough it is: the perceptual loss and its parts."

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .backbones import Backbone, perceptual_backbone
from .errors import FaststyleError

__all__ = ["VggLoss", "gram_matrix", "resize_short", "total_variation"]

LONGEST = 16_384  # px; a strip of a picture enlarged would fill the memory
EPS = 1e-8  # keeps a relative error finite on a target that is all zero


def gram_matrix(
    features: Tensor,  # [B, C, H, W]
) -> Tensor:  # [B, C, C], divided by C*H*W
    "Channel correlations of `features`, in float32 (Gatys et al. 2016)."
    return second_moments(features)[0] / features.shape[1]


def second_moments(
    features: Tensor,  # [B, C, H, W]
    weight: Tensor | None = None,  # [1, 1, H, W], how much each place counts; None: all alike
) -> tuple[Tensor, Tensor]:  # [B, C, C] and [B, C], float32
    "Over all places the mean products of pairs of channels, and the channels' means."

    def places(x):
        return x.permute(0, 2, 3, 1).flatten(1, 2)

    with torch.autocast(features.device.type, enabled=False):
        return Products.apply(places(features), None if weight is None else places(weight))


class Products(torch.autograd.Function):
    """`x.mT @ x` and the sum of `x` over its N places, [B, N, C], weighted, both divided by N.

    Its gradient takes one product where autograd takes two, and lies in memory as that of
    channels-last features does. It is of the precision of `x`, which is all these can be given.
    """

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        x = x.float()
        weighted = x if weight is None else x * weight
        return weighted.mT @ x / x.shape[1], weighted.mean(1)

    @staticmethod
    def backward(ctx, grad, grad_mean):
        x, weight = ctx.saved_tensors
        turn, shift = (grad + grad.mT).to(x.dtype), grad_mean[:, None].to(x.dtype)
        # Divided within the product: in float16 a small matrix would vanish.
        share = 1 / x.shape[1]
        found = torch.baddbmm(shift, x, turn, beta=share, alpha=share)
        return found if weight is None else (found * weight).to(x.dtype), None


def total_variation(
    x: Tensor,  # [B, 3, H, W] in [0, 1]
) -> Tensor:  # scalar
    "Mean |Δx| + mean |Δy| between neighbouring pixels."
    x = x.float()
    across, down = x[..., :, 1:] - x[..., :, :-1], x[..., 1:, :] - x[..., :-1, :]
    return sum(d.abs().mean() for d in (across, down) if d.numel())


def variation_sum(
    x: Tensor,  # [B, 3, H, W]
) -> Tensor:  # scalar
    "The sum of |Δx| and |Δy| over a picture, as published recipes have it, the mean of a batch."
    across, down = x.diff(dim=-1).abs(), x.diff(dim=-2).abs()
    return (across.float().sum() + down.float().sum()) / len(x)


def forward_variation(
    x: Tensor,  # [1, 3, H, W]
) -> Tensor:  # scalar
    "Mean squared differences from the next pixels (Mahendran & Vedaldi 2015)."
    x = F.pad(x.float(), (0, 1, 0, 1), "replicate")
    inner = x[..., :-1, :-1]
    return (x[..., :-1, 1:] - inner).square().mean() + (x[..., 1:, :-1] - inner).square().mean()


def squared_variation(
    x: Tensor,  # [1, 3, H, W]
) -> Tensor:  # scalar
    "Mean squared differences from all eight neighbours (crowsonkb's nine-point stencil)."
    x = F.pad(x.float(), (1, 1, 1, 1), "replicate")
    inner = x[..., 1:-1, 1:-1]
    across = (x[..., 1:-1, 2:] - inner).square().mean() + (x[..., 2:, 1:-1] - inner).square().mean()
    falling, rising = x[..., 1:, 1:] - x[..., :-1, :-1], x[..., 1:, :-1] - x[..., :-1, 1:]
    return 2 * (across / 3 + (falling.square().mean() + rising.square().mean()) / 12)


def resize_short(
    x: Tensor,  # [B, 3, H, W]
    size: int,  # px of the shorter side afterwards
) -> Tensor:  # [B, 3, h, w], the shape kept
    "`x` resized, antialiased, so that its shorter side is `size`; `ValueError` for long strips."
    shape = short_shape(x.shape[-2:], size)
    x = F.interpolate(x.float(), shape, mode="bilinear", antialias=True, align_corners=False)
    return x.clamp(0, 1)


def short_shape(
    shape: tuple[int, int],  # height, width
    size: int,  # px of the shorter side afterwards
) -> tuple[int, int]:
    "A picture's height and width when its shorter side is `size`; `ValueError` for long strips."
    scale = size / min(shape)
    small = tuple(max(1, round(side * scale)) for side in shape)
    if max(small) > max(LONGEST, *shape):
        (height, width), (down, across) = shape, small
        raise ValueError(
            f"{width}x{height} px at {size} px would be {across}x{down}: too long a strip."
        )
    return small


class VggLoss(nn.Module):
    """Content + style + total variation as a frozen backbone sees them (Johnson et al. 2016).

    `balance="relative"` divides each layer's error by its target's own mean square, and averages
    the style over `scales`, so that one set of weights suits all styles, backbones and sizes.
    `balance="none"` gives the published sums: mean squared errors of features and of Gram
    matrices, and the *sum* of |Δ| over a picture, averaged over the batch.
    After each call `parts` holds the weighted `content` and `style` of each picture and the batch's
    `tv`, `rows` which painting each had; the loss is the mean of their sum.
    """

    part_names = ("content", "style", "tv")

    def __init__(
        self,
        backbone: Backbone,
        style: Tensor | list[Tensor] | None,  # one or more [1, 3, H, W] in [0, 1]; None: no style
        content_layers: dict[str, float],  # layer -> weight
        style_layers: dict[str, float],  # layer -> weight
        tv: float = 0.0,  # weight of the total variation
        balance: str = "relative",  # or "none"
        scales: tuple[float, ...] = (1,),  # the style layers also on the picture at these sizes
        style_size: int | None = None,  # px of the painting's short side; None: the photo's
    ):
        super().__init__()
        if balance not in ("relative", "none"):
            raise ValueError(f"balance='{balance}': 'relative' or 'none'.")
        styles = [style] if isinstance(style, Tensor) else style
        if style_layers and not styles:
            raise ValueError("style layers have weights but there is no style picture.")
        if not (content_layers or style_layers):
            raise ValueError("neither content nor style layers: nothing to learn.")
        if not scales or not all(0 < scale <= 1 for scale in scales):
            raise ValueError(f"scales={scales}: one or more factors in (0, 1].")
        self.content_layers = _by_full_name(content_layers, backbone)
        self.style_layers = _by_full_name(style_layers, backbone)
        self.tv, self.balance, self.scales, self.style_size = tv, balance, scales, style_size
        self.backbone, self.styles, self.source = backbone, styles, backbone.source
        self.parts, self.rows, self._targets = {}, None, {}

    def forward(
        self,
        pred: Tensor,  # [B, 3, H, W], the repainted photos
        photo: Tensor,  # [B, 3, H, W] in [0, 1]
        rows: Tensor | None = None,  # [B], which painting each photo became; None: the first
    ) -> Tensor:  # scalar
        "The weighted loss of `pred`, a repainted `photo`."
        if self.backbone is None:
            self._load_backbone(pred.device)
        pred, photo = pred.as_subclass(Tensor), photo.as_subclass(Tensor)
        if rows is None:
            rows = torch.zeros(len(pred), dtype=torch.long, device=pred.device)
        found = self.backbone(pred, [*self.content_layers, *self.style_layers])
        parts = {
            "content": self._content(found, photo),
            "style": self._style(found, pred, rows),
            "tv": self.tv * self._variation(pred),
        }
        self.rows = rows
        self.parts = {
            name: torch.as_tensor(part, device=pred.device).detach().expand(len(pred))
            for name, part in parts.items()
        }
        return sum(parts.values()).mean()

    def _load_backbone(self, device):
        "What an exported learner leaves out, and needs when it trains on."
        if self.source is None:
            raise FaststyleError(
                "this learner does not know all it was trained with (its backbone was made by "
                "hand, or a style was added to it): train on with style_learner(pretrained=…)."
            )
        self.backbone = perceptual_backbone(*self.source).to(device)

    @torch.no_grad()
    def style_distances(
        self,
        pred: Tensor,  # [B, 3, H, W] in [0, 1]
    ) -> Tensor:  # [number of paintings]
        "The mean style error of some pictures against each painting."
        n = len(self.styles)
        found = self.backbone(pred, self.style_layers)
        error = self._style(found, pred, torch.arange(n).repeat(len(pred)), copies=n)
        return error.view(len(pred), n).mean(0)

    def _content(self, found, photo):
        if not self.content_layers:
            return 0.0
        with torch.no_grad():
            targets = self.backbone(photo, self.content_layers)
        return sum(w * self._error(found[k], targets[k]) for k, w in self.content_layers.items())

    def _style(self, found, pred, rows, copies=1):
        "Of each picture, or so many copies of each, the error against the painting its row says."
        if not self.style_layers:
            return 0.0
        total = 0.0
        for scale in self.scales:
            seen = found if scale == 1 else self.backbone(shrink(pred, scale), self.style_layers)
            targets = self._style_targets(min(pred.shape[-2:]), scale)
            for layer, weight in self.style_layers.items():
                grams = gram_matrix(seen[layer]).repeat_interleave(copies, 0)
                total = total + weight * self._error(grams, targets[layer][rows])
        return total / len(self.scales)

    def _style_targets(self, photo_size, scale):
        "The paintings' Gram matrices, [N, C, C] a layer, made once for each size."
        size, device = self.style_size or photo_size, next(self.backbone.parameters()).device
        key = size, scale, device
        if key not in self._targets:
            seen = [self._painting_grams(x.to(device), size, scale) for x in self.styles]
            self._targets[key] = {k: torch.cat([g[k] for g in seen]) for k in seen[0]}
        return self._targets[key]

    @torch.no_grad()
    def _painting_grams(self, painting, size, scale):
        with torch.autocast(painting.device.type, enabled=False):
            seen = self.backbone(shrink(resize_short(painting, size), scale), self.style_layers)
        return {name: gram_matrix(x) for name, x in seen.items()}

    def _error(self, x, target):
        "Squared error of each picture, [B], relative to the target's mean square if balanced."
        x, target = x.float(), target.float()
        dims = tuple(range(1, x.dim()))
        error = (x - target).square().mean(dims)
        if self.balance == "relative":
            error = error / (target.square().mean(dims) + EPS)
        return error

    def _variation(self, pred):
        return (total_variation if self.balance == "relative" else variation_sum)(pred)

    def __getstate__(self):
        """Leave out what an exported learner need not carry: the backbone and what it saw.

        It is loaded again by its name, or from its file, when the learner trains on.
        """
        state = self.__dict__.copy()
        state |= {"parts": {}, "rows": None, "_targets": {}}
        state["styles"] = self.styles and [_to_bytes(x) for x in self.styles]
        state["_modules"] = {**self._modules, "backbone": None}
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        self.styles = self.styles and [x.float() / 255 for x in self.styles]


def _to_bytes(painting):
    return (painting * 255).round().to("cpu", torch.uint8)


def shrink(x, scale):
    "`x` averaged down to `scale` of its size."
    if scale == 1:
        return x
    if (1 / scale).is_integer():
        return F.avg_pool2d(x, int(1 / scale))
    return F.interpolate(x, scale_factor=scale, mode="area")


def _by_full_name(weights, backbone):
    "Layer weights under the layers' full names; a weight of 0 asks for nothing."
    full = {name: backbone.named([name])[0] for name in weights}
    return {full[name]: weight for name, weight in weights.items() if weight}
