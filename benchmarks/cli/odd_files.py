"""Photos and films like those of public bug reports: how many are read, timed and kept right.

    python -m benchmarks.cli.odd_files FOLDER

FOLDER holds odd files. Photos show `base.png` in their folder or above, or `base_alpha.png`, and
are compared with it. Films pass through `paint_video` with their frames left as they are, then
FFmpeg's own programs compare them with what they were: how many frames, the first of them, their
last time, and the length of the sound.
"""

import argparse
import json
import subprocess
import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
from PIL import Image

from benchmarks.report import report
from faststyle_fastai.all import Stylizer, paint_video, read_picture
from faststyle_fastai.images.formats import PICTURES
from faststyle_fastai.video import stylize

FILMS = {
    ".mp4", ".mkv", ".webm", ".mov", ".avi", ".ts", ".mpg", ".vob", ".flv", ".wmv", ".gif"
}  # fmt: skip
CLOSE = 4.0, 8.0  # of 255, mean difference: of a photo, and of a film's frame, which is compressed
SLACK = 0.12  # s
TIME = "best_effort_timestamp_time"
BASES = "", "_gray", "_alpha"
# Photos that show something else or in few colors, films that become white where they are clear,
# and one whose time stamps begin again.
OTHERS = (
    "base", "cover", "fax", "one", "strip", "slide", "0", "._", "SYNO", "gray12", "int16",
    "hard_alpha", "palette_alpha", "alpha_anim", "png_cicp_pq", "alpha.", "alpha_qtrle",
    "inter_change",
)  # fmt: skip
REFUSED = "empty.jpg", "truncated.jpg", "no_moov.mp4"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="Part of a file's name.")
    args = parser.parse_args()
    rows, shares = [], Counter()
    for file in sorted(args.folder.rglob("*")):
        kind = file.suffix.lower()
        area = "photos" if kind in PICTURES - {".gif"} else "films" if kind in FILMS else None
        if not area or args.only not in str(file) or not file.is_file():
            continue
        if file.name.startswith(OTHERS):
            continue
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                wrong = photo(args.folder, file) if area == "photos" else film(file)
            except Exception as error:
                wrong = f"{type(error).__name__}: {error}"
                wrong = "" if file.name in REFUSED and isinstance(error, ValueError) else wrong
        rows.append({"area": area, "file": str(file.relative_to(args.folder)), "wrong": wrong})
        shares[area, not wrong] += 1
        if wrong:
            notes = {str(one.message)[:90] for one in said}
            print(area, repr(file.name), wrong[:150], *notes, sep=" | ")
    for area in ("photos", "films"):
        right, wrong = shares[area, True], shares[area, False]
        print(f"{area}: {right} of {right + wrong} right")
    if not args.only:
        right = {area: shares[area, True] for area in ("photos", "films")}
        report("odd_files", [row for row in rows if row["wrong"]], files=len(rows), **right)


def photo(folder, file):
    "What is wrong with how a photo is read."
    found = on_white(read_picture(file))
    bases = [Image.open(folder / f"base{kind}.png") for kind in BASES]
    bases = [on_white(base) for base in (*bases, bases[-1].convert("LA"))]
    if found.shape != bases[0].shape:
        return f"{found.shape[1]}x{found.shape[0]}"
    off = min(np.abs(found - base).mean() for base in bases)
    return f"{off:.1f} levels" if off > CLOSE[0] else ""


def on_white(picture):
    whole = Image.new("RGBA", picture.size, "white")
    whole.alpha_composite(picture.convert("RGBA"))
    return np.asarray(whole.convert("RGB"), float)


class Passing(stylize.FramePainter):
    "Leaves frames as they are."

    def __call__(self, frame):
        return frame


def film(file):
    "What is wrong with a film that was painted."
    paint = Stylizer("tiny:great_wave", "cpu")
    with TemporaryDirectory() as folder, patch.object(stylize, "FramePainter", Passing):
        out = Path(folder) / "out.mkv"
        try:
            paint_video(paint, file, out)
        except Exception as error:
            if not out.exists() or "ends early" not in str(error):
                raise
        before, after = facts(file), facts(out)
        wrong = [
            f"{name} {before[name]:g} -> {after[name]:g}"
            for name in ("frames", "pictures, s", "sound, s")
            if abs(before[name] - after[name]) > SLACK
        ]
        base = file.with_name("base.png")  # FFmpeg leaves the primaries as they are
        wide = file.name.startswith("bt2020_sdr")
        a, b = on_white(Image.open(base)) if wide else first_frame(file), first_frame(out)
        off = np.abs(a - b).mean() if a.shape == b.shape else 255
        return ", ".join(wrong + [f"{off:.0f} levels"] * int(off > CLOSE[1]))


def facts(file):
    "Frames, and the lengths of pictures and sound, as FFmpeg decodes them."
    found = {}
    for name, kind in (("pictures", "V"), ("sound", "a")):
        told = subprocess.run(
            ["ffprobe", "-v", "quiet", "-select_streams", kind, "-of", "json", "-show_entries",
             "frame=stream_index,best_effort_timestamp_time,duration_time", file],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        frames = json.loads(told.stdout or "{}").get("frames", [])
        frames = [f for f in frames if f.get("stream_index") == frames[0].get("stream_index")]
        times = [float(f[TIME]) for f in frames if TIME in f]
        last = float(frames[-1].get("duration_time", 0)) if frames else 0
        found[f"{name}, s"] = max(times) - min(times) + last if times else 0
        found[f"{name[:-1] if name[-1] == 's' else name}s"] = len(frames)
    return {**found, "frames": found["pictures"]}


def first_frame(file):
    "As FFmpeg shows it, turned and with square pixels."
    told = subprocess.run(
        ["ffmpeg", "-v", "quiet", "-i", file, "-map", "0:V:0", "-frames:v", "1", "-vf",
         "scale=iw*sar:ih,setsar=1", "-f", "image2pipe", "-c:v", "ppm", "-"],
        capture_output=True, check=False,
    )  # fmt: skip
    with TemporaryDirectory() as folder:
        (file := Path(folder) / "frame.ppm").write_bytes(told.stdout)
        return np.asarray(Image.open(file).convert("RGB"), float)


if __name__ == "__main__":
    main()
