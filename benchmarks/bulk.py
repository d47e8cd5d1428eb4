"""Pictures by the million: how the rate grows with workers, on a Ray cluster on this machine.

    python -m benchmarks.bulk --photos DIR

`paint_bulk` on photos of 512 px with one worker and with two, each with one processor. The rates
are of the time between the first pieces and the last, so that a worker's start, which is said apart
and does not grow with the number of pictures, does not count.
"""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.report import report
from faststyle_fastai.all import find_pictures, paint_bulk, read_picture

COUNT, SIZE, BATCH, STYLE = 240, (512, 384), 8, "light:great_wave"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="a folder")
    args = parser.parse_args()
    found, rows = find_pictures(args.photos)[0], []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(COUNT):
            picture = read_picture(found[i % len(found)]).resize(SIZE)
            picture.save(Path(folder) / f"{i}.jpg", quality=95)
        for workers in (1, 2):
            out, told = Path(folder) / f"out{workers}", []
            began = time.perf_counter()
            failed = paint_bulk(
                folder, out, STYLE, workers=workers, batch=BATCH,
                watch=lambda done, *_, told=told: told.append((time.perf_counter(), done)),
            )  # fmt: skip
            assert not failed and len(list(out.glob("*.jpg"))) == COUNT
            (first, before), (last, after) = told[2 * workers], told[-1]
            row = {"workers": workers, "pictures": COUNT, "until the first, s": told[0][0] - began}
            row["pictures/s"] = (after - before) / (last - first)
            row["times as many"] = row["pictures/s"] / (rows[0] if rows else row)["pictures/s"]
            rows.append(row)
            print(row, flush=True)
            for path in out.glob("*"):
                path.unlink()
    report("bulk", rows, size=SIZE, batch=BATCH, style=STYLE)


if __name__ == "__main__":
    main()
