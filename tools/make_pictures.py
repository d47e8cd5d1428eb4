"""The README's pictures, from what ships and photos that may be shown.

python tools/make_pictures.py PHOTOS

PHOTOS is a folder with scikit-image's astronaut.jpg (NASA, public domain), chelsea.jpg, coffee.jpg
(CC0); the others come with dependencies.
"""

import argparse
import math
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
from fastcore.basics import chunked
from PIL import ImageOps
from sklearn import datasets

from faststyle_fastai.all import (
    ASSETS,
    GALLERY,
    Stylizer,
    contact_sheet,
    optimize_style,
    paint_video,
    picture_files,
    read_picture,
    save_picture,
    side_by_side,
    style_thumbnail,
)

IMAGES = Path(__file__).parent.parent / "nbs" / "images"
SAMPLES = Path(datasets.__file__).parent / "images"
PHOTO = SAMPLES / "china.jpg"
HOPPER = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
FRAMES = 16  # of the film, there; and back
SHOWN = {
    "astronaut": "udnie",
    "chelsea": "great_wave",
    "coffee": "night_cafe",
    "china": "the_scream",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="a folder")
    args = parser.parse_args()
    names = "astronaut", "chelsea", "coffee"
    photos = {name: args.photos / f"{name}.jpg" for name in names} | {"china": PHOTO}
    paint = Stylizer("gallery")
    showcase(paint, photos)
    gallery(paint, [*photos.values(), HOPPER])
    film(paint)
    slow(photos["chelsea"])


def showcase(paint, photos):
    "showcase.jpg: each photo, a painting, and the one after the other; strength.jpg: from 0 to 1."
    blocks = []
    for name, style in SHOWN.items():
        pair = square(read_picture(photos[name])), square(read_picture(style_thumbnail(style)))
        made = paint(square(read_picture(photos[name]), 800), style)
        blocks.append(side_by_side([contact_sheet([[part] for part in pair], 8), made], 808))
    save_picture(contact_sheet(list(chunked(blocks, 2)), 24).reduce(2), IMAGES / "showcase.jpg")
    steps = [paint(PHOTO, "the_scream", strength) for strength in (0, 0.25, 0.5, 0.75, 1)]
    save_picture(side_by_side(steps, 220), IMAGES / "strength.jpg")


def film(paint):
    "film.gif: along the photo and back, beside it `--smooth` after Munch."
    photo = read_picture(PHOTO)
    with TemporaryDirectory() as folder:
        steps = [round(48 * (1 - math.cos(math.pi * i / FRAMES))) for i in range(FRAMES)]
        walk = [photo.crop((at, 60, at + 448, 360)) for at in steps]
        for i, picture in enumerate(walk):
            picture.save(Path(folder) / f"{i:03}.png")
        out = Path(folder) / "painted" / "%03d.png"
        paint_video(paint, Path(folder) / "%03d.png", out, "the_scream", smooth=True)
        pairs = [
            side_by_side([picture, read_picture(painted)]).reduce(2)
            for picture, painted in zip(walk, picture_files(out.parent))
        ]
    first, *rest = (pair.quantize(64, dither=0) for pair in [*pairs, *pairs[-2:0:-1]])
    first.save(IMAGES / "film.gif", save_all=True, append_images=rest, duration=80, loop=0)


def gallery(paint, photos):
    "gallery.jpg: the paintings of the styles that ship, below each what becomes of a photo."
    rows, photos = [], cycle(square(read_picture(photo)) for photo in photos)
    for names in chunked(GALLERY, len(GALLERY) // 2):
        rows.append([square(read_picture(style_thumbnail(name))) for name in names])
        rows.append([paint(next(photos), name) for name in names])
    save_picture(contact_sheet(rows).reduce(2), IMAGES / "gallery.jpg")


def slow(photo):
    "slow.jpg: a photo, and what optimizing its pixels after two paintings gives."
    paintings = (ASSETS / name for name in ("composition_vii.jpg", "woman_with_hat.jpg"))
    made = [optimize_style(photo, painting, device="cpu") for painting in paintings]
    save_picture(side_by_side([read_picture(photo), *made], 280), IMAGES / "slow.jpg")


def square(picture, side=400):
    return ImageOps.fit(picture, (side, side))


if __name__ == "__main__":
    main()
