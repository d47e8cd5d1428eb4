"""Make the README's images from the built-in files and photos with free licenses.

python -m tools.make_pictures PHOTOS

PHOTOS is a folder with scikit-image's astronaut.jpg (NASA, public domain), chelsea.jpg and
coffee.jpg (CC0). The other photos come with dependencies.
"""

import math
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import matplotlib
import numpy as np
import typer
from fastcore.basics import chunked
from PIL import Image, ImageOps
from sklearn import datasets

from benchmarks.video.keyframe import by_hand as drawn
from faststyle_fastai.all import (
    ASSETS,
    BUILTIN_STYLES,
    Stylizer,
    contact_sheet,
    optimize_style,
    paint_strokes,
    paint_video,
    painting_frames,
    picture_files,
    read_picture,
    save_picture,
    side_by_side,
    style_thumbnail,
    train,
)
from faststyle_fastai.inference.html import sample_photo
from faststyle_fastai.web.window import ENLARGED, PAINTED

IMAGES = Path(__file__).parent.parent / "nbs" / "images"
SAMPLES = Path(datasets.__file__).parent / "images"
PHOTO = SAMPLES / "china.jpg"
HOPPER = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
FRAMES = 16  # of the animation, one way
MINUTES = 4  # of training on a keyframe
SHOWN = {
    "astronaut": "woman_with_hat",
    "chelsea": "great_wave",
    "coffee": "night_cafe",
    "china": "the_scream",
}


def main(folder: Annotated[Path, typer.Argument(metavar="PHOTOS", help="Folder of photos.")]):
    "Make the README's images."
    names = "astronaut", "chelsea", "coffee"
    photos = {name: folder / f"{name}.jpg" for name in names} | {"china": PHOTO}
    paint = Stylizer("gallery")
    sample(paint)
    showcase(paint, photos)
    gallery(paint, [*photos.values(), HOPPER])
    brushed(paint, photos)
    film(Stylizer("slim"))  # as `faststyle video` paints
    people(paint, square(read_picture(photos["astronaut"]), 800))
    slow(photos["chelsea"])
    ladder(photos["coffee"], "woman_with_hat")
    likeness(photos["chelsea"], ASSETS / "composition_vii.jpg")
    keyframe(read_picture(photos["astronaut"]))


def sample(paint):
    "What the page shows before a photo is opened."
    painted = paint(sample_photo(ENLARGED), next(iter(BUILTIN_STYLES)))
    save_picture(painted, PAINTED, quality=80)


def showcase(paint, photos):
    "Make showcase.jpg (photos, paintings, painted photos) and strength.jpg (from 0 to 1)."
    blocks = []
    for name, style in SHOWN.items():
        pair = square(read_picture(photos[name])), square(read_picture(style_thumbnail(style)))
        made = paint(square(read_picture(photos[name]), 800), style, strokes=True)
        blocks.append(side_by_side([contact_sheet([[part] for part in pair], 8), made], 808))
    save_picture(contact_sheet(list(chunked(blocks, 2)), 24).reduce(2), IMAGES / "showcase.jpg")
    steps = [paint(PHOTO, "the_scream", strength) for strength in (0, 0.25, 0.5, 0.75, 1)]
    save_picture(side_by_side(steps, 220), IMAGES / "strength.jpg")


def brushed(paint, photos):
    "Make strokes.jpg (painted, and painted with strokes) and strokes.gif (how that comes about)."
    photo = square(read_picture(photos["coffee"]), 800)
    made = [paint(photo, "woman_with_hat", strokes=strokes) for strokes in (False, True)]
    save_picture(side_by_side([photo, *made], 400, 8), IMAGES / "strokes.jpg")
    found = paint_strokes(made[0], like=paint.painting_of("woman_with_hat"))
    shown = painting_frames(found, 280, FRAMES * 3, held=FRAMES)
    first, *rest = (frame.quantize(64, dither=0) for frame in shown)
    first.save(IMAGES / "strokes.gif", save_all=True, append_images=rest, duration=120, loop=0)


def film(paint):
    "Make film.gif: a pan over the photo and back, beside the same in Munch's style, smoothed."
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
    "Make gallery.jpg: the paintings of the built-in styles, each above a photo in its style."
    rows, photos = [], cycle(square(read_picture(photo)) for photo in photos)
    for names in chunked(BUILTIN_STYLES, len(BUILTIN_STYLES) // 2):
        rows.append([square(read_picture(style_thumbnail(name))) for name in names])
        rows.append([paint(next(photos), name) for name in names])
    save_picture(contact_sheet(rows).reduce(2), IMAGES / "gallery.jpg")


def people(paint, photo):
    "Make people.jpg: a photo, all of it painted, only the person, and the background."
    made = [paint(photo, "night_cafe", area=area) for area in ("all", "person", "background")]
    save_picture(side_by_side([photo, *made], 800, 16).reduce(2), IMAGES / "people.jpg")


def slow(photo):
    "Make slow.jpg: a photo, and the same photo optimized for two paintings."
    paintings = (ASSETS / name for name in ("composition_vii.jpg", "woman_with_hat.jpg"))
    made = [optimize_style(photo, painting, device="cpu") for painting in paintings]
    save_picture(side_by_side([read_picture(photo), *made], 280), IMAGES / "slow.jpg")


def ladder(photo, style):
    "Make ladder.jpg: a painting and a photo; at sight, refined, trained (built-in), optimized."
    painting = ASSETS / f"{style}.jpg"
    made = [Stylizer(painting)(photo), Stylizer(painting)(photo, refine=20), Stylizer(style)(photo)]
    made.append(optimize_style(photo, [painting]))
    above = [painting, *made[:2]]
    rows = [[square(read_picture(x), 640) for x in row] for row in (above, [photo, *made[2:]])]
    save_picture(contact_sheet(rows, 12).reduce(2), IMAGES / "ladder.jpg")


def likeness(photo, painting):
    "Make likeness.jpg: a photo, refined with likeness .4, .75 and .95."
    paint = Stylizer(painting)
    made = [paint(photo, refine=20, likeness=share) for share in (0.4, 0.75, 0.95)]
    save_picture(side_by_side([read_picture(photo), *made], 260), IMAGES / "likeness.jpg")


def keyframe(photo):
    "Make keyframe.jpg: frames of a film; below, the middle one by hand, the others by a network."
    photo = square(photo, 512)
    steps = [(100 * i // FRAMES, 360 + 50 * i // FRAMES) for i in range(FRAMES + 1)]
    walk = [photo.crop((at, at, at + side, at + side)).resize((448, 448)) for at, side in steps]
    middle, others = walk[FRAMES // 2], (walk[1], walk[-2])
    by_hand = Image.fromarray(drawn(np.asarray(middle)))
    with TemporaryDirectory() as folder:
        frames = Path(folder) / "frames"
        frames.mkdir()
        for i, picture in enumerate(walk[2:-2]):
            picture.save(frames / f"{i:04d}.png")
        pair = Path(folder) / "frame.png", Path(folder) / "painted.png"
        for picture, file in zip((middle, by_hand), pair):
            picture.save(file)
        run = train(
            frames, None, Path(folder) / "run", keyframes=[pair], minutes=MINUTES,
            images=200, quiet=True,
        )  # fmt: skip
        first, last = map(Stylizer(run), others)
    rows = [others[0], middle, others[1]], [first, by_hand, last]
    save_picture(contact_sheet([list(row) for row in rows], 12).reduce(2), IMAGES / "keyframe.jpg")


def square(picture, side=400):
    return ImageOps.fit(picture, (side, side))


if __name__ == "__main__":
    typer.run(main)
