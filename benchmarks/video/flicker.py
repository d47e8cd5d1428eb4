"""How much painted videos flicker: plain, smoothed, trained for stability, and both; refined.

    python -m benchmarks.video.flicker CLIP [PLAIN STABLE] --style PAINTING --photos DIR

PLAIN and STABLE are runs of the same painting, trained alike except for `--temporal-loss`. Smoothed
rows use `--temporal-smoothing`. Without runs, PAINTING is painted at first sight and refined on
three frames. The temporal error is that of neighboring frames (as in ReCoNet), see
`benchmarks.video.scenes`. It is measured on CLIP, and on a pan, a zoom and a moving object. The
style error is that of `reference_loss`.
"""

import argparse

from PIL import Image

from benchmarks.report import report
from benchmarks.video.scenes import FRAMES, SIZE, filmed, painted_film, synthetic, temporal_error
from faststyle_fastai.all import Stylizer, read_picture
from faststyle_fastai.images.discovery import find_pictures
from faststyle_fastai.perceptual.backbones import perceptual_backbone
from faststyle_fastai.perceptual.evaluate import evaluate_style, reference_loss
from faststyle_fastai.video.stylize import AT


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip")
    parser.add_argument("runs", nargs="*", metavar="RUN")
    parser.add_argument("--style", required=True)
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    parser.add_argument("--weights", help="VGG19 weights for the style error.")
    args = parser.parse_args()
    photos = find_pictures(args.photos)[0]
    scenes = {"clip": filmed(args.clip)} | synthetic(read_picture(photos[5]).resize((480, 360)))
    backbone = perceptual_backbone("vgg19" if args.weights else "lite", args.weights)
    loss, rows = reference_loss(backbone, args.style), []
    for name, (style_for, smooth) in ways(args).items():
        row = {"": name}
        for scene, (frames, flows) in scenes.items():
            paint = style_for(frames)
            pictures = painted_film(paint, frames, smooth=smooth)
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


if __name__ == "__main__":
    main()
