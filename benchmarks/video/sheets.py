"""Film sheets for judges: the same short films, painted by us and by a published network.

    python -m benchmarks.video.sheets OUT --photos DIR --paintings DIR --peers DIR \\
        [--style gallery] [--painterly] [--n 20]
    python -m benchmarks.perceptual.jury count OUT ANSWERS.csv … --questions steady style hang \\
        [--only 2016 --against 2016 --table films_jury]

The films are those of `benchmarks.video.steady` with known motion, of several photos. Half of the
peers' are by networks of 2016, half by MicroAST. OUT/pairNN.png shows the first frame and the
painting, and for each side: three frames; a patch in sixteen frames, moved as the film moves, so
that a steady one looks the same in all; and one line of pixels over time, moved alike, so that a
steady one shows straight streaks. OUT.key.json records our sides: keep it from the judges.

Ask them: steady, which film holds still (patches alike, streaks straight and unbroken)? style, as
in `benchmarks.perceptual.jury`. hang, which film would you rather watch?
"""

import argparse
import json
import random
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageOps

from benchmarks.perceptual.jury import key_file
from benchmarks.standard.peers import PEERS
from benchmarks.video.scenes import FRAMES, SIZE, painted_film, parallax, synthetic, warped
from benchmarks.video.steady import OF_2016, of_2016, of_files
from faststyle_fastai.all import (
    BUILTIN_STYLES,
    Stylizer,
    contact_sheet,
    picture_files,
    read_picture,
)

KINDS = "pan", "zoom", "object", "parallax"
WEIGHTS = {
    "great_wave": "wave",
    "the_scream": "scream",
    "udnie": "udnie",
    "wreck_minotaur": "wreck",
}
SHOWN, PATCHES = (0, 8, 16), 16
PATCH = slice(70, 166), slice(110, 206)  # rows, columns
LINE, ROWS = 120, 6  # the row of pixels over time; rows of the sheet per frame


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    for name in ("--photos", "--paintings", "--peers"):
        parser.add_argument(name, type=Path, required=True, help="Folder.")
    parser.add_argument("--style", default="gallery", help="Network of the built-in styles.")
    parser.add_argument("--painterly", action="store_true", help="Paint as `--painterly` does.")
    parser.add_argument("--n", type=int, default=20)
    args = parser.parse_args()
    photos, paint, rng = picture_files(args.photos), Stylizer(args.style), random.Random(7)
    micro = PEERS["MicroAST"]
    micro = micro.load(args.peers / Path(micro.repository).name)
    args.out.mkdir(parents=True, exist_ok=True)
    key = {}
    for k in range(args.n):
        frames, flow = scene(k, photos)
        old = k % 2 == 0
        style = list(WEIGHTS if old else BUILTIN_STYLES)[k // 2 % (4 if old else 14)]
        painting = next(args.paintings.glob(f"{style}.*"))
        ours = (Stylizer(painting), None) if args.painterly else (paint, style)
        films = [painted_film(ours[0], frames, ours[1], painterly=args.painterly)]
        if old:
            films += [of_2016(args.peers / OF_2016 / "src" / "ckpts" / WEIGHTS[style])(frames)]
        else:
            films += [of_files(micro, [painting])[0](frames)]
        if flip := rng.random() < 0.5:
            films.reverse()
        above = [Image.fromarray(frames[0]), ImageOps.contain(read_picture(painting), SIZE)]
        sheet(above, films, flow).save(args.out / f"pair{k + 1:02d}.png")
        key[f"{k + 1:02d}"] = {"style": "2016" if old else "MicroAST", "a": "R" if flip else "L"}
        print(f"{k + 1} of {args.n}: {style}", flush=True)
    key_file(args.out).write_text(json.dumps(key, indent=1))


def scene(k, photos):
    "The k-th film: its frames and motion."
    near, *far = (read_picture(photos[(k + i) % len(photos)]).resize((480, 360)) for i in (0, 3, 6))
    kind = KINDS[k // 2 % len(KINDS)]
    return parallax([near, *far]) if kind == "parallax" else synthetic(near)[kind]


def sheet(above, films, flow):
    "What is compared, above, and the two films below, side by side."
    sides = [side(film, flow) for film in films]
    for label, picture in zip("LR", sides):
        ImageDraw.Draw(picture).text(
            (4, 4), label, "white", font_size=24, stroke_width=2, stroke_fill="black"
        )
    return contact_sheet([above, sides], gap=8)


def side(film, flow):
    "A film's frames, patches, and line of pixels over time, equally wide."
    still = [np.uint8(warped(np.asarray(film[i]), flow(0, i)).clip(0, 255)) for i in range(FRAMES)]
    patches = [frame[PATCH] for frame in still[:PATCHES]]
    over_time = np.stack([frame[LINE] for frame in still]).repeat(ROWS, 0)
    frames = np.hstack([np.asarray(film[i]) for i in SHOWN])
    rows = [frames, np.hstack(patches[:8]), np.hstack(patches[8:]), over_time]
    wide = frames.shape[1]
    rows = [cv2.resize(row, (wide, len(row) * wide // row.shape[1])) for row in rows]
    return Image.fromarray(np.vstack(rows))


if __name__ == "__main__":
    main()
