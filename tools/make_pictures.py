"""The README's pictures, from what ships, a run of `faststyle train`, and its dependencies' photos.

python tools/make_pictures.py [--many RUN] [--own RUN RUN …]
"""

import argparse
import json
import math
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
FRAMES = 16  # of the film, there; and back
PHOTOS = (
    PHOTO,
    SAMPLES / "flower.jpg",
    Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--many", help="a run of several styles: many.jpg")
    parser.add_argument("--own", nargs="+", help="runs of one style each: own.jpg", default=())
    args = parser.parse_args()
    paint = Stylizer("great_wave")
    showcase(paint)
    gallery(paint)
    film(paint)
    slow()
    if args.many:
        several(Stylizer(args.many))
    if args.own:
        own([Path(run) for run in args.own])


def showcase(paint):
    "showcase.jpg: the photo in three styles; strength.jpg: in the first from 0 to 1."
    names = "the_scream", "starry_night", "great_wave"
    pictures = [read_picture(PHOTO), *(paint(PHOTO, name) for name in names)]
    save_picture(side_by_side(pictures, 280), IMAGES / "showcase.jpg")
    steps = [paint(PHOTO, names[0], strength) for strength in (0, 0.25, 0.5, 0.75, 1)]
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


def several(paint):
    "many.jpg: a row for each photo's middle, a column for each style."
    photos = [ImageOps.fit(read_picture(photo), (400, 400)) for photo in PHOTOS]
    rows = [[photo, *(paint(photo, style) for style in paint.styles)] for photo in photos]
    save_picture(contact_sheet(rows).reduce(2), IMAGES / "many.jpg")


def gallery(paint):
    "gallery.jpg: the paintings of the styles that ship, below each what becomes of the photo."
    photo, rows = square(read_picture(PHOTO)), []
    for names in chunked(GALLERY, len(GALLERY) // 2):
        rows.append([square(read_picture(style_thumbnail(name))) for name in names])
        rows.append([paint(photo, name) for name in names])
    save_picture(contact_sheet(rows).reduce(2), IMAGES / "gallery.jpg")


def slow():
    "slow.jpg: the photo, and what optimising its pixels after two paintings gives."
    paintings = (ASSETS / name for name in ("composition_vii.jpg", "woman_with_hat.jpg"))
    made = [optimize_style(PHOTO, painting, device="cpu") for painting in paintings]
    save_picture(side_by_side([read_picture(PHOTO), *made], 280), IMAGES / "slow.jpg")


def own(runs):
    "own.jpg: the painting of each run, below it what its network makes of the photo."
    paintings = [json.loads((run / "run.json").read_text())["settings"]["style"][0] for run in runs]
    above = [square(read_picture(painting)) for painting in paintings]
    below = [Stylizer(run)(square(read_picture(PHOTO))) for run in runs]
    save_picture(contact_sheet([above, below]).reduce(2), IMAGES / "own.jpg")


def square(picture):
    return ImageOps.fit(picture, (400, 400))


if __name__ == "__main__":
    main()
