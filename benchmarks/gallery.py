"""What the styles that ship make of photos, and what others make of them, by what the eye sees.

    python -m benchmarks.gallery PAINTINGS --photos DIR --weights VGG19 \\
        [--others NAME=DIR …] [--pictures DIR]

PAINTINGS is a folder. Tone, mottling and grid as `faststyle evaluate` tells them; content and style
under VGG19, which trains none of ours. `--others` names folders of DIR/STYLE/PHOTO.* by another
program, measured on the same photos where they have them. `--pictures` keeps ours in the same way,
for `benchmarks.jury`.
"""

from functools import partial
from pathlib import Path

from benchmarks.report import arguments, report
from faststyle_fastai.all import (
    GALLERY,
    Stylizer,
    evaluate_style,
    perceptual_backbone,
    picture_files,
    save_picture,
    yardstick,
)

MEASURED = "tone", "mottling", "grid", "content", "style"
SIZE = 448  # px of the short side


def main():
    parser = arguments(__doc__, "vgg19")
    parser.add_argument("paintings", type=Path, help="a folder")
    parser.add_argument("--others", nargs="*", default=[], metavar="NAME=DIR")
    parser.add_argument("--pictures", type=Path, help="a folder for ours")
    args = parser.parse_args()
    photos, gallery, rows = picture_files(args.photos)[: args.count], Stylizer("gallery"), []
    for style in GALLERY:
        painting = next(args.paintings.glob(f"{style}.*"))
        painter = partial(gallery.paint, style=style)
        rows += measured(style, painting, painter, photos, args)
    report("gallery", rows, backbone=args.backbone, photos=len(photos), px=SIZE)


def measured(style, painting, paint, photos, args):
    "A row for what `paint` makes of photos, and for each other program that has them."
    loss = yardstick(perceptual_backbone(args.backbone, args.weights), painting)
    others, rows = dict(pair.split("=", 1) for pair in args.others), {}
    for other in [None, *(name for name in others if (Path(others[name]) / style).is_dir())]:
        folder = other and Path(others[other]) / style
        found, sheet = evaluate_style(paint, photos, loss, SIZE, 0, others=folder)
        rows["faststyle"] = found["network"]
        if other:
            rows[other] = found["others"]
    if args.pictures:
        for photo, shown in zip(photos, sheet):
            save_picture(shown[1], args.pictures / style / f"{photo.stem}.png")
    table = [
        {"painting": style, "by": who} | {k: round(row[k], 3) for k in MEASURED}
        for who, row in rows.items()
    ]
    print(*table, sep="\n", flush=True)
    return table


if __name__ == "__main__":
    main()
