"""How much painted films flicker: plain, `--smooth`, trained `--stable`, and both.

    python -m benchmarks.flicker CLIP PLAIN STABLE --style PAINTING --photos DIR

PLAIN and STABLE are runs of the same painting, trained alike but for `--stable`. The temporal error
is sqrt(mean (O_t - warp(O_t-1))²) where nothing is hidden (as ReCoNet has it): over CLIP, with the
flow that OpenCV's DIS finds, and over pans, zooms and a thing that moves over a photo, whose flow
is known. The style error is the yardstick's, on held-out photos.
"""

import argparse
import math
from fractions import Fraction

import cv2
import numpy as np

from benchmarks.report import report
from faststyle_fastai.all import Stylizer, find_pictures, read_picture
from faststyle_fastai.backbones import perceptual_backbone
from faststyle_fastai.evaluate import evaluate_style, yardstick
from faststyle_fastai.film import Frame, opened_film
from faststyle_fastai.video import frame_painter

SIZE, FRAMES, RATE = (320, 240), 24, 25
HIDDEN = 0.06  # difference of two photos, in [0, 1], beyond which something is hidden


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for word in ("clip", "plain", "stable"):
        parser.add_argument(word)
    parser.add_argument("--style", required=True)
    parser.add_argument("--photos", required=True, help="a folder")
    parser.add_argument("--weights", help="of VGG19, for the style error")
    args = parser.parse_args()
    photos = find_pictures(args.photos)[0]
    scenes = {"clip": clip(args.clip)} | synthetic(read_picture(photos[5]).resize((480, 360)))
    backbone = perceptual_backbone("vgg19" if args.weights else "lite", args.weights)
    loss, rows = yardstick(backbone, args.style), []
    for name, run, smooth in (
        ("plain", args.plain, False),
        ("--smooth", args.plain, True),
        ("--stable", args.stable, False),
        ("--stable --smooth", args.stable, True),
    ):
        paint = Stylizer(run)
        row = {"": name}
        for scene, (frames, flows) in scenes.items():
            painted = frame_painter(paint, None, 1.0, None, False, smooth, stroke="finest")
            times = (Fraction(i, RATE) for i in range(len(frames)))
            pictures = [
                painted(Frame(f, t, Fraction(1, RATE))).picture for f, t in zip(frames, times)
            ]
            row[scene] = temporal_error(frames, pictures, flows)
        row["mean"] = sum(row[scene] for scene in scenes) / len(scenes)
        row["of plain"] = f"{row['mean'] / rows[0]['mean'] if rows else 1:.2f}x"
        found, _ = evaluate_style(paint.paint, photos[:8], loss, 256, 0)
        row["style error"] = found["network"]["style"]
        rows.append(row)
        print(row, flush=True)
    report("flicker", rows, size=SIZE, frames=FRAMES)


def temporal_error(photos, pictures, flows):
    "Of painted frames, in [0, 1]."
    errors = []
    for i in range(1, len(pictures)):
        flow = flows(i)
        before, now = (np.float32(pictures[k]) / 255 for k in (i - 1, i))
        photo_before, photo = (np.float32(photos[k]) / 255 for k in (i - 1, i))
        off = np.abs(warped(photo_before, flow) - photo).mean(-1)
        seen = off < HIDDEN  # outside of the picture it is -1
        errors.append(((now - warped(before, flow)) ** 2)[seen].mean())
    return math.sqrt(np.mean(errors))


def warped(picture, flow):
    rows, columns = np.indices(picture.shape[:2], np.float32)
    where = columns + flow[..., 0], rows + flow[..., 1]
    return cv2.remap(picture, *where, cv2.INTER_LINEAR, borderValue=(-1, -1, -1))


def clip(path):
    "Frames of a film, and the flow from each to the one before."
    with opened_film(path) as film:
        frames = [cv2.resize(frame.picture, SIZE) for frame in film.frames(end=FRAMES / RATE)]
    grays = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return frames, lambda i: dis.calc(grays[i], grays[i - 1], None)


def synthetic(photo):
    "Films of a photo that moves in a known way."
    photo = np.asarray(photo)
    return {
        "pan": film(photo, lambda t: np.float32([[1, 0, 2.5 * t], [0, 1, 1.25 * t]])),
        "zoom": film(photo, lambda t: np.float32([[1 - 0.004 * t, 0, t], [0, 1 - 0.004 * t, t]])),
        "object": film(photo, lambda t: np.float32([[1, 0, 40], [0, 1, 40]]), thing=60),
    }


def film(photo, affine, thing=0):
    "Frames whose pixel p shows the photo at affine(t) p, with a piece of it that moves across."
    frames, maps = [], []
    columns, rows = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in SIZE))
    for t in range(FRAMES):
        (a, _, x), (_, b, y) = affine(t)
        frame = cv2.remap(photo, a * columns + x, b * rows + y, cv2.INTER_LINEAR)
        left = 20 + 6 * t
        if thing:
            frame[80 : 80 + thing, left : left + thing] = photo[:thing, :thing]
        frames.append(frame)
        maps.append((a, b, x, y, left))

    def flow(i):
        (a, b, x, y, left), (a0, b0, x0, y0, left0) = maps[i], maps[i - 1]
        found = np.stack(
            [(a * columns + x - x0) / a0 - columns, (b * rows + y - y0) / b0 - rows], -1
        )
        if thing:
            found[80 : 80 + thing, left : left + thing] = left0 - left, 0
        return found.astype(np.float32)

    return frames, flow


if __name__ == "__main__":
    main()
