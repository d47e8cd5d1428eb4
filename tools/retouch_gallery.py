"""Train single styles of the gallery further, without a change to the other styles.

    python tools/retouch_gallery.py PHOTOS PAINTINGS [--arch slim] [--style udnie]

Only the scales and shifts of `RETOUCHED` styles learn; the convolutions, which all styles share,
stay as they are. All but *Udnie* were trained with `--steps 150 --size 192 --bs 2` (200 steps
for the small networks). A small network learns the full one's pictures: retouch the full one first.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from fastai.torch_core import set_seed
from make_gallery import TAUGHT, Distillation, trimmed
from PIL import Image

from faststyle_fastai.core.assets import builtin_path
from faststyle_fastai.models.normalization import is_affine
from faststyle_fastai.models.stylefile import load_style, select_styles, write_style
from faststyle_fastai.training.data import StyleDataLoaders
from faststyle_fastai.training.learner import style_learner

LR, STABLE = 0.02, 0.7  # the peak learning rate; weight of the temporal loss
RETOUCHED = {  # style -> settings
    "udnie": {"strokes": False, "style_size": 400, "chroma_weight": 20.0},
    "woman_with_hat": {},
    "night_cafe": {},
    "tahiti": {},
    "wheat_field": {},
    "olive_trees": {},
}
# Degrees of hue that lose most of their saturation: few, vivid places of the painting became stains
MUTED = {"udnie": (95, 185)}
MUTE, SOFT = 0.9, 25  # share of the saturation; degrees from none to all of it


def main(
    photos: Path,
    paintings: Path,
    style: Annotated[list[str] | None, typer.Option()] = None,
    steps: int = 200,
    bs: int = 4,
    size: int = 128,
    arch: str = "full",
    seed: int = 0,
):
    "Train the scales and shifts of styles, and write them into the gallery."
    path = builtin_path("gallery", arch)
    state, info = _state(path)
    for name in style or RETOUCHED:
        set_seed(seed, reproducible=True)
        row = info["styles"].index(name)
        with tempfile.TemporaryDirectory() as folder:
            start = _alone(name, path, Path(folder) / "start.safetensors")
            settings = {"stable": STABLE, **RETOUCHED[name]}
            if arch != "full":
                teacher = _alone(name, builtin_path("gallery", "full"), Path(folder) / "full")
                settings |= {"cbs": Distillation(load_style(teacher)[0]), **TAUGHT}
            dls = StyleDataLoaders.from_folder(photos, size, bs, steps * bs, seed=seed)
            painting = muted(trimmed(next(paintings.glob(f"{name}.*"))), MUTED.get(name))
            learn = style_learner(dls, {name: painting}, pretrained=start, arch=arch, **settings)
            learn.freeze()
            learn.fit_one_cycle(1, LR)
        for key, values in learn.model.state_dict().items():
            if is_affine(key):
                state[key][row] = values[0].to(state[key].dtype)
        write_style(state, info, path)  # after each style: a training that stops keeps the rest
        print(f"{path}: {name}")


def muted(picture: Image.Image, hues: tuple[int, int] | None) -> Image.Image:
    "A painting in which some hues are nearly gray."
    if hues is None:
        return picture
    hue, saturation, value = picture.convert("HSV").split()
    degrees = np.asarray(hue) * (360 / 255)
    inside = np.minimum(degrees - hues[0], hues[1] - degrees) / SOFT
    gray = np.asarray(saturation) * (1 - MUTE * inside.clip(0, 1))
    parts = hue, Image.fromarray(gray.astype(np.uint8)), value
    return Image.merge("HSV", parts).convert("RGB")


def _alone(name, path, to):
    "A style file of one style of the gallery at `path`."
    state, info = _state(path)
    row = info["styles"].index(name)
    info |= {"styles": [name], "palettes": {name: info["palettes"][name]}}
    write_style(select_styles(state, [row]), info, to)
    return to


def _state(path):
    net, info, _ = load_style(path)
    return {key: value.half() for key, value in net.state_dict().items()}, info


if __name__ == "__main__":
    typer.run(main)
