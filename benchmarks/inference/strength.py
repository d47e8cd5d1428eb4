"""How evenly `strength` leads from photo to painting: content and style errors along the way.

    python -m benchmarks.inference.strength NAME PAINTING --photos DIR --backbone vgg19 \\
        --weights FILE -o OUT

NAME is a built-in style.
"""

from functools import partial

from benchmarks.report import arguments, held_out, report
from faststyle_fastai.all import (
    Stylizer,
    contact_sheet,
    evaluate_style,
    perceptual_backbone,
    save_picture,
)
from faststyle_fastai.perceptual.evaluate import reference_loss


def main():
    parser = arguments(__doc__, "vgg19")
    parser.add_argument("style")
    parser.add_argument("painting")
    parser.add_argument("-o", "--out", required=True, help="Contact sheet, one row per photo.")
    args = parser.parse_args()
    photos, paint = held_out({"seed": 0}, args.photos, args.count), Stylizer(args.style).paint
    loss = reference_loss(perceptual_backbone(args.backbone, args.weights), args.painting)
    rows, columns = [], []
    for strength in (0, 0.25, 0.5, 0.75, 1):
        painted = partial(paint, strength=strength)
        found, sheet = evaluate_style(painted, photos, loss, iterations=0)
        net = found["network"]
        rows.append({"strength": strength} | {k: round(net[k], 3) for k in ("content", "style")})
        columns.append([row[-1] for row in sheet])
    save_picture(contact_sheet(list(zip(*columns))), args.out)
    report("strength", rows, style=args.style, backbone=args.backbone, photos=len(photos))


if __name__ == "__main__":
    main()
