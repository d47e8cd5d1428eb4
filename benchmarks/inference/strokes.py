"""What strokes of thick paint cost, and a style of many works.

    python -m benchmarks.inference.strokes PHOTO [PAINTINGS]

The photo is painted at 1024 px with and without strokes, its strokes are drawn at larger sizes, and
it is painted at sight in one, 8 and 45 works of the folder PAINTINGS. Each row is a new process.
The table shows the seconds and the peak resident memory beyond the loaded networks (Linux).
"""

import argparse

from PIL import ImageOps

from benchmarks.report import fresh, measured, report
from faststyle_fastai.all import Stylizer, draw_strokes, paint_strokes, picture_files, read_picture

STYLE, SIDE, SIZES, WORKS = "starry_night", 1024, (1024, 4096, 8192), (1, 8, 45)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo")
    parser.add_argument("paintings", nargs="?", help="Folder of paintings.")
    args = parser.parse_args()
    found = {f"painted, {SIDE} px": fresh(painted, args.photo, False)}
    found[f"with strokes, {SIDE} px"] = fresh(painted, args.photo, True)
    found |= {f"strokes drawn, {size} px": fresh(drawn, args.photo, size) for size in SIZES}
    if args.paintings:
        works = picture_files(args.paintings)
        found |= {f"at sight, {n} works": fresh(at_sight, args.photo, works[:n]) for n in WORKS}
    rows = [{"what": what, "s": s, "peak, MB": round(mb)} for what, (s, mb) in found.items()]
    report("strokes", rows)


def shown(photo):
    return ImageOps.contain(read_picture(photo), (SIDE, SIDE))


def painted(photo, strokes):
    paint = Stylizer(STYLE)
    paint(shown(photo).resize((64, 64)))
    return measured(lambda: paint(shown(photo), strokes=strokes))


def drawn(photo, size):
    strokes = paint_strokes(shown(photo))
    return measured(lambda: draw_strokes(strokes, size))


def at_sight(photo, works):
    paint = Stylizer({"works": works})
    return measured(lambda: paint(shown(photo)))


if __name__ == "__main__":
    main()
