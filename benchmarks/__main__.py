"""Run the main benchmarks of speed and memory, one after the other.

    python -m benchmarks --photos DIR [--peer EXAMPLES/fast_neural_style/neural_style]

Without `--peer`, the rows of pytorch/examples are left out. The docstring of each script explains
its measurements.
"""

import argparse
import subprocess
import sys

from faststyle_fastai.images.discovery import find_pictures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    parser.add_argument("--peer", help="Folder fast_neural_style/neural_style of pytorch/examples.")
    args = parser.parse_args()
    three = [str(photo) for photo in find_pictures(args.photos)[0][:3]]
    photo, photos = three[:1], ["--photos", args.photos]
    peer = ["--peer", args.peer] if args.peer else []
    for script, words in {
        "core.roofline": [],
        "training.throughput": photos + peer,
        "inference.painting": photo + peer,
        "inference.folder": photos,
        "inference.tiles": three,
        "inference.strokes": photo,
        "inference.runtimes": photo,
        "training.footprint": photos + peer,
        "inference.growth": photos,
        "video.films": [],
        "bulk.bulk": photos,
    }.items():
        print(f"\n{script}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{script}", *words], check=True)


if __name__ == "__main__":
    main()
