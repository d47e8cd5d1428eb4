"""Images per second when painting a folder, compared with the network alone.

    python -m benchmarks.inference.folder --photos DIR

`faststyle stylize FOLDER`, without its startup, reads, paints and writes 10, 100 and 1,000 photos
of 512 px as JPEG. Then the network alone paints the same images from tensors.
"""

import argparse
import contextlib
import io
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.report import report
from faststyle_fastai.all import Stylizer, read_picture, read_tensor
from faststyle_fastai.cli.stylize import stylize
from faststyle_fastai.core.assets import ASSETS
from faststyle_fastai.images.discovery import find_pictures

COUNTS, SIZE = (10, 100, 1000), (512, 384)
ROUNDS = 3  # of the network alone, on 20 images
STYLES = {"full": "great_wave", "slim": f"{ASSETS / 'gallery-slim.safetensors'}:great_wave"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    args = parser.parse_args()
    found, rows = find_pictures(args.photos)[0], []
    for arch, style in STYLES.items():
        for count in args.counts:
            with tempfile.TemporaryDirectory() as folder:
                for i in range(count):
                    picture = read_picture(found[i % len(found)]).resize(SIZE)
                    picture.save(Path(folder) / f"{i}.jpg", quality=95)
                alone = [network(style, folder)]
                began = time.perf_counter()
                with contextlib.redirect_stdout(io.StringIO()):
                    stylize([folder], style, Path(folder) / "out", quiet=True)
                each = (time.perf_counter() - began) / count
                alone += [network(style, folder) for _ in range(ROUNDS - 1)]
            row = {"network": arch, "pictures": count, "ms a picture": 1000 * each}
            row["of the network's rate"] = f"{statistics.median(alone) / each:.0%}"
            rows.append(row)
            print(row, flush=True)
    report("folder", rows, size=SIZE)


def network(style, folder):
    "Seconds per image of the network alone."
    paint, pictures = Stylizer(style), [read_tensor(p) for p in find_pictures(folder)[0][:20]]
    paint.paint(pictures[0])
    began = time.perf_counter()
    for x in pictures:
        paint.paint(x)
    return (time.perf_counter() - began) / len(pictures)


if __name__ == "__main__":
    main()
