"The perceptual loss and its parts: content, style, tone and total variation."

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.errors import FaststyleError, known
from ..images.sizes import luminance, resize_short, shrink
from .backbones import Backbone, perceptual_backbone
from .style_losses import CONTENT_LOSSES, STYLE_LOSSES, inner

__all__ = ["VggLoss", "chroma_variation", "tone_error", "total_variation"]

SQUARE = 32  # px of the squares that tone is measured on; brush strokes inside them are free
BALANCES = {  # balance -> default content and style loss; none: as published
    "relative": ("relative", "gram"),
    "none": ("mse", "gram_mean"),
}


def total_variation(
    x: Tensor,  # [B, 3, H, W] in [0, 1]
) -> Tensor:  # scalar
    "Mean |Δx| + mean |Δy| between neighboring pixels."
    x = x.float()
    across, down = x[..., :, 1:] - x[..., :, :-1], x[..., 1:, :] - x[..., :-1, :]
    return sum(d.abs().mean() for d in (across, down) if d.numel())


def chroma_variation(
    x: Tensor,  # [B, 3, H, W] in [0, 1]
) -> Tensor:  # scalar
    "Total variation of the colors minus their luminance."
    return total_variation(x - luminance(x))


def variation_sum(
    x: Tensor,  # [B, 3, H, W]
) -> Tensor:  # scalar
    "Sum of |Δx| and |Δy| over an image, as in published recipes, averaged over the batch."
    across, down = x.diff(dim=-1).abs(), x.diff(dim=-2).abs()
    return (across.float().sum() + down.float().sum()) / len(x)


def forward_variation(
    x: Tensor,  # [1, 3, H, W]
) -> Tensor:  # scalar
    "Mean squared forward differences (Mahendran & Vedaldi 2015)."
    x = F.pad(x.float(), (0, 1, 0, 1), "replicate")
    inner = x[..., :-1, :-1]
    return (x[..., :-1, 1:] - inner).square().mean() + (x[..., 1:, :-1] - inner).square().mean()


def squared_variation(
    x: Tensor,  # [1, 3, H, W]
) -> Tensor:  # scalar
    "Mean squared differences from all eight neighbors (crowsonkb's nine-point stencil)."
    x = F.pad(x.float(), (1, 1, 1, 1), "replicate")
    inner = x[..., 1:-1, 1:-1]
    across = (x[..., 1:-1, 2:] - inner).square().mean() + (x[..., 2:, 1:-1] - inner).square().mean()
    falling, rising = x[..., 1:, 1:] - x[..., :-1, :-1], x[..., 1:, :-1] - x[..., :-1, 1:]
    return 2 * (across / 3 + (falling.square().mean() + rising.square().mean()) / 12)


def tone_error(
    x: Tensor,  # [B, 3, H, W] in [0, 1]
    photo: Tensor,  # likewise
) -> Tensor:  # [B], from 0 to 2
    """Whether the light parts of the photo stay light: 1 - Pearson's correlation.

    Compares mean luminance over squares of 32 px. Overall brightness and contrast do not matter.
    The error is 0 for a uniform photo.
    """
    side = min(SQUARE, *x.shape[-2:])
    squares = F.avg_pool2d(luminance(torch.cat([x, photo])), side).flatten(1)
    squares = squares - squares.mean(1, keepdim=True)
    (a, b), (of_a, of_b) = squares.chunk(2), squares.square().sum(1).chunk(2)
    alike = (a * b).sum(1) * (of_a * of_b).clamp(min=1e-12).rsqrt()
    return (of_b > 1e-6 * b.shape[1]) * (1 - alike)


class VggLoss(nn.Module):
    """Content, style, tone and total variation on a frozen backbone (Johnson et al. 2016).

    `balance="relative"` divides each layer's error by the mean square of its target, so that one
    set of weights suits all styles, backbones and sizes. `balance="none"` gives the published sums:
    mean squared errors of features and of Gram matrices, and the *sum* of |Δ| over an image,
    averaged over the batch. The style is averaged over `scales`.
    After each call, `parts` holds the weighted `content`, `style` and `tone` of each image and the
    `tv` and `chroma` of the batch, and `rows` holds the painting of each image. The loss is the
    mean of the sum.
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
        scales: tuple[float, ...] = (1,),  # scales of the image at which style is measured
        style_size: int | None = None,  # px, largest short side of the painting; None: the photo's
        style_margin: float = 0.0,  # share of each side that is excluded from the style
    ):
        super().__init__()
        usual_content, usual_style = BALANCES[known("balance", balance, BALANCES)]
        self.content_loss = known("content_loss", content_loss or usual_content, CONTENT_LOSSES)
        self.style_loss = known("style_loss", style_loss or usual_style, STYLE_LOSSES)
        styles = [style] if isinstance(style, Tensor) else style
        if style_layers and not styles:
            raise ValueError("Style layers are given but there is no style image.")
        if not (content_layers or style_layers):
            raise ValueError(
                "Neither content nor style layers are given: there is nothing to learn."
            )
        if not scales or not all(0 < scale <= 1 for scale in scales):
            raise ValueError(f"Invalid scales={scales}. Give one or more factors in (0, 1].")
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
        rows: Tensor | None = None,  # [B], index of the painting for each photo; None: the first
    ) -> Tensor:  # scalar
        "The weighted loss of `pred`, the repainted `photo`."
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
        first, *others = parts.values()
        return sum(others, first).mean()

    def _load_backbone(self, device):
        "Reload the backbone, which an exported learner omits but needs to continue training."
        if self.source is None:
            raise FaststyleError(
                "This learner cannot continue training: its backbone was made by hand, or a style "
                "was added to it. Use style_learner(pretrained=…) instead."
            )
        self.backbone = perceptual_backbone(*self.source).to(device)

    @torch.no_grad()
    def style_distances(
        self,
        pred: Tensor,  # [B, 3, H, W] in [0, 1]
    ) -> Tensor:  # [number of paintings]
        "Mean style error of a batch of images against each painting."
        n = len(self.styles)
        found = self.backbone(pred, self.style_layers)
        error = self._style(found, pred, torch.arange(n).repeat(len(pred)), copies=n)
        return error.view(len(pred), n).mean(0)

    def _content(self, found, photo):
        if not self.content_layers:
            return 0.0
        with torch.no_grad():
            targets = self.backbone(photo, self.content_layers)
        error, weights = CONTENT_LOSSES[self.content_loss], self.content_layers
        return weighted_sum((w, error(found[k], targets[k])) for k, w in weights.items())

    def _style(self, found, pred, rows, copies=1):
        "Style error of each image, or of `copies` of it, against the painting of its row."
        if not self.style_layers:
            return 0.0
        style, weights, found_all, there = STYLE_LOSSES[self.style_loss], [], [], []
        for scale in self.scales:
            seen = found if scale == 1 else self.backbone(shrink(pred, scale), self.style_layers)
            targets = self._style_targets(min(pred.shape[-2:]), scale)
            for layer, weight in self.style_layers.items():
                statistics = style.statistics(inner(seen[layer], self.style_margin))
                if copies > 1:
                    statistics = statistics.repeat_interleave(copies, 0)
                target = targets[layer]
                if len(self.styles) > 1:
                    target = [part[rows.to(part.device)] for part in target]
                weights.append(weight / len(self.scales))
                found_all.append(statistics)
                there.append(target)
        errors = style.distances(found_all, there)
        return weighted_sum((w, error.to(pred.device)) for w, error in zip(weights, errors))

    def _style_targets(self, photo_size, scale):
        "Style targets of the paintings at each layer, cached by size."
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
        if self.style_size and self.balance == "relative":  # enlarging would blur its strokes
            size = min(size, *painting.shape[-2:])
        with torch.autocast(painting.device.type, enabled=False):
            seen = self.backbone(shrink(resize_short(painting, size), scale), self.style_layers)
        statistics = STYLE_LOSSES[self.style_loss].statistics
        return {k: statistics(inner(x, self.style_margin)) for k, x in seen.items()}

    def _variation(self, pred):
        return (total_variation if self.balance == "relative" else variation_sum)(pred)

    def __getstate__(self):
        """Omit the backbone and cached features from an exported learner.

        The backbone is reloaded by name or from its file when the learner continues training.
        """
        state = self.__dict__.copy()
        state |= {"parts": {}, "rows": None, "_targets": {}}
        state["styles"] = self.styles and [_to_bytes(x) for x in self.styles]
        state["_modules"] = {**self._modules, "backbone": None}
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        self.styles = self.styles and [x.float() / 255 for x in self.styles]


def weighted_sum(parts):
    "Sum of weights times tensors, in one operation for each."
    parts = iter(parts)
    weight, total = next(parts)
    total = weight * total
    for weight, part in parts:
        total = torch.add(total, part, alpha=weight)
    return total


def _to_bytes(painting):
    return (painting * 255).round().to("cpu", torch.uint8)


def _by_full_name(weights, backbone):
    "Layer weights by full layer name, without those that are 0."
    full = {name: backbone.named([name])[0] for name in weights}
    return {full[name]: weight for name, weight in weights.items() if weight}
