"""How the rate of `paint_bulk` grows with the number of workers, on a local Ray cluster.

    python -m benchmarks.bulk.bulk --photos DIR

`paint_bulk` paints photos of 512 px with one worker and with two. Each worker has one CPU. The
rates cover the time between the first batches and the last. They exclude the start of the workers,
which takes equally long for any number of images. It is reported separately.
"""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.report import report
from faststyle_fastai.all import paint_bulk, read_picture
from faststyle_fastai.images.discovery import find_pictures

COUNT, SIZE, BATCH, STYLE = 240, (512, 384), 8, "slim:great_wave"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    args = parser.parse_args()
    found, rows = find_pictures(args.photos)[0], []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(COUNT):
            picture = read_picture(found[i % len(found)]).resize(SIZE)
            picture.save(Path(folder) / f"{i}.jpg", quality=95)
        for workers in (1, 2):
            out, seen = Path(folder) / f"out{workers}", []
            began = time.perf_counter()
            failed = paint_bulk(
                folder, out, STYLE, workers=workers, batch=BATCH,
                watch=lambda done, *_, seen=seen: seen.append((time.perf_counter(), done)),
            )  # fmt: skip
            assert not failed and len(list(out.glob("*.jpg"))) == COUNT
            (first, before), (last, after) = seen[2 * workers], seen[-1]
            row = {"workers": workers, "pictures": COUNT, "until the first, s": seen[0][0] - began}
            row["pictures/s"] = (after - before) / (last - first)
            row["times as many"] = row["pictures/s"] / (rows[0] if rows else row)["pictures/s"]
            rows.append(row)
            print(row, flush=True)
            for path in out.glob("*"):
                path.unlink()
    report("bulk", rows, size=SIZE, batch=BATCH, style=STYLE)


if __name__ == "__main__":
    main()
