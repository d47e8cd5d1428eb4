"Stylizer: a trained network applied to any image."

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastcore.basics import listify
from PIL import Image
from torch import Tensor, nn

from ..core.devices import autocast_dtype, use_device
from ..core.errors import FaststyleError
from ..core.memory import enable_memory_reuse
from ..core.values import check_kind, check_range
from ..images.files import image_size, opened, to_picture
from ..images.tensors import to_tensor
from ..models.normalization import is_affine
from ..models.stylefile import plain_net, save_network
from ..models.transformer import TransformerNet
from .builtin import find_name, unknown_style
from .first_sight import PREDICTED, style_name
from .layers import paint_layers
from .options import PaintOptions, painting_shape
from .painter import Painter, blended, mean_palette, mixture
from .pixel_painter import PixelPainter
from .refine import refined_copy, refining_size
from .sight_painter import SightPainter, look_at, works_of
from .sources import source_of
from .tiles import chosen_side, smaller_side

__all__ = ["Stylizer"]

FEWEST_PX = 8  # of the short side, to paint on the image itself


class Stylizer:
    """Repaints images with a trained network; `strength` blends its weights with those of its base,
    or, where the network began with what a painting tells, its painting with the photo.

    `styles` are the names of its styles, `device` is where it runs, `net` is the network and `info`
    what its file says of it. Raises `FileNotFoundError` for an unknown style or file, `ValueError`
    for a file that is no style, and `FaststyleError` for a pickle that is not trusted, and `arch`
    for a style that has its own network.
    """

    net: Any  # a TransformerNet, or an OnnxNet
    info: dict[str, Any]
    weights: dict[str, Tensor]
    base: dict[str, Tensor] | None

    def __init__(
        self,
        source: Any,  # a built-in style, a painting (also an image), FILE[:NAME], a run folder,
        # .pkl, .onnx or a Learner; a list of paintings and built-in styles; or {name: works}
        device: torch.device | str | None = None,
        precision: str = "auto",  # see devices.autocast_dtype
        trust_pickle: bool = True,  # False: refuse a .pkl, which can run code when loaded
        arch: str | None = None,  # network for paintings: full (the default) or slim
    ):
        found = source_of(source, trust_pickle, arch)
        self.named, self.at_sight, self.paintings = found.named, found.at_sight, found.paintings
        self.decodes = self.at_sight  # photos; films take the network, which is steady
        self.device, self.precision = use_device(device), precision
        self.dtype = autocast_dtype(self.device, precision)
        enable_memory_reuse()
        if self.at_sight:
            self._load, self.onnx = found.load, False
            self.arch, self.styles = found.arch, [*self.paintings]
        else:
            self._keep(*found.load())
            self.onnx = not isinstance(self.net, TransformerNet)
            self.arch, self.styles = self.info["arch"], self.info["styles"]
        index = self._index(self.named)  # a wrong name fails here, and so does a wrong painting
        self.named = self.named and self.styles[index]
        if self.at_sight:
            look_at(self.paintings.values(), self.device, self.dtype)

    def __getattr__(self, name):
        "What paintings predict, once it is needed: films need it, and photos do not."
        if name not in ("net", "info", "weights", "base") or not self.__dict__.get("at_sight"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name}.")
        self._keep(*self._load())
        return self.__dict__[name]

    def _keep(self, net, info, base):
        net = net.to(self.device).eval()
        weights = {k: v.detach() for k, v in net.state_dict().items()}
        base = base and {k: v.float().to(self.device) for k, v in base.items()}
        found = {"net": net, "info": info, "weights": weights, "base": base}
        self.__dict__ = found | self.__dict__  # what was set stays

    def __call__(
        self,
        picture: str | Path | Image.Image | np.ndarray | Tensor,  # also an address; [H, W, 3] of
        # uint8; [3, H, W] or [B, 3, H, W] in [0, 1], where B > 1 needs `tensor`; or with opacity
        style: Any = None,  # a name, an index, {name: weight} or [weight, …]; None: as in FILE:NAME
        strength: float = 1.0,  # from 0 (the photo as the base redraws it, not bit for bit) to 1
        tensor: bool = False,  # return [B, 3 or 4, H, W] in [0, 1] instead of an image
        watch: Callable[[float], None] | None = None,  # gets the share that is done
        refine: float = 0.0,  # seconds of painting on the image itself, by neighbors
        likeness: float | None = None,  # by neighbors: from 0, the painting with your subject, to
        # 1, the photo, painted; None: 1 at sight, .75 with `refine`
        painterly: bool = False,  # paint with places of the style's painting, which must be known
        **options,  # the other fields of options.PaintOptions: mask, area, stroke, keep_colors, …
    ) -> Any:  # a PIL image of the same size, RGBA if some of it is transparent; or a tensor
        """Repaint an image; transparency is preserved.

        Brush strokes have a fixed width in pixels. A large image is therefore painted at a smaller
        size, set by `stroke`, and enlarged again with the edges of the photo.

        A painting that no network was trained on is decoded, and with `painterly` any style's: each
        place of the photo takes a place of it. With `refine`, painting goes on from there on the
        image itself: its places become like their nearest neighbors in the painting (Kolkin et al.
        2022). A short side of 512 px is painted, or less in very long images. Ctrl-C keeps the
        steps so far.

        Raises `FileNotFoundError` for a missing picture, `ValueError` for one that cannot be read,
        an unknown style, an option out of its range (see `PaintOptions`), and two that clash, and
        `FaststyleError` for a `strength` below 1 without a base, for `tile` with an .onnx file, and
        for `refine` and `painterly` if the style's painting is not known.
        """
        how = PaintOptions(style, strength, **options)
        check_kind("refine", refine, float)
        check_range("refine", refine, 0)
        if refine and painterly:
            raise FaststyleError("Use either refine= or painterly=, not both.")
        n = len(picture) if isinstance(picture, Tensor) and picture.dim() == 4 else 1
        if n > 1 and not tensor:
            raise ValueError(f"A batch of {n} images becomes a tensor: add tensor=True.")
        check_kind("likeness", likeness, float | None)
        check_range("likeness", likeness, 0, 1)
        at_sight = self.decodes or painterly
        if likeness is not None and not (at_sight or refine):
            raise FaststyleError("likeness= needs a painting at sight, painterly= or refine=.")

        def painter(style, private, watch):
            if refine:
                first = self.sight_painter(style)
                return PixelPainter(first, strength, refine, likeness, self.precision, watch)
            if at_sight:
                alike = 1.0 if likeness is None else likeness
                return self.sight_painter(style, strength, watch=watch, likeness=alike)
            return self.painter(style, strength, private)

        with opened(picture) as image:
            stored = image_size(image)  # the photo may lie on its side
            shape = painting_shape(stored[::-1], how.stroke, how.size)
            if refine:
                how = replace(how, size=max(FEWEST_PX, refining_size(shape[::-1])))
            side = None if n > 1 else self.tile_side(stored, shape, how.tile)
            painted = None
            while painted is None:
                try:
                    painted = paint_layers(painter, image, how, side, self.painting_of, watch)
                except (MemoryError, RuntimeError) as error:
                    side = smaller_side(not (self.onnx or n > 1), side, error)
        if isinstance(painted, Tensor):
            return painted.to(getattr(picture, "device", "cpu")) if tensor else to_picture(painted)
        return to_tensor(painted, getattr(picture, "device", None)) if tensor else painted

    def paint(
        self,
        x: Tensor,  # [B, 3, H, W] in [0, 1], H and W ≥ 5
        style=None,  # as in `__call__`
        strength: float = 1.0,
    ) -> Tensor:  # [B, 3, H, W] in [0, 1]
        "Apply the network to tensors; of a painting at sight, it is the one that videos take."
        return self.painter(style, strength)(x).clone()  # which can be trained with

    def painter(
        self,
        style=None,  # as in `__call__`
        strength: float = 1.0,
        private: bool = False,  # a network of its own, whose normalizations may be changed
    ) -> Painter:
        "A painter of this style."
        # On a GPU, autocast exchanges the network's weights, which other threads must not see.
        shared = self.device.type == "cpu" or self.onnx
        mix, fade = self.style_weights(style), 0.0
        if self.info.get("start") == PREDICTED:
            check_range("strength", strength, 0, 1)
            strength, fade = 1.0, 1.0 - strength
        if shared and not private and strength == 1:
            net, weights = self.net, mix[None]
        else:
            net, weights = self.network([style], strength), torch.ones(1, 1)
        palette = mean_palette(self.info, self.styles, mix)
        share = 1.0 - strength if self.styles else 1.0
        return Painter(net, weights, share, self.device, self.dtype, palette, fade=fade)

    def sight_painter(
        self,
        style=None,  # as in `__call__`
        strength: float = 1.0,
        **how: Any,  # `watch`, `follow` and `likeness` of the painter
    ) -> SightPainter:
        "A painter with places of the style's painting."
        check_range("strength", strength, 0, 1)
        arch = "full" if self.arch == "full" else "slim"
        works, shares = works_of(self, style)
        return SightPainter(works, shares, strength, arch, self.device, self.dtype, **how)

    def painting_of(self, style) -> Any:
        "The painting of a style, or of what a mix has most of; None: not known."
        shares = self.shares(style)
        best = max(shares, key=shares.__getitem__, default=None)
        return next(iter(listify(self.paintings.get(best))), None)

    def refined(
        self,
        picture: Any,  # as in `__call__`, or a list of pictures
        seconds: float = 20.0,  # of refining
        style: str | int | None = None,  # a name or an index, not a mix; None: as in FILE:NAME
        painting: Any = None,  # or several works; needed if the style was trained
        watch: Callable[[float, Tensor], None] | None = None,  # gets the finished share, a preview
        **options,  # as in `__call__`, of which `stroke` and `size` matter
    ) -> "Stylizer":
        """A Stylizer of one style, whose network is refined on photos for `seconds`.

        It paints these photos best. Ctrl-C keeps the steps so far.

        Raises what `__call__` does, and `FaststyleError` for a mix, for `black`, for an .onnx
        network, and if the painting is not known.
        """
        if isinstance(style, (dict, list, tuple)):
            raise FaststyleError("A mix cannot be refined. Choose one style.")
        name, how = (self.styles or [""])[self._index(style)], PaintOptions(**options)
        return refined_copy(self, name, painting, picture, how, seconds, watch)

    def save(
        self,
        path: str | Path,  # .safetensors
    ) -> Path:
        "Write the network as a style file; `FaststyleError` for an .onnx network."
        if self.onnx:
            raise FaststyleError("An .onnx network cannot be saved as a style file.")
        return save_network(self.weights, self.info, self.base, path)

    def network(
        self,
        styles: list,  # each a name, an index or a mix
        strength: float = 1.0,
    ) -> TransformerNet:
        "A network of its own with these styles only; a mixture of styles becomes one style."
        net: Any = plain_net(self.net)
        weights = torch.stack([self.style_weights(style) for style in styles])
        state = blended(self.weights, self.base, strength)
        state = {k: weights @ w if is_affine(k) else w for k, w in state.items()}
        memo = {id(p): nn.Parameter(state[k], False) for k, p in net.named_parameters()}
        return deepcopy(net, memo)  # new modules would draw random numbers

    def tile_side(
        self,
        size: tuple[int, int],  # width and height of the photo
        shape: tuple[int, int],  # height and width to paint at
        tile,  # see PaintOptions
    ) -> int | None:  # px; None: paint without tiles
        if not self.onnx:
            return chosen_side(size, shape[::-1], tile, self.device)
        if tile in ("auto", None):
            return None
        raise FaststyleError("An .onnx network cannot paint in tiles. Do not use tile=.")

    def style_weights(
        self,
        style,  # a name, an index, a mix {name: weight} or [weight, …]; None: as in FILE:NAME
    ) -> Tensor:  # [n_styles]
        "Weights over the styles of the network."
        return mixture(style, max(1, len(self.styles)), self._index).to(self.device)

    def shares(self, style) -> dict[str, float]:
        "The styles of a mix and their weights, without those of weight 0."
        mix = zip(self.styles, self.style_weights(style).tolist())
        return {name: share for name, share in mix if share}

    def _index(self, style):
        style = self.named if style is None else style
        if isinstance(style, (str, Path)):
            name = find_name(style, self.styles)
            if self.at_sight and name not in self.styles:
                with suppress(FileNotFoundError):  # unknown, as below
                    name = style_name(style)
            if name not in self.styles:
                raise ValueError(unknown_style(style, self.styles))
            return self.styles.index(name)
        last = max(0, len(self.styles) - 1)  # an autoencoder has one without a name
        if (index := style or 0) not in range(last + 1):
            raise ValueError(f"No style {index}. Indices run from 0 to {last}.")
        return index


def stylizer_of(source, device="cpu") -> Stylizer:
    "A Stylizer, or one of what its constructor takes."
    return source if isinstance(source, Stylizer) else Stylizer(source, device)
