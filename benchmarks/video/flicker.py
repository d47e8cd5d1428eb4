"""How much painted videos flicker: plain, smoothed, trained for stability, and both; refined.

    python -m benchmarks.video.flicker CLIP [PLAIN STABLE] --style PAINTING --photos DIR

PLAIN and STABLE are runs of the same painting, trained alike except for `--temporal-loss`. Smoothed
rows use `--temporal-smoothing`. Without runs, PAINTING is painted at first sight and refined on
three frames. The temporal error is sqrt(mean (O_t - warp(O_t-1))²) over pixels that are not
occluded (as in ReCoNet). It is measured on CLIP, with the flow of OpenCV's DIS, and on a pan, a
zoom and a moving object, whose flow is known. The style error is that of `reference_loss`.
"""

import argparse
import math
from fractions import Fraction

import cv2
import numpy as np
from PIL import Image

from benchmarks.report import report
from faststyle_fastai.all import Stylizer, read_picture
from faststyle_fastai.images.discovery import find_pictures
from faststyle_fastai.inference.options import PaintOptions
from faststyle_fastai.perceptual.backbones import perceptual_backbone
from faststyle_fastai.perceptual.evaluate import evaluate_style, reference_loss
from faststyle_fastai.video.reader import VideoFrame, open_video
from faststyle_fastai.video.stylize import AT, FramePainter

SIZE, FRAMES, RATE = (320, 240), 24, 25
HIDDEN = 0.06  # difference of two photos in [0, 1] above which a pixel counts as occluded


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip")
    parser.add_argument("runs", nargs="*", metavar="RUN")
    parser.add_argument("--style", required=True)
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    parser.add_argument("--weights", help="VGG19 weights for the style error.")
    args = parser.parse_args()
    photos = find_pictures(args.photos)[0]
    scenes = {"clip": clip(args.clip)} | synthetic(read_picture(photos[5]).resize((480, 360)))
    backbone = perceptual_backbone("vgg19" if args.weights else "lite", args.weights)
    loss, rows = reference_loss(backbone, args.style), []
    for name, (style_for, smooth) in ways(args).items():
        row = {"": name}
        for scene, (frames, flows) in scenes.items():
            paint = style_for(frames)
            painted = FramePainter(paint, PaintOptions(stroke="finest"), smooth=smooth)
            times = (Fraction(i, RATE) for i in range(len(frames)))
            pictures = [
                painted(VideoFrame(f, t, Fraction(1, RATE))).picture for f, t in zip(frames, times)
            ]
            row[scene] = temporal_error(frames, pictures, flows)
        row["mean"] = sum(row[scene] for scene in scenes) / len(scenes)
        row["of plain"] = f"{row['mean'] / rows[0]['mean'] if rows else 1:.2f}x"
        found, _ = evaluate_style(paint.paint, photos[:8], loss, 256, 0)
        row["style error"] = found["network"]["style"]
        rows.append(row)
        print(row, flush=True)
    report("flicker" if args.runs else "flicker_refined", rows, size=SIZE, frames=FRAMES)


def ways(args):
    "Name -> function of a video's frames that gives its Stylizer, and whether to smooth."
    if not args.runs:
        sight = Stylizer(args.style)
        return {
            "at sight": (lambda frames: sight, False),
            "refined on three frames": (lambda frames: sight.refined(three(frames)), False),
        }
    plain, stable = map(Stylizer, args.runs)
    return {
        "plain": (lambda frames: plain, False),
        "--temporal-smoothing": (lambda frames: plain, True),
        "--temporal-loss": (lambda frames: stable, False),
        "--temporal-loss --temporal-smoothing": (lambda frames: stable, True),
    }


def three(frames):
    return [Image.fromarray(frames[round(at * (len(frames) - 1))]) for at in AT]


def temporal_error(photos, pictures, flows):
    "The temporal error of painted frames, in [0, 1]."
    errors = []
    for i in range(1, len(pictures)):
        flow = flows(i)
        before, now = (np.float32(pictures[k]) / 255 for k in (i - 1, i))
        photo_before, photo = (np.float32(photos[k]) / 255 for k in (i - 1, i))
        off = np.abs(warped(photo_before, flow) - photo).mean(-1)
        seen = off < HIDDEN  # outside the image, warped photos are -1
        errors.append(((now - warped(before, flow)) ** 2)[seen].mean())
    return math.sqrt(np.mean(errors))


def warped(picture, flow):
    rows, columns = np.indices(picture.shape[:2], np.float32)
    where = columns + flow[..., 0], rows + flow[..., 1]
    return cv2.remap(picture, *where, cv2.INTER_LINEAR, borderValue=(-1, -1, -1))


def clip(path):
    "Frames of a video, and the flow from each to the one before."
    with open_video(path) as video:
        frames = [cv2.resize(frame.picture, SIZE) for frame in video.frames(end=FRAMES / RATE)]
    grays = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return frames, lambda i: dis.calc(grays[i], grays[i - 1], None)


def synthetic(photo):
    "Videos of a photo with known motion."
    photo = np.asarray(photo)
    return {
        "pan": moving_photo(photo, lambda t: np.float32([[1, 0, 2.5 * t], [0, 1, 1.25 * t]])),
        "zoom": moving_photo(
            photo, lambda t: np.float32([[1 - 0.004 * t, 0, t], [0, 1 - 0.004 * t, t]])
        ),
        "object": moving_photo(photo, lambda t: np.float32([[1, 0, 40], [0, 1, 40]]), side=60),
    }


def moving_photo(photo, affine, side=0):
    "Frames whose pixel p shows the photo at affine(t) p, with a square of it that moves across."
    frames, maps = [], []
    columns, rows = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in SIZE))
    for t in range(FRAMES):
        (a, _, x), (_, b, y) = affine(t)
        frame = cv2.remap(photo, a * columns + x, b * rows + y, cv2.INTER_LINEAR)
        left = 20 + 6 * t
        if side:
            frame[80 : 80 + side, left : left + side] = photo[:side, :side]
        frames.append(frame)
        maps.append((a, b, x, y, left))

    def flow(i):
        (a, b, x, y, left), (a0, b0, x0, y0, left0) = maps[i], maps[i - 1]
        found = np.stack(
            [(a * columns + x - x0) / a0 - columns, (b * rows + y - y0) / b0 - rows], -1
        )
        if side:
            found[80 : 80 + side, left : left + side] = left0 - left, 0
        return found.astype(np.float32)

    return frames, flow


if __name__ == "__main__":
    main()
