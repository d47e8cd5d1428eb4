"""How assets/gallery.safetensors and its thumbnails are made: one network of all its paintings.

    python tools/make_gallery.py PHOTOS PAINTINGS --run RUN [--pretrained gallery]

RUN is a run folder: begun again, an interrupted training goes on. `--images` are photos for each
painting. The paintings are trained on without their borders, which would be seen as bands in skies.
"""

from pathlib import Path
from typing import Annotated

import typer
from PIL import ImageOps

from faststyle_fastai.backbones import ASSETS
from faststyle_fastai.gallery import GALLERY, style_thumbnail
from faststyle_fastai.images import read_picture, save_picture
from faststyle_fastai.runs import train
from faststyle_fastai.stylefile import load_style, write_style

THUMBNAIL = 240  # px of the short side
BORDER = 0.03  # of each side


def main(
    photos: Path,
    paintings: Path,
    run: Annotated[Path, typer.Option()],
    images: int = 3000,
    minutes: Annotated[float | None, typer.Option(help="Train this long instead.")] = None,
    bs: int = 4,
    small_until: float | None = None,  # share of the time at 128 px
    pretrained: str = "autoencoder",
    arch: str = "full",
    seed: int = 0,
):
    "Train the gallery on `photos`, write it as float16 and its paintings' thumbnails."
    pictures = {name: trimmed(next(paintings.glob(f"{name}.*"))) for name in GALLERY}
    within = run.with_name(f"{run.name}-paintings")
    files = {name: save_picture(p, within / f"{name}.png") for name, p in pictures.items()}
    train(
        photos, files, run, pretrained=pretrained, arch=arch, images=images * len(files), bs=bs,
        minutes=minutes, small_until=small_until, resume=run.exists(), seed=seed,
    )  # fmt: skip
    net, info, _ = load_style(run)
    name = "gallery" if arch == "full" else f"gallery-{arch}"
    path = ASSETS / f"{name}.safetensors"
    write_style({k: v.half() for k, v in net.state_dict().items()}, info, path)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    for name, picture in pictures.items():
        small = ImageOps.cover(picture, (THUMBNAIL, THUMBNAIL))
        save_picture(small, style_thumbnail(name))


def trimmed(file):
    picture = read_picture(file)
    across, down = (round(side * BORDER) for side in picture.size)
    return picture.crop((across, down, picture.width - across, picture.height - down))


if __name__ == "__main__":
    typer.run(main)
