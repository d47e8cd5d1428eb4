"What a picture shows, how it is painted, how rough it is: the perceptual loss and its parts."

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .backbones import Backbone, perceptual_backbone
from .errors import FaststyleError, known
from .style_losses import CONTENT_LOSSES, STYLE_LOSSES

__all__ = ["VggLoss", "chroma_variation", "resize_short", "tone_error", "total_variation"]

LONGEST = 16_384  # px; a strip of a picture enlarged would fill the memory
SQUARE = 32  # px, of which the tone is told: strokes in it are free
BALANCES = {  # the content, style and total variation losses of published and of our own recipes
    "relative": ("relative", "gram"),
    "none": ("mse", "gram_mean"),
}
LUMA = 0.2126, 0.7152, 0.0722  # Rec. 709's


def total_variation(
    x: Tensor,  # [B, 3, H, W] in [0, 1]
) -> Tensor:  # scalar
    "Mean |Δx| + mean |Δy| between neighbouring pixels."
    x = x.float()
    across, down = x[..., :, 1:] - x[..., :, :-1], x[..., 1:, :] - x[..., :-1, :]
    return sum(d.abs().mean() for d in (across, down) if d.numel())


def chroma_variation(
    x: Tensor,  # [B, 3, H, W] in [0, 1]
) -> Tensor:  # scalar
    "The total variation of color without luminance."
    return total_variation(x - luminance(x))


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


def luminance(
    x: Tensor,  # [B, 3, H, W], sRGB in [0, 1]
) -> Tensor:  # [B, 1, H, W]
    "Rec. 709's luma."
    return (x.float() * x.new_tensor(LUMA).view(3, 1, 1)).sum(1, keepdim=True)


def tone_error(
    x: Tensor,  # [B, 3, H, W] in [0, 1]
    photo: Tensor,  # likewise
) -> Tensor:  # [B], from 0 to 2
    """Whether what is light in the photo is light in the picture: 1 - Pearson's correlation.

    Of luminance over squares of 32 px. How light or how contrasted the picture is as a whole is
    free; a photo of one gray asks for nothing.
    """
    side = min(SQUARE, *x.shape[-2:])
    a, b = (F.avg_pool2d(luminance(z), side).flatten(1) for z in (x, photo))
    a, b = (z - z.mean(1, keepdim=True) for z in (a, b))
    return (b.square().mean(1) > 1e-6) * (1 - F.cosine_similarity(a, b, dim=1, eps=1e-4))


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
    """Content, style, tone, total variation as a frozen backbone sees them (Johnson et al. 2016).

    `balance="relative"` divides each layer's error by its target's own mean square, and averages
    the style over `scales`, so that one set of weights suits all styles, backbones and sizes.
    `balance="none"` gives the published sums: mean squared errors of features and of Gram
    matrices, and the *sum* of |Δ| over a picture, averaged over the batch. `style_loss` and
    `content_loss` are rows of the tables that optimizing pixels has too.
    After each call `parts` holds the weighted `content`, `style` and `tone` of each picture and the
    batch's `tv` and `chroma`, `rows` which painting each had; the loss is the mean of their sum.
    """

    part_names = ("content", "style", "tone", "tv", "chroma")

    def __init__(
        self,
        backbone: Backbone,
        style: Tensor | list[Tensor] | None,  # one or more [1, 3, H, W] in [0, 1]; None: no style
        content_layers: dict[str, float],  # layer -> weight
        style_layers: dict[str, float],  # layer -> weight
        tv: float = 0.0,  # weight of the total variation
        tone: float = 0.0,  # weight of `tone_error`
        chroma: float = 0.0,  # weight of `chroma_variation`, against colored fringes
        balance: str = "relative",  # or "none"
        style_loss: str | None = None,  # a row of STYLE_LOSSES; None: by `balance`
        content_loss: str | None = None,  # a row of CONTENT_LOSSES; None: by `balance`
        scales: tuple[float, ...] = (1,),  # the style layers also on the picture at these sizes
        style_size: int | None = None,  # px of the painting's short side at most; None: the photo's
        style_margin: float = 0.0,  # share of each side that has no part in the style
    ):
        super().__init__()
        usual_content, usual_style = BALANCES[known("balance", balance, BALANCES)]
        self.content_loss = known("content_loss", content_loss or usual_content, CONTENT_LOSSES)
        self.style_loss = known("style_loss", style_loss or usual_style, STYLE_LOSSES)
        styles = [style] if isinstance(style, Tensor) else style
        if style_layers and not styles:
            raise ValueError("style layers have weights but there is no style picture.")
        if not (content_layers or style_layers):
            raise ValueError("neither content nor style layers: nothing to learn.")
        if not scales or not all(0 < scale <= 1 for scale in scales):
            raise ValueError(f"scales={scales}: one or more factors in (0, 1].")
        self.content_layers = _by_full_name(content_layers, backbone)
        self.style_layers = _by_full_name(style_layers, backbone)
        self.tv, self.chroma, self.tone, self.balance = tv, chroma, tone, balance
        self.scales, self.style_size, self.style_margin = scales, style_size, style_margin
        self.backbone, self.styles = backbone, styles
        self.source = backbone.source
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
            "tone": self.tone * tone_error(pred, photo) if self.tone else 0.0,
            "tv": self.tv * self._variation(pred),
            "chroma": self.chroma * chroma_variation(pred) if self.chroma else 0.0,
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
        error = CONTENT_LOSSES[self.content_loss]
        return sum(w * error(found[k], targets[k]) for k, w in self.content_layers.items())

    def _style(self, found, pred, rows, copies=1):
        "Of each picture, or so many copies of each, the error against the painting its row says."
        if not self.style_layers:
            return 0.0
        style, total = STYLE_LOSSES[self.style_loss], 0.0
        for scale in self.scales:
            seen = found if scale == 1 else self.backbone(shrink(pred, scale), self.style_layers)
            targets = self._style_targets(min(pred.shape[-2:]), scale)
            for layer, weight in self.style_layers.items():
                statistics = style.statistics(self._inner(seen[layer]))
                statistics = statistics.repeat_interleave(copies, 0)
                target = [part[rows.to(part.device)] for part in targets[layer]]
                total = total + weight * style.distance(statistics, *target).to(pred.device)
        return total / len(self.scales)

    def _style_targets(self, photo_size, scale):
        "What the style loss knows of the paintings at each layer, made once for each size."
        size, device = self.style_size or photo_size, next(self.backbone.parameters()).device
        key = size, scale, device
        if key not in self._targets:
            style = STYLE_LOSSES[self.style_loss]
            seen = [self._painting_statistics(x.to(device), size, scale) for x in self.styles]
            self._targets[key] = {
                k: style.target(torch.cat([m[k] for m in seen])) for k in self.style_layers
            }
        return self._targets[key]

    @torch.no_grad()
    def _painting_statistics(self, painting, size, scale):
        if self.style_size and self.balance == "relative":  # enlarged, it has no strokes to show
            size = min(size, *painting.shape[-2:])
        with torch.autocast(painting.device.type, enabled=False):
            seen = self.backbone(shrink(resize_short(painting, size), scale), self.style_layers)
        statistics = STYLE_LOSSES[self.style_loss].statistics
        return {k: statistics(self._inner(x)) for k, x in seen.items()}

    def _inner(self, features):
        """Features without the margin.

        Zero padding makes those of a picture's border unlike all others. A network that is trained
        on them paints lines there.
        """
        down, across = (int(n * self.style_margin) for n in features.shape[-2:])
        return features[..., down : -down or None, across : -across or None]

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
