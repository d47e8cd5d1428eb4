"""Draw the README's two charts from saved results.

python -m benchmarks.charts [FOLDER]
"""

import sys
from pathlib import Path
from textwrap import fill

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from benchmarks.report import kept

OURS, THEIRS = "#2a6f97", "#c9c9c9"
NETWORKS = {"pytorch/examples": "pytorch/examples", "full": "faststyle", "slim": "faststyle, slim"}
IMAGES = Path(__file__).parent.parent / "nbs/images"


def main(folder=IMAGES):
    for name, draw in {"speed": speed, "preferred": preferred}.items():
        figure, axes = plt.subplots(figsize=(6.4, 2.6), layout="constrained")
        draw(axes)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(Path(folder) / f"{name}.png", dpi=125)
        plt.close(figure)


def speed(axes):
    "Draw seconds per image, for pytorch/examples' network and for ours, on each kind of CPU."
    rows = [row for row in kept("painting")["rows"] if row["picture"] == "1080p"]
    rows = [row for row in rows if row["network"] in NETWORKS]
    labels = [f"{NETWORKS[row['network']]}; {row['CPU']}" for row in rows]
    bars = axes.barh(labels, [row["s"] for row in rows], color=colors(rows))
    axes.bar_label(bars, [f"{row['s']:.2g} s" for row in rows], padding=3)
    axes.invert_yaxis()
    axes.set_title("Seconds per 1080p image, two cores", loc="left")


def preferred(axes):
    "Draw how often judges would rather hang our image."
    own = "slim", "tiny", "from the gallery", "float32"  # pairs of two networks of ours
    rows = [r for r in kept("jury")["rows"] if not any(words in r["against"] for words in own)]
    shares = [int(row["hang"].strip("%")) for row in rows]
    labels = [fill(f"{row['against']}, {row['pairs']} pairs", 36) for row in rows]
    bars = axes.barh(labels, shares, color=OURS)
    axes.barh(labels, [100 - share for share in shares], left=shares, color=THEIRS)
    axes.bar_label(bars, [f"{share}%" for share in shares], label_type="center", color="white")
    axes.axvline(50, color="black", linewidth=0.8, linestyle=":")
    axes.invert_yaxis()
    axes.set_title("Pairs where judges would hang ours", loc="left")


def colors(rows):
    return [THEIRS if row["network"] == "pytorch/examples" else OURS for row in rows]


if __name__ == "__main__":
    main(*sys.argv[1:])
