"""How well people are found: against true masks, and without people.

    python -m benchmarks.inference.people --portraits DIR --nobody DIR [--sheet FILE]

Beside each NAME.jpg in the folder of portraits lies NAME.mask.png, white where people are. The
intersection over union is that of pixels at least half white.
"""

import argparse
import statistics
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.report import report
from faststyle_fastai.all import PaintOptions, picture_files, read_picture
from faststyle_fastai.inference.people import painted_area

PERSON = PaintOptions(area="person")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--nobody", type=Path, required=True, help="Photos without people.")
    parser.add_argument("--sheet", type=Path, help="Write the worst portraits to this image.")
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # that nobody is found
    rows, shown = [], []
    for file in sorted(args.portraits.glob("*.mask.png")):
        photo = read_picture(next(args.portraits.glob(file.name.replace(".mask.png", ".[!m]*"))))
        found = painted_area(photo, PERSON)
        share = iou(*(np.asarray(x) > 127 for x in (found, Image.open(file).convert("L"))))
        rows.append(
            {"photos": file.name.split("_")[0], "share": share, "found": bool(found.getbbox())}
        )
        shown.append((share, photo, found, file))
    report("people", [*by_source(rows), nobody_row(args.nobody)])
    if args.sheet:
        sheet(sorted(shown, key=lambda row: row[0])[:24]).save(args.sheet)


def iou(found, truth):
    return float((found & truth).sum() / max(1, (found | truth).sum()))


def by_source(rows):
    for source in sorted({row["photos"] for row in rows}):
        own = [row for row in rows if row["photos"] == source]
        shares = [row["share"] for row in own]
        yield {
            "photos": f"{source} ({len(own)})",
            "found": sum(row["found"] for row in own),
            "IoU, mean": round(statistics.mean(shares), 3),
            "IoU, median": round(statistics.median(shares), 3),
            "IoU ≥ .9": sum(share >= 0.9 for share in shares),
        }


def nobody_row(folder):
    files = picture_files(folder)
    found = [painted_area(read_picture(file), PERSON).getbbox() is not None for file in files]
    blank = dict.fromkeys(("IoU, mean", "IoU, median", "IoU ≥ .9"), "–")
    return {"photos": f"without people ({len(files)})", "found": sum(found), **blank}


def sheet(rows):
    out = Image.new("RGB", (4 * 3 * 200, -(-len(rows) // 4) * 200))
    for i, (_, photo, found, file) in enumerate(rows):
        cut = Image.composite(photo, Image.new("RGB", photo.size, (255, 0, 200)), found)
        for j, image in enumerate((photo, cut, Image.open(file).convert("RGB"))):
            image = image.copy()
            image.thumbnail((200, 200))
            out.paste(image, ((i % 4) * 600 + 200 * j, i // 4 * 200))
    return out


if __name__ == "__main__":
    main()
