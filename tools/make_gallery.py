"""Make assets/gallery.safetensors and its thumbnails: one network of all built-in paintings.

    python tools/make_gallery.py PHOTOS PAINTINGS --run RUN [--pretrained gallery]

RUN is a run folder. Run the command again to resume an interrupted training. `--images` is the
number of photos per painting. The paintings are trained on without their borders, which would
appear as bands in skies.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from fastai.callback.core import Callback
from PIL import ImageOps
from small_weights import write_asset

from faststyle_fastai.images.files import read_picture
from faststyle_fastai.images.saving import save_picture
from faststyle_fastai.images.tensors import to_tensor
from faststyle_fastai.inference.builtin import BUILTIN_STYLES, style_thumbnail
from faststyle_fastai.inference.first_sight import palette_of
from faststyle_fastai.models.stylefile import load_style
from faststyle_fastai.models.transformer import TransformerNet
from faststyle_fastai.training.callbacks import SampleStyles
from faststyle_fastai.training.runs import train

THUMBNAIL, QUALITY = 400, 85  # px of the short side, as FAST_LOSS sees it; of the JPEG
# With a teacher: compare colors and strokes with its pictures, and keep some of the style loss.
TAUGHT = {
    "content_loss": "relative",
    "content_layers": {"relu1_1": 4.0, "relu2_2": 8.0, "relu3_4": 8.0, "relu4_2": 8.0},
    "style_weight": 0.3,
    "tone_weight": 0.0,
    "tv_weight": 0.0,
    "chroma_weight": 0.0,
}
BORDER = 0.03  # of each side


def main(
    photos: Path,
    paintings: Path,
    run: Annotated[Path, typer.Option()],
    images: int = 3000,
    minutes: Annotated[float | None, typer.Option(help="Minutes, instead of --images.")] = None,
    bs: int = 4,
    small_until: float | None = None,  # share of the time at 128 px
    pretrained: str = "autoencoder",
    arch: str = "full",
    teacher: Annotated[str | None, typer.Option(help="Learn the pictures of this network.")] = None,
    stable: Annotated[float | None, typer.Option(help="Weight of the temporal loss.")] = None,
    seed: int = 0,
):
    "Train the gallery on `photos`. Write it as float16, with thumbnails of its paintings."
    pictures = {name: trimmed(next(paintings.glob(f"{name}.*"))) for name in BUILTIN_STYLES}
    within = run.with_name(f"{run.name}-paintings")
    files = {name: save_picture(p, within / f"{name}.png") for name, p in pictures.items()}
    taught = {"cbs": Distillation(load_style(teacher)[0]), **TAUGHT} if teacher else {}
    train(
        photos, files, run, pretrained=pretrained, arch=arch, images=images * len(files), bs=bs,
        minutes=minutes, small_until=small_until, resume=run.exists(), seed=seed,
        stable=stable, **taught,
    )  # fmt: skip
    write_thumbnails(pictures)
    net, info, _ = load_style(run)
    info["palettes"] = palettes()
    write_asset({k: v.half() for k, v in net.state_dict().items()}, info, "gallery", arch)


def write_thumbnails(pictures):
    for name, picture in pictures.items():
        small = ImageOps.cover(picture, (THUMBNAIL, THUMBNAIL))
        small.save(style_thumbnail(name), quality=QUALITY, optimize=True)


def palettes():
    "What is known of the colors of the built-in paintings."
    pictures = {k: to_tensor(read_picture(style_thumbnail(k))) for k in BUILTIN_STYLES}
    return {name: palette_of(picture) for name, picture in pictures.items()}


class Distillation(Callback):
    """The target of each photo is what `teacher` makes of it (Hinton et al. 2015).

    The content loss then compares with the teacher's picture, strokes included. The style loss
    stays, or the small network would blur whatever it cannot place exactly. Both networks need the
    same styles in the same order.
    """

    order = SampleStyles.order + 1  # it draws the styles

    def __init__(
        self,
        teacher: TransformerNet,  # as of `load_style`
    ):
        self.teacher = teacher.eval().requires_grad_(False)

    def before_fit(self):
        self.teacher.to(self.dls.device)

    def before_batch(self):
        if len(self.yb):  # inference has no target
            with torch.no_grad():
                picture = self.teacher(*self.xb).clamp(0, 1)
            self.learn.yb = (picture, *self.yb[1:])


def trimmed(file):
    picture = read_picture(file)
    across, down = (round(side * BORDER) for side in picture.size)
    return picture.crop((across, down, picture.width - across, picture.height - down))


if __name__ == "__main__":
    typer.run(main)
