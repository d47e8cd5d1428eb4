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
from .images import read_picture, to_picture, to_tensor
from .learner import bundled_weights, load_style
from .losses import resize_short
from .transformer import SMALLEST

__all__ = ["Stylizer"]


class Stylizer:
    "Repaints pictures with a trained network; `strength` slides its weights back to its base."

    def __init__(
        self,
        source: str | Path | Learner,  # .safetensors, a run folder, a Learner, a trusted .pkl
        device: torch.device | str | None = None,
        grain: float = 0.02,  # sd of the noise a picture gets, so that flat areas take strokes too
    ):
        if isinstance(source, Learner):
            net, info, base = _from_learner(source)
        elif Path(source).suffix == ".pkl":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that pickles run code: the caller trusts it
                net, info, base = _from_learner(load_learner(source))
        else:
            path = Path(source)
            net, info, base = load_style(path / "model.safetensors" if path.is_dir() else path)
        self.device = torch.device(device or default_device())
        self.net, self.info = net.to(self.device).eval(), info
        self.styles, self.grain = info["styles"], grain
        self.weights = {k: v.detach() for k, v in self.net.state_dict().items()}
        self.base = base and {k: v.float().to(self.device) for k, v in base.items()}

    def __call__(
        self,
        picture,  # a path, a PIL picture, an array or a tensor
        style: int | str | None = None,  # which of `styles`; None: the first
        strength: float = 1.0,  # 0 (the base: the photo redrawn) to 1
        size: int | None = None,  # px of the short side to paint at; fewer px, broader strokes
        keep_colors: bool = False,  # the photo's colours under the painting's brightness
    ) -> Image.Image:  # RGB, of the picture's size
        "The picture, repainted."
        photo = read_picture(picture)
        x = to_tensor(photo)
        if size:
            x = resize_short(x, size)
        height, width = x.shape[-2:]
        # A few pixels are too few for the network's reflections: repeat the edge, crop it off.
        x = F.pad(x, (0, max(0, SMALLEST - width), 0, max(0, SMALLEST - height)), mode="replicate")
        painted = to_picture(self.paint(x, style, strength)[..., :height, :width])
        if painted.size != photo.size:
            painted = painted.resize(photo.size, Image.Resampling.LANCZOS)
        return recolor(painted, photo) if keep_colors else painted

    @torch.inference_mode()
    def paint(
        self,
        x: Tensor,  # [B, 3, H, W] in [0, 1], H and W ≥ 5
        style: int | str | None = None,
        strength: float = 1.0,
    ) -> Tensor:  # [B, 3, H, W] in [0, 1]
        "The network itself, on tensors, in float32."
        x = self._grainy(x.to(self.device), strength * self.grain)
        rows = torch.full((len(x),), self._index(style), device=self.device)
        weights = self._blend(strength)
        with torch.autocast(self.device.type, enabled=False):
            return functional_call(self.net, weights, (x, rows)).clamp(0, 1)

    def _grainy(self, x, sd):
        "`x` with gray noise, always the same: a flat area leaves a network nothing to go by."
        noise = torch.randn(1, 1, *x.shape[2:], generator=torch.Generator().manual_seed(0))
        return (x + sd * noise.to(x.device)).clamp(0, 1) if sd else x

    def _index(self, style):
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


def _from_learner(learn):
    card = learn.style_card
    return learn.model, card.info, card.base or bundled_weights(card.info)


def recolor(
    painted: Image.Image,
    photo: Image.Image,  # of the same size
) -> Image.Image:
    "The brightness of `painted` with the colours of `photo`, in YCbCr."
    bright, _, _ = painted.convert("YCbCr").split()
    _, blue, red = photo.convert("YCbCr").split()
    return Image.merge("YCbCr", (bright, blue, red)).convert("RGB")
