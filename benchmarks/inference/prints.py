"""What a large print costs, and how well that is said beforehand.

    python -m benchmarks.inference.prints PHOTO

The command paints the photo for 100x70 cm at 200 dpi, with and without strokes of thick paint. The
table shows the seconds that it said beforehand, those that it took from then on, and its peak
resident memory (Linux).
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time

from benchmarks.report import fresh, report

PAPER, DPI, STYLE = "100x70cm", 200, "starry_night"
WAYS = {
    "JPEG": ("a.jpg",),
    "PDF, bleed 3 mm": ("a.pdf", "--bleed", "3mm"),
    "JPEG, strokes": ("a.jpg", "--strokes"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo")
    photo = parser.parse_args().photo
    report("prints", [{"print": what} | fresh(printed, photo, *how) for what, how in WAYS.items()])


def printed(photo, out, *how):
    with tempfile.TemporaryDirectory() as folder:
        what = "stylize", photo, "--style", STYLE, "--print", PAPER, "--dpi", DPI, *how
        what = *what, "-o", f"{folder}/{out}"
        command = [sys.executable, "-m", "faststyle_fastai", *map(str, what)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
            said = running.stderr.readline()
            began = time.perf_counter()
        took = time.perf_counter() - began
    size, time_said = re.search(r"A print of (\d+x\d+) px: about ([\d:]+)", said).groups()
    hours, minutes, seconds = map(int, f"0:0:{time_said}".split(":")[-3:])
    return {
        "size, px": size,
        "said, s": 3600 * hours + 60 * minutes + seconds,
        "s": took,
        "peak, MB": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
    }


if __name__ == "__main__":
    main()
