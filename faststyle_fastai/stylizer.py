"Stylizer: a trained network applied to any picture."

import math
import warnings
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from .devices import best_device, uses_bfloat16
from .enlarge import enlarged, painting_shape
from .errors import FaststyleError
from .finish import (
    exposed_like,
    filled,
    finished,
    fit_mask,
    gray,
    read_mask,
    resized,
    shares,
)
from .gallery import find_style
from .images import read_picture, read_tensor, read_upright, size_of, to_picture, to_tensor
from .large import paint_large
from .losses import resize_short
from .memory import reuse_memory
from .sheets import contact_sheet
from .stylefile import bundled_weights, load_style
from .tiles import tile_side, tiles
from .transformer import SMALLEST, TransformerNet, is_row, make_network

__all__ = ["Stylizer", "style_grid"]

LARGE, SIDE = 2**24, 1024  # px: pictures from here on are brought to their size in such parts
MOST = 1.5  # sum of the weights of a mix


class Stylizer:
    "Repaints pictures with a trained network; `strength` slides its weights back to its base."

    def __init__(
        self,
        source,  # a style that ships, FILE[:NAME], a run folder, .pkl, .onnx, or a Learner
        device: torch.device | str | None = None,
        precision: str = "auto",  # float32, bfloat16, or auto: see devices.uses_bfloat16
    ):
        self.named = None  # the style that was asked for with the file
        if isinstance(source, (str, Path)):
            path, self.named = find_style(source)
            net, info, base = LOADERS.get(path.suffix, load_style)(path)
        else:
            net, info, base = _from_learner(source)
        self.device = torch.device(device or best_device())
        self.net, self.info = net.to(self.device).eval(), info
        reuse_memory()
        self.bfloat16 = uses_bfloat16(self.device, precision)
        self.styles = info["styles"]
        self._index(self.named)  # a wrong name fails here
        self.weights = {k: v.detach() for k, v in self.net.state_dict().items()}
        self.base = base and {k: v.float().to(self.device) for k, v in base.items()}

    def __call__(
        self,
        picture,  # a path, a PIL picture, an array or a tensor
        style=None,  # a name, an index, a mix {name: weight} or [weight, …]; None: FILE:NAME's
        strength: float = 1.0,  # 0 (the base: the photo redrawn) to 1
        size: int | None = None,  # px of the short side to paint at, in place of `stroke`
        keep_colors: bool = False,  # the photo's colors under the painting's brightness
        mask=None,  # a gray picture: white is painted, black stays the photo, grays are soft edges
        black=None,  # the style, or mix, of what the mask leaves
        tensor: bool = False,  # [1, 3 or 4, H, W] in [0, 1] instead of a picture
        tile: str | int | None = "auto",  # px, a multiple of 4, 8 bits; auto: if the memory asks
        exact: bool = False,  # tiles know the statistics of all of the picture, not of a sample
        watch=None,  # called with the number of tiles that are done, and of all
        stroke: str = "medium",  # a row of enlarge.STROKES: how wide the strokes are in the picture
    ) -> Image.Image:  # RGB, or RGBA where some of it is transparent, of the picture's size
        """The picture, repainted; what is transparent stays so.

        Strokes have a width in pixels, so a large picture is painted at the size where they suit
        it, and brought back to its own with the edges of the photo.
        """
        if black is not None and mask is None:
            raise ValueError("black= is the style of what a mask leaves: give mask= too.")
        stored = painting_shape(size_of(picture)[::-1], stroke, size)
        side = self.tile_side(picture, stored, tile)
        if side is not None:
            image = read_upright(picture)  # which may turn it
            shape = painting_shape(image.size[::-1], stroke, size)
            mask = None if mask is None else fit_mask(read_mask(mask), image.size)
            how = shape, mask, black, keep_colors, style, strength, watch
            painted = paint_large(self, image, side, exact, *how)
            return to_tensor(painted) if tensor else painted
        photo = read_tensor(picture)
        photo, opacity = photo[:, :3], photo[:, 3:]
        if opacity.numel():
            photo = filled(photo, opacity)
        shape = painting_shape(photo.shape[-2:], stroke, size)
        small = x = photo if photo.shape[-2:] == shape else resize_short(photo, min(shape))
        height, width = x.shape[-2:]
        # A few pixels are too few for the network's reflections: repeat the edge, crop it off.
        x = F.pad(x, (0, max(0, SMALLEST - width), 0, max(0, SMALLEST - height)), mode="replicate")
        where = None if mask is None else gray(fit_mask(read_mask(mask), photo.shape[:1:-1]))
        share = None if black is None else resized(where, x.shape[-2:])
        painted = self.paint(x, style, strength, share, black)[..., :height, :width].cpu()
        if painted.shape != photo.shape:
            painted = enlarged(painted, small, photo)
        painted = finished(painted, photo, keep_colors, where if black is None else None)
        painted = torch.cat([painted, opacity], 1)
        return painted if tensor else to_picture(painted)

    @torch.inference_mode()
    def paint(
        self,
        x: Tensor,  # [B, 3, H, W] in [0, 1], H and W ≥ 5
        style=None,  # as above
        strength: float = 1.0,
        share: Tensor | None = None,  # [1, 1, H, W] in [0, 1], of `style` at each pixel
        black=None,  # the style of the rest
    ) -> Tensor:  # [B, 3, H, W] in [0, 1]
        """The network itself, on tensors.

        Towards `strength` 0 it has the photo's own brightness and contrast, channel by channel,
        which instance normalisation forgets; what an autoencoder redraws has them wholly.
        """
        if share is None:
            weights, rows = self._blend(strength), self.rows(style).expand(len(x), -1)
        else:
            weights, rows = self._only((style, black), strength), shares(share, len(x))
        photo = x.to(self.device)
        with self.arithmetic():
            painted = functional_call(self.net, weights, (photo, rows.to(self.device)))
        return self.exposed(painted, photo, strength)

    def network(
        self,
        styles: list,  # as above
        strength: float = 1.0,
    ) -> TransformerNet:
        "A network that knows these styles alone."
        net = make_network(self.info["arch"], len(styles)).eval()
        net.load_state_dict(self._only(styles, strength))
        return net.to(self.device)

    def arithmetic(self):
        "In which type a network is run here."
        return torch.autocast(self.device.type, torch.bfloat16, self.bfloat16)

    def exposed(
        self,
        painted: Tensor,  # [B, 3, H, W], a network's
        photo: Tensor | None,  # of the same shape; None where `whole` says what it is like
        strength: float,
        whole: list | None = None,  # see exposed_like
    ) -> Tensor:  # in [0, 1]
        "A painted photo with as much of its exposure as `strength` leaves it."
        if own := self.photo_share(strength):
            painted = torch.lerp(painted, exposed_like(painted, photo, whole), own)
        return painted.clamp(0, 1)

    def photo_share(self, strength: float) -> float:
        "How much of the photo's exposure a painted one gets."
        return 1.0 - strength if self.styles else 1.0

    def tile_side(
        self,
        picture,
        shape: tuple[int, int],  # height and width it is painted at
        tile,
    ) -> int | None:
        "px of a tile; None: paint it as a whole."
        if not isinstance(self.net, TransformerNet):
            if tile not in ("auto", None):
                raise FaststyleError("an .onnx network paints pictures as a whole: no tile=.")
            return None
        shape, large = shape[::-1], math.prod(size_of(picture)) > LARGE
        if tile == "auto" and large and math.prod(shape) < LARGE:
            return SIDE
        if tile == "auto":
            tile = tile_side(shape, self.device)
            if tile:
                said = (
                    f"{shape[0]}x{shape[1]} px are painted in tiles of {tile} px: the free memory"
                )
                warnings.warn(f"{said} is too small for all at once.", stacklevel=3)
        if tile is not None and len(tiles(shape, tile)) > 1 and min(shape) >= SMALLEST:
            return tile
        return None

    def rows(
        self,
        style,  # a name, an index, a mix {name: weight} or [weight, …]; None: FILE:NAME's
    ) -> Tensor:  # [n_styles]
        "Weights over the network's styles."
        n = self.net.n_styles
        if isinstance(style, (list, tuple)):
            if len(style) != n:
                raise ValueError(f"{len(style)} weights for {n} styles: one each, in their order.")
            style = dict(enumerate(style))
        mix = style if isinstance(style, dict) else {style: 1.0}
        rows = torch.zeros(n, device=self.device)
        for name, weight in mix.items():
            if weight < 0:
                raise ValueError(f"weight {weight} of style {name}: from 0 up.")
            rows[self._index(name)] += weight
        total = round(rows.sum().item(), 4)
        if not 0 < total <= MOST:
            raise ValueError(f"the weights of {mix} sum to {total}: above 0, {MOST} at the most.")
        if total != 1:
            warnings.warn(f"weights that sum to {total}, not 1, are not trained for.", stacklevel=4)
        return rows

    def _index(self, style):
        style = self.named if style is None else style
        if isinstance(style, str):
            if style not in self.styles:
                raise ValueError(f"no style '{style}': there are {', '.join(self.styles)}.")
            return self.styles.index(style)
        index = style or 0
        if not 0 <= index < self.net.n_styles:
            raise ValueError(f"no style {index}: there are {self.net.n_styles}, from 0.")
        return index

    def _only(self, styles, strength):
        "The weights of a network of these styles alone: a mix of rows is a row."
        rows = torch.stack([self.rows(style) for style in styles])
        return {k: rows @ w if is_row(k) else w for k, w in self._blend(strength).items()}

    def _blend(self, strength):
        "Weights on the way from the base's to the network's (Wang et al. 2019, DNI)."
        if not 0 <= strength <= 1:
            raise ValueError(f"strength={strength}: from 0 (photo) to 1 (painting).")
        if strength == 1:
            return self.weights
        if self.base is None:
            raise FaststyleError(
                "this network knows no base to go back to (it was trained from scratch, or from "
                "another version's autoencoder, or it is a .pkl or .onnx): strength must be 1."
            )
        return {k: torch.lerp(self.base[k], w, strength) for k, w in self.weights.items()}


def _from_onnx(path):
    from .export import OnnxNet

    net = OnnxNet(path)
    return net, net.info, None


def _from_pickle(path):
    from fastai.learner import load_learner

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that pickles run code: the caller trusts it
        return _from_learner(load_learner(path))


def _from_learner(learn):
    card = learn.style_card
    return learn.model, card.info, card.base or bundled_weights(card.info)


LOADERS = {".pkl": _from_pickle, ".onnx": _from_onnx}  # of other files than our own


def style_grid(
    paint: Stylizer,
    picture,  # the photo
    styles: list,  # two styles for a row, four for a square's corners: names or indices
    n: int = 5,  # pictures a side
    **kwargs,  # of `Stylizer.__call__`
) -> Image.Image:
    "One photo in mixes of styles: two in a row, or four in a square (Dumoulin et al. 2017)."
    if len(styles) not in (2, 4) or n < 2:
        raise ValueError(f"{len(styles)} styles, n={n}: two styles or four, n from 2.")
    corners = torch.stack([paint.rows(style) for style in styles])
    corners, sheet = corners.view(-1, 2, corners.shape[1]), []
    picture = read_picture(picture)
    for down in range(n if len(corners) == 2 else 1):
        left, right = torch.lerp(corners[0], corners[-1], down / (n - 1))
        mixes = [torch.lerp(left, right, across / (n - 1)).tolist() for across in range(n)]
        sheet.append([paint(picture, mix, **kwargs) for mix in mixes])
    return contact_sheet(sheet)
