"""What the styles that ship make of photos, and what others make of them, by what the eye sees.

    python -m benchmarks.gallery PAINTINGS --photos DIR --weights VGG19 \\
        [--others NAME=DIR …] [--pictures DIR]

PAINTINGS is a folder. Tone, structure, mottling and grid as `faststyle evaluate` tells them;
content and style under VGG19, which trains none of ours. `--others` names folders of
DIR/STYLE/PHOTO.* by another program, measured on the same photos where they have them.
`--pictures` keeps ours in the same way, for `benchmarks.jury`.
"""

import statistics
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

MEASURED = "tone", "structure", "mottling", "grid", "content", "style"
SIZE = 448  # px of the short side


def main():
    parser = arguments(__doc__, "vgg19")
    parser.add_argument("paintings", type=Path, help="a folder")
    parser.add_argument("--others", nargs="*", default=[], metavar="NAME=DIR")
    parser.add_argument("--pictures", type=Path, help="a folder for ours")
    args = parser.parse_args()
    photos, gallery, rows = picture_files(args.photos)[: args.count], Stylizer("gallery"), []
    backbone = perceptual_backbone(args.backbone, args.weights)
    for style in GALLERY:
        painting = next(args.paintings.glob(f"{style}.*"))
        painter = partial(gallery.paint, style=style)
        rows += measured(style, yardstick(backbone, painting), painter, photos, args)
    facts = {"backbone": args.backbone, "photos": len(photos), "px": SIZE}
    report("gallery", rows, **facts)
    report("gallery_means", means(rows), **facts)


def means(rows):
    "Of all our styles, and of those that another program has too, ours beside its own."
    found = {(row["painting"], row["by"]): row for row in rows}
    table = []
    for other in dict.fromkeys(row["by"] for row in rows):
        shared = [painting for painting, by in found if by == other]
        for who in dict.fromkeys(["faststyle", other]):
            row = {"paintings": len(shared), "by": who}
            for measure in MEASURED:
                values = [found[painting, who][measure] for painting in shared]
                row[measure] = round(statistics.mean(values), 3)
            table.append(row)
    return table


def measured(style, loss, paint, photos, args):
    "A row for what `paint` makes of photos, and for each other program that has them."
    folders = {
        name: Path(folder) / style for name, folder in (p.split("=", 1) for p in args.others)
    }
    folders = {name: folder for name, folder in folders.items() if folder.is_dir()}
    found, sheet = evaluate_style(paint, photos, loss, SIZE, iterations=0, others=folders)
    if args.pictures:
        for photo, shown in zip(photos, sheet):
            save_picture(shown[1], args.pictures / style / f"{photo.stem}.png")
    rows = {"faststyle": found["network"]} | {name: found[name] for name in folders}
    table = [
        {"painting": style, "by": who} | {k: round(row[k], 3) for k in MEASURED}
        for who, row in rows.items()
    ]
    print(*table, sep="\n", flush=True)
    return table


if __name__ == "__main__":
    main()
