"The perceptual loss of a network: a sum of terms on a frozen backbone."

from typing import Any

import torch
from fastcore.basics import listify
from fastcore.foundation import L
from torch import Tensor, nn

from ..core.errors import FaststyleError
from ..images.sizes import resize_short, shrink
from ..images.tensors import read_tensor
from .backbones import Backbone, perceptual_backbone
from .neighbors import Neighbors
from .plans import merged, shorthand
from .term import Comparison
from .terms import TERMS, make_terms, photo_layers

__all__ = ["VggLoss"]

PARTS = "content", "style", "tone", "tv", "chroma"  # reported even if they are not used
LISTS = list, tuple, L


class VggLoss(nn.Module):
    """Content, style, total variation and other terms on a frozen backbone (Johnson et al. 2016).

    By default each layer's error is relative to its target's size, so that one set of weights suits
    all styles, backbones and sizes. Give layers for the content, the style, or both. `loss` gives
    any setting of any term, as a recipe does. The loss is the mean over the batch of the sum of the
    terms. After each call, `parts` holds the weighted error of each image by term, and `style_ids`
    the painting of each image.

    Raises `ValueError` for unknown layers, terms or settings, and if there is nothing to compare.
    """

    terms: Any  # an nn.ModuleDict: name -> Term
    reduction = "mean"  # or none: the error of each image, which fastai asks for

    def __init__(
        self,
        backbone: Backbone,  # as of `perceptual_backbone`
        style: Any,  # paintings, [1, 3, H, W] in [0, 1], or one; None: no style. Several works
        # of one style are a list in the list
        content_layers: dict[str, float] | None = None,  # layer -> weight; None: those of `loss`
        style_layers: dict[str, float] | None = None,  # likewise
        tv: float | None = None,  # weight of the total variation, not its kind; None: as in `loss`
        loss: dict[str, dict] | None = None,  # term -> settings, as in plans.FAST_LOSS, see
        # terms.TERMS; None: content and style alone, with the layers given
        **settings,  # one setting each, such as tone_weight=.4, see plans.SHORTHAND
    ):
        super().__init__()
        given = {"content_layers": content_layers, "style_layers": style_layers, "tv_weight": tv}
        settings |= {name: value for name, value in given.items() if value is not None}
        own = merged({}, loss or {}, TERMS)
        terms = make_terms(merged(own, shorthand(settings, TERMS), TERMS))
        if any(isinstance(term, Neighbors) for term in terms.values()):
            raise ValueError("Terms that match places are for the optimization of pixels.")
        for term in terms.values():
            term.layers = _by_full_name(term.layers, backbone)
        styles: Any = None if style is None else _paintings(style)
        if "style" in terms and not styles:
            raise ValueError("Style layers are given but there is no style image.")
        if not any(term.layers for term in terms.values()):
            raise ValueError(
                "Neither content nor style layers are given: there is nothing to learn."
            )
        self.terms = nn.ModuleDict(terms)
        self.part_names = tuple(dict.fromkeys((*PARTS, *terms)))
        self.backbone, self.styles, self.source = backbone, styles, backbone.source
        self.parts: dict[str, Tensor] = {}  # of the latest batch, [B] each
        self.style_ids: Tensor | None = None  # of the latest batch
        self._targets: dict = {}

    @property
    def content_layers(self) -> dict[str, float]:
        "The layers of the content loss and their weights."
        return self.terms["content"].layers if "content" in self.terms else {}

    @property
    def style_layers(self) -> dict[str, float]:
        "The layers of the style loss and their weights."
        return self.terms["style"].layers if "style" in self.terms else {}

    def forward(
        self,
        pred: Tensor,  # [B, 3, H, W], the repainted photos, meant to be in [0, 1]
        photo: Tensor,  # [B, 3, H, W] in [0, 1]
        style_ids: Tensor | None = None,  # [B], index of each photo's painting; None: the first
    ) -> Tensor:  # scalar
        "The weighted loss of `pred`, the repainted `photo`."
        if self.backbone is None:
            self._load_backbone(pred.device)
        pred, photo = pred.as_subclass(Tensor), photo.as_subclass(Tensor)
        if style_ids is None:
            style_ids = torch.zeros(len(pred), dtype=torch.long, device=pred.device)
        seen = self.comparison(pred, photo, style_ids)
        parts = {name: term(seen) for name, term in self.terms.items()}
        self.style_ids = style_ids
        zero = pred.new_zeros(())
        self.parts = {k: parts.get(k, zero).detach().expand(len(pred)) for k in self.part_names}
        first, *others = parts.values()
        errors = sum(others, first)
        return errors.mean() if self.reduction == "mean" else errors.expand(len(pred))

    def comparison(self, pred: Tensor, photo: Tensor, style_ids: Tensor) -> Comparison:
        "What the terms see; the backbone runs when a term asks for features."
        whole = self.backbone(pred, {k: 0 for term in self.terms.values() for k in term.layers})

        def features(scale):
            return whole if scale == 1 else self.backbone(shrink(pred, scale), self.style_layers)

        @torch.no_grad()
        def photo_features():
            return self.backbone(photo, photo_layers(self.terms))

        def style_targets(scale):
            targets = self._style_targets(min(pred.shape[-2:]), scale)
            if len(self.styles) > 1:
                targets = {k: [x[style_ids.to(x.device)] for x in v] for k, v in targets.items()}
            return [targets]

        return Comparison(pred, photo, features, photo_features, [None], style_targets)

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
        n, style = len(self.styles or []), self.terms["style"]
        seen = self.comparison(pred, pred, torch.arange(n).repeat(len(pred)))
        statistics = [m.repeat_interleave(n, 0) for m in style.statistics(seen)]
        return style.error(statistics, seen).view(len(pred), n).mean(0)

    def _style_targets(self, photo_size, scale):
        "Style targets of the paintings at each layer, cached by size."
        style, device = self.terms["style"], next(self.backbone.parameters()).device
        key = style.size or photo_size, scale, device
        if key not in self._targets:
            with torch.inference_mode(False), torch.no_grad():  # they are trained with later
                seen = [
                    [self._statistics(work.to(device), *key[:2]) for work in listify(painting)]
                    for painting in self.styles
                ]
                both = {
                    k: torch.cat([sum(m[k] for m in works) / len(works) for works in seen])
                    for k in style.layers
                }
                self._targets[key] = style.targets(both)
        return self._targets[key]

    @torch.no_grad()
    def _statistics(self, painting, size, scale):
        style = self.terms["style"]
        if style.size and not style.enlarge:
            size = min(size, *painting.shape[-2:])
        with torch.autocast(painting.device.type, enabled=False):
            seen = self.backbone(shrink(resize_short(painting, size), scale), style.layers)
        return style.of_painting(seen)

    def __getstate__(self):
        """Omit the backbone and cached features from an exported learner.

        The backbone is reloaded by name or from its file when the learner continues training.
        """
        state = self.__dict__.copy()
        state |= {"parts": {}, "style_ids": None, "_targets": {}}
        state["styles"] = self.styles and [
            [(work * 255).round().to("cpu", torch.uint8) for work in listify(x)]
            for x in self.styles
        ]
        state["_modules"] = {**self._modules, "backbone": None}
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        self.styles = self.styles and [
            [work.float() / 255 for work in listify(x)] for x in self.styles
        ]


def _paintings(style):
    "Paintings as tensors without opacity; several works of one style are a list."

    def read(painting):
        return read_tensor(painting)[:, :3]

    if isinstance(style, Tensor) and style.dim() == 4:  # as they are: a check would wait for a GPU
        return [*style[:, :3].split(1)]
    if not isinstance(style, LISTS):
        return [read(style)]
    return [[*map(read, each)] if isinstance(each, LISTS) else read(each) for each in style]


def _by_full_name(weights, backbone):
    "Layer weights by full layer name, without those that are 0."
    full = {name: backbone.named([name])[0] for name in weights}
    return {full[name]: weight for name, weight in weights.items() if weight}
