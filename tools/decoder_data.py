"The data that make_decoder.py trains on: squares of photos and paintings in one small file."

import io
import random

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional as F

from faststyle_fastai.all import read_picture
from faststyle_fastai.core.atomic import atomic_write
from faststyle_fastai.images.discovery import picture_files

SIZE, PHOTO, PAINTING = 256, 288, 224  # px of crops, and of the squares in DATA.pt
QUALITY = 50  # of WebP
ZOOM = 0.7  # smallest crop, as a share of a square
HELD_OUT = 25  # the painters of every 25th name are not trained on


def pack(args):
    "Squares of photos and paintings, as WebP; large paintings give many, at several scales."
    painters = sorted({file.stem.split("_")[0] for file in picture_files(args.paintings)})
    away = set(painters[::HELD_OUT])
    paintings = [f for f in picture_files(args.paintings) if f.stem.split("_")[0] not in away]
    packed = {
        "photos": [square(read_picture(file), PHOTO) for file in picture_files(args.photos)],
        "paintings": [square(read_picture(file), PAINTING) for file in paintings],
    }
    random.seed(0)
    for file in picture_files(args.large):
        picture = read_picture(file)
        for _ in range(24):
            side = random.randint(PAINTING, min(picture.size))
            left, top = (random.randint(0, room - side) for room in picture.size)
            packed["paintings"].append(
                square(picture.crop((left, top, left + side, top + side)), PAINTING)
            )
    with atomic_write(args.out) as file:
        torch.save(packed, file)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB, {len(away)} painters held out")


def square(picture, side):
    file = io.BytesIO()
    picture = ImageOps.fit(picture, (side, side), Image.Resampling.LANCZOS)
    picture.save(file, "WEBP", quality=QUALITY)
    return file.getvalue()


def squares_of(files) -> Tensor:  # [N, 3, S, S], bytes
    pictures = [torch.from_numpy(np.array(Image.open(io.BytesIO(file)))) for file in files]
    return torch.stack(pictures).permute(0, 3, 1, 2)


def crops(pool: Tensor, n: int):
    "The same random square of random images, some mirrored: [n, 3, H, W] in [0, 1]."
    x = pool[torch.randint(len(pool), (n,), device=pool.device)]
    side = random.randint(round(ZOOM * x.shape[-1]), x.shape[-1])
    top, left = (random.randint(0, x.shape[-1] - side) for _ in "yx")
    x = x[..., top : top + side, left : left + side].float() / 255
    x = F.interpolate(x, (SIZE, SIZE), mode="bicubic", antialias=True).clamp(0, 1)
    mirrored = torch.rand(n, 1, 1, 1, device=x.device) < 0.5
    return torch.where(mirrored, x.flip(3), x).contiguous(memory_format=torch.channels_last)
