"""The README's pictures, from runs of `faststyle train` and scikit-learn's sample photo.

python tools/make_pictures.py RUN [RUN …]
"""

import sys
from pathlib import Path

from sklearn import datasets

from faststyle_fastai.all import Stylizer, read_picture, save_picture, side_by_side

IMAGES = Path(__file__).parent.parent / "nbs" / "images"
PHOTO = Path(datasets.__file__).parent / "images" / "china.jpg"


def main(runs):
    "showcase.jpg: the photo and each run's picture; strength.jpg: the first run from 0 to 1."
    painted = [Stylizer(run)(PHOTO) for run in runs]
    save_picture(side_by_side([read_picture(PHOTO), *painted], 280), IMAGES / "showcase.jpg")
    paint = Stylizer(runs[0])
    steps = [paint(PHOTO, strength=strength) for strength in (0, 0.25, 0.5, 0.75, 1)]
    save_picture(side_by_side(steps, 220), IMAGES / "strength.jpg")


if __name__ == "__main__":
    main(sys.argv[1:])
