"""Make assets/autoencoder.safetensors: `faststyle pretrain`, stored in half precision.

python tools/make_autoencoder.py PHOTOS -o faststyle_fastai/assets/autoencoder.safetensors
"""

from pathlib import Path
from typing import Annotated

import typer

from faststyle_fastai.models.stylefile import load_style, write_style
from faststyle_fastai.training.pretraining import pretrain


def main(
    photos: Path,
    out: Annotated[Path, typer.Option("-o")],
    arch: str = "full",
    images: int | None = None,
    seed: int = 0,
):
    "Pretrain on `photos` with the recipe `fast` and write the network as float16."
    pretrain(photos, out, arch=arch, images=images, seed=seed, force=True)
    net, info, _ = load_style(out)
    write_style({k: v.half() for k, v in net.state_dict().items()}, info, out)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    typer.run(main)
