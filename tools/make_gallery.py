"""How assets/gallery.safetensors and its thumbnails are made: one network of all its paintings.

    python tools/make_gallery.py PHOTOS PAINTINGS --run RUN [--weights VGG19.safetensors]

RUN is a run folder: begun again, an interrupted training goes on. `--images` are photos for each
painting; with VGG19's weights they are trained under it, else under `lite`.
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


def main(
    photos: Path,
    paintings: Path,
    run: Annotated[Path, typer.Option()],
    images: int = 1500,
    arch: str = "full",
    weights: Path | None = None,
    seed: int = 0,
):
    "Train the gallery on `photos`, write it as float16 and its paintings' thumbnails."
    files = [next(paintings.glob(f"{name}.*")) for name in GALLERY]
    backbone = "vgg19" if weights else "lite"
    train(
        photos, files, run, pretrained="autoencoder", arch=arch, backbone=backbone, weights=weights,
        images=images * len(files), small_until=0.5, resume=run.exists(), seed=seed,
    )  # fmt: skip
    net, info, _ = load_style(run)
    name = "gallery" if arch == "full" else f"gallery-{arch}"
    path = ASSETS / f"{name}.safetensors"
    write_style({k: v.half() for k, v in net.state_dict().items()}, info, path)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    for name, file in zip(GALLERY, files):
        picture = read_picture(file)
        small = ImageOps.cover(picture, (THUMBNAIL, THUMBNAIL))
        save_picture(small, style_thumbnail(name))


if __name__ == "__main__":
    typer.run(main)
