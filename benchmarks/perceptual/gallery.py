"""Compare the built-in styles with other programs' by measures that agree with the eye.

    python -m benchmarks.perceptual.gallery PAINTINGS --photos DIR --weights VGG19 \\
        [--others NAME=DIR …] [--pictures DIR]

PAINTINGS is a folder. Tone, structure, mottling, patches and grid are those of `faststyle
evaluate`. Content and style are measured under VGG19, which trained none of our styles. `--others`
names folders of images by other programs, as DIR/STYLE/PHOTO.*. They are measured on the same
photos, where they exist. `--pictures` saves our images in the same layout, for
`benchmarks.perceptual.jury`.
"""

import statistics
from functools import partial
from pathlib import Path

from benchmarks.report import arguments, report
from faststyle_fastai.all import (
    BUILTIN_STYLES,
    Stylizer,
    evaluate_style,
    perceptual_backbone,
    picture_files,
    save_picture,
)
from faststyle_fastai.perceptual.evaluate import reference_loss

MEASURED = "tone", "structure", "mottling", "patches", "grid", "content", "style"
SIZE = 448  # px of the short side


def main():
    parser = compared_arguments(__doc__)
    parser.add_argument("paintings", type=Path, help="Folder of paintings.")
    args = parser.parse_args()
    photos, gallery, rows = picture_files(args.photos)[: args.count], Stylizer("gallery"), []
    backbone = perceptual_backbone(args.backbone, args.weights)
    for style in BUILTIN_STYLES:
        painting = next(args.paintings.glob(f"{style}.*"))
        painter = partial(gallery.paint, style=style)
        rows += measured(style, reference_loss(backbone, painting), painter, photos, args)
    facts = {"backbone": args.backbone, "photos": len(photos), "px": SIZE}
    report("gallery", rows, **facts)
    report("gallery_means", means(rows), **facts)


def compared_arguments(doc):
    "A parser with the options of scripts that compare our images with other programs'."
    parser = arguments(doc, "vgg19")
    parser.add_argument("--others", nargs="*", default=[], metavar="NAME=DIR")
    parser.add_argument("--pictures", type=Path, help="Folder for our images.")
    return parser


def means(rows):
    "Means over all our styles, and for each program over the styles that it shares with us."
    found = {(row["painting"], row["by"]): row for row in rows}
    table = []
    for other in dict.fromkeys(row["by"] for row in rows):
        shared = [painting for painting, by in found if by == other]
        for who in dict.fromkeys(["faststyle", other]):
            row = {"paintings": len(shared), "by": who}
            for measure in MEASURED:
                values = [found[painting, who][measure] for painting in shared]
                row[measure] = round(statistics.mean(values), 3)
            if row not in table:
                table.append(row)
    return table


def measured(style, loss, paint, photos, args):
    "A row for the images of `paint`, and one for each other program that has the style."
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
