"Stylizer: a trained network applied to any picture."

import warnings
from pathlib import Path

import torch
from fastai.learner import Learner, load_learner
from fastai.torch_core import default_device
from PIL import Image
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from .errors import FaststyleError
from .gallery import find_style
from .images import opened, read_picture, read_tensor, to_picture, to_tensor
from .layers import computes_bfloat16
from .losses import resize_short
from .sheets import contact_sheet
from .stylefile import bundled_weights, load_style
from .transformer import SMALLEST, is_row

__all__ = ["Stylizer", "style_grid"]

MOST = 1.5  # sum of the weights of a mix


class Stylizer:
    "Repaints pictures with a trained network; `strength` slides its weights back to its base."

    def __init__(
        self,
        source: str | Path | Learner,  # a style that ships, FILE[:NAME], a run, a Learner, a .pkl
        device: torch.device | str | None = None,
        grain: float = 0.02,  # sd of the noise a picture gets, so that flat areas take strokes too
        precise: bool = False,  # float32 also where the processor computes in bfloat16
    ):
        self.named = None  # the style that was asked for with the file
        if isinstance(source, Learner):
            net, info, base = _from_learner(source)
        else:
            path, self.named = find_style(source)
            net, info, base = _from_pickle(path) if path.suffix == ".pkl" else load_style(path)
        self.device = torch.device(device or default_device())
        self.net, self.info = net.to(self.device).eval(), info
        self.bfloat16 = computes_bfloat16(self.device) and not precise
        self.styles = info["styles"]
        self.grain = grain if self.styles else 0.0  # a redrawn photo takes no strokes
        self._index(self.named)  # a wrong name fails here
        self.weights = {k: v.detach() for k, v in self.net.state_dict().items()}
        self.base = base and {k: v.float().to(self.device) for k, v in base.items()}

    def __call__(
        self,
        picture,  # a path, a PIL picture, an array or a tensor
        style=None,  # a name, an index, a mix {name: weight} or [weight, …]; None: FILE:NAME's
        strength: float = 1.0,  # 0 (the base: the photo redrawn) to 1
        size: int | None = None,  # px of the short side to paint at; fewer px, broader strokes
        keep_colors: bool = False,  # the photo's colours under the painting's brightness
        mask=None,  # a gray picture: white is painted, black stays the photo, grays are soft edges
        black=None,  # the style, or mix, of what the mask leaves
        tensor: bool = False,  # [1, 3 or 4, H, W] in [0, 1] instead of a picture
    ) -> Image.Image:  # RGB, or RGBA where some of it is transparent, of the picture's size
        "The picture, repainted; what is transparent stays so."
        photo = read_tensor(picture)
        photo, opacity = photo[:, :3], photo[:, 3:]
        if opacity.numel():
            photo = filled(photo, opacity)
        x = resize_short(photo, size) if size else photo
        height, width = x.shape[-2:]
        # A few pixels are too few for the network's reflections: repeat the edge, crop it off.
        x = F.pad(x, (0, max(0, SMALLEST - width), 0, max(0, SMALLEST - height)), mode="replicate")
        where = None if mask is None else fit_mask(read_mask(mask), photo.shape[:1:-1])
        share = None
        if black is not None:
            if where is None:
                raise ValueError("black= is the style of what a mask leaves: give mask= too.")
            share = resized(where, x.shape[-2:])
        painted = self.paint(x, style, strength, share, black)[..., :height, :width].cpu()
        if painted.shape != photo.shape:
            painted = resized(painted, photo.shape[-2:]).clamp(0, 1)
        if keep_colors:
            painted = recolor(painted, photo)
        if where is not None and black is None:
            painted = torch.lerp(photo, painted, where)
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
        photo = x.to(self.device)
        x = self._grainy(photo, strength * self.grain)
        rows = self.rows(style)[None]
        if share is not None:
            rows = torch.cat([rows, self.rows(black)[None]])
            share = torch.cat([share, 1 - share], 1).expand(len(x), -1, -1, -1)
        # A mix of rows is a row: the network becomes one of the one or two styles asked for.
        weights = self._blend(strength)
        weights = {k: rows @ w if is_row(k) else w for k, w in weights.items()}
        with torch.autocast(self.device.type, torch.bfloat16, self.bfloat16):
            painted = functional_call(self.net, weights, (x, share))
        if own := 1.0 - strength if self.styles else 1.0:
            painted = torch.lerp(painted, exposed_like(painted, photo), own)
        return painted.clamp(0, 1)

    def _grainy(self, x, sd):
        "`x` with gray noise, always the same: a flat area leaves a network nothing to go by."
        if not sd:
            return x
        noise = torch.randn(1, 1, *x.shape[2:], generator=torch.Generator().manual_seed(0))
        return (x + sd * noise.to(x.device)).clamp(0, 1)

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

    def _blend(self, strength):
        "Weights on the way from the base's to the network's (Wang et al. 2019, DNI)."
        if not 0 <= strength <= 1:
            raise ValueError(f"strength={strength}: from 0 (photo) to 1 (painting).")
        if strength == 1:
            return self.weights
        if self.base is None:
            raise FaststyleError(
                "this network knows no base to go back to (it was trained from scratch, or from "
                "another version's autoencoder, or it is a .pkl): strength must be 1."
            )
        return {k: torch.lerp(self.base[k], w, strength) for k, w in self.weights.items()}


def _from_pickle(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that pickles run code: the caller trusts it
        return _from_learner(load_learner(path))


def _from_learner(learn):
    card = learn.style_card
    return learn.model, card.info, card.base or bundled_weights(card.info)


def exposed_like(
    x: Tensor,  # [B, 3, H, W]
    photo: Tensor,  # of the same shape
) -> Tensor:
    "`x` with the mean and the spread of each channel of each picture of `photo`."
    (spread, mean), (wanted, target) = (torch.std_mean(y, (2, 3), keepdim=True) for y in (x, photo))
    return (x - mean) * (wanted / (spread + 1e-5)) + target


def recolor(
    painted: Tensor,  # [1, 3, H, W]
    photo: Tensor,  # of the same shape
) -> Tensor:
    "The brightness of `painted` with the colours of `photo`, in YCbCr."
    luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (photo + (luma * (painted - photo)).sum(1, keepdim=True)).clamp(0, 1)


def filled(
    x: Tensor,  # [1, 3, H, W]
    opacity: Tensor,  # [1, 1, H, W] in [0, 1]
) -> Tensor:
    "Under what is transparent, the colours around it: so none of its own bleed into strokes."
    if max(x.shape[-2:]) == 1:
        return x
    shape = x.shape[-2:]
    weight = F.avg_pool2d(opacity, 2, ceil_mode=True)
    small = F.avg_pool2d(x * opacity, 2, ceil_mode=True) / weight.clamp(min=1e-6)
    small = filled(small, (4 * weight).clamp(max=1))
    return torch.lerp(F.interpolate(small, shape, mode="bilinear"), x, opacity)


def resized(x, shape):
    return F.interpolate(x, shape, mode="bicubic", antialias=True)


def read_mask(
    mask,  # a path, a picture or an array [H, W] uint8: gray, or colours that are shades of gray
) -> Image.Image:  # L
    "A mask as shades of gray; `ValueError` for one with two or four channels."
    with opened(mask) as image:
        bands = len(image.getbands())
    if bands not in (1, 3):
        raise ValueError(f"a mask is a gray picture, this one has {bands} channels.")
    return read_picture(mask).convert("L")


def fit_mask(mask, size):
    "A mask, [1, 1, H, W] in [0, 1], at a photo's size, with a warning when it had another."
    if mask.size != tuple(size):
        warnings.warn(
            f"the mask is {mask.width}x{mask.height} px, the photo {size[0]}x{size[1]}: "
            f"it is resized.",
            stacklevel=3,
        )
    return to_tensor(mask.resize(size).convert("RGB"))[:, :1]


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
