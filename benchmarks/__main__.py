"""All figures of speed and memory, one script after the other.

    python -m benchmarks --photos DIR [--peer EXAMPLES/fast_neural_style/neural_style]

Without the peer's folder its rows are left out. Each script says for itself what it measures.
"""

import argparse
import subprocess
import sys

from faststyle_fastai.all import find_pictures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="a folder")
    parser.add_argument("--peer", help="pytorch/examples' fast_neural_style/neural_style folder")
    args = parser.parse_args()
    three = [str(photo) for photo in find_pictures(args.photos)[0][:3]]
    photo, photos = three[:1], ["--photos", args.photos]
    peer = ["--peer", args.peer] if args.peer else []
    for script, words in {
        "roofline": [],
        "throughput": photos + peer,
        "painting": photo + peer,
        "folder": photos,
        "tiles": three,
        "runtimes": photo,
        "footprint": photos + peer,
        "growth": photos,
        "films": [],
        "bulk": photos,
    }.items():
        print(f"\n{script}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{script}", *words], check=True)


if __name__ == "__main__":
    main()
