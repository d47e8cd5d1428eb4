"""Draw the charts of the README and the guides from saved results.

python -m benchmarks.charts [FOLDER]
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from benchmarks.report import kept

OURS, THEIRS = "#2a6f97", "#c9c9c9"
NETWORKS = {"pytorch/examples": "pytorch/examples", "full": "faststyle", "slim": "faststyle, slim"}
# Rows of results/jury.json on other people's programs, and what a reader needs to know of them.
RIVALS = {
    "published networks of 2016": "networks of 2016, our built-in styles",
    "MicroAST (2023), at sight": "MicroAST (2023), at sight",
    "RLMiniStyler (2025), at sight": "RLMiniStyler (2025), at sight",
}
SHOWS = "Description"  # the entry of a PNG that keeps the values of its chart
IMAGES = Path(__file__).parent.parent / "nbs/images"


def main(folder=IMAGES):
    for name, draw in CHARTS.items():
        figure, axes = plt.subplots(figsize=(6.4, 2.6), layout="constrained")
        shown = draw(axes)
        axes.spines[["top", "right"]].set_visible(False)
        values = {SHOWS: json.dumps(shown)}
        figure.savefig(Path(folder) / f"{name}.png", dpi=125, metadata=values)
        plt.close(figure)


def speed(axes):
    "Draw seconds per image, for pytorch/examples' network and for ours, on each kind of CPU."
    rows = [row for row in kept("painting")["rows"] if row["picture"] == "1080p"]
    rows = [row for row in rows if row["network"] in NETWORKS]
    labels = [f"{NETWORKS[row['network']]}; {row['CPU']}" for row in rows]
    colors = [THEIRS if row["network"] == "pytorch/examples" else OURS for row in rows]
    bars = axes.barh(labels, [row["s"] for row in rows], color=colors)
    axes.bar_label(bars, [f"{row['s']:.2g} s" for row in rows], padding=3)
    axes.invert_yaxis()
    axes.set_title("Seconds per 1080p image, two cores", loc="left")
    return dict(zip(labels, [row["s"] for row in rows]))


def preferred(axes):
    "Draw how often judges would rather hang our image than one of another program."
    rows = {row["against"]: row for row in kept("jury")["rows"]}
    shares = [int(rows[name]["hang"].strip("%")) for name in RIVALS]
    labels = list(RIVALS.values())
    bars = axes.barh(labels, shares, color=OURS)
    axes.barh(labels, [100 - share for share in shares], left=shares, color=THEIRS)
    axes.bar_label(bars, [f"{share}%" for share in shares], label_type="center", color="white")
    axes.axvline(50, color="black", linewidth=0.8, linestyle=":")
    axes.invert_yaxis()
    axes.set_title("Pairs where judges would hang ours", loc="left")
    return dict(zip(labels, shares))


def ladder(axes):
    "Draw the style error under VGG19 of each way of painting, by its seconds."
    rows = kept("refining")["rows"]
    rows = [row for row in rows if row["CPU"] == rows[-1]["CPU"]]
    for kind, mark in {"at sight": "s", "refined": "o", "trained": "^", "optimized": "D"}.items():
        found = [row for row in rows if row["way"].startswith(kind)]
        x, y = ([row[key] for row in found] for key in ("s", "VGG19 style"))
        axes.plot(x, y, f"{mark}-", label=kind)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds")
    axes.legend(frameon=False)
    axes.set_title("Style error under VGG19, one photo, two cores", loc="left")
    return {row["way"]: [row["s"], row["VGG19 style"]] for row in rows}


def standard(axes):
    "Draw how far networks for any painting are from the painting and from the photo."
    for row in kept("standard")["rows"]:
        ours = row["network"].startswith("faststyle")
        if row["network"].endswith("refined"):  # on fewer pairs than the others
            continue
        left = row["network"] == "faststyle"  # its name would cover MicroAST
        shift = {"xytext": (-7, -3), "ha": "right"} if left else {"xytext": (7, -3)}
        axes.plot(row["content"], row["style"], "o", color=OURS if ours else THEIRS, markersize=9)
        place = row["content"], row["style"]
        axes.annotate(row["network"], place, textcoords="offset points", **shift)
    axes.margins(x=0.25, y=0.2)
    axes.set_xlabel("content distance")
    axes.set_ylabel("style distance")
    axes.set_title("Under VGG19, 512 px: less is better", loc="left")
    return {row["network"]: [row["content"], row["style"]] for row in kept("standard")["rows"]}


CHARTS = {"speed": speed, "preferred": preferred, "ladder": ladder, "standard": standard}


if __name__ == "__main__":
    main(*sys.argv[1:])
