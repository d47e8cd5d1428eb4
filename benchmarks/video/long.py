"""An hour of 1080p: constant memory, a true time left, and no seam after kills.

    python -m benchmarks.video.long PHOTO [--minutes 60] [--every 4] [--kills 2]

A film of 1920 x 1080 px with sound pans across PHOTO, with a frame every few seconds so that it
ends. `faststyle video` paints it in a terminal and gets SIGKILL at equal distances; `--resume` goes
on. *Time left* is what it says a minute after the last kill, beside what it then takes. *Jump* is
the largest mean difference of two neighbors among the 16 frames at a kill, beside their median.
"""

import argparse
import os
import pty
import re
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from benchmarks.report import report
from faststyle_fastai.all import open_video, read_picture

WIDTH, HEIGHT, SOUND = 1920, 1080, 8000  # px, px, Hz
STYLE = "great_wave"
AROUND = 8  # frames on both sides of a kill
LINE = re.compile(r"((?:\d+:)+\d+)  ([\d.]+) frames/s(?:  ((?:\d+:)+\d+) left)?")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo")
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--every", type=int, default=4, help="Seconds from frame to frame.")
    parser.add_argument("--kills", type=int, default=2)
    args = parser.parse_args()
    seconds = 60 * args.minutes
    with tempfile.TemporaryDirectory() as folder:
        film, out = Path(folder) / "film.mp4", Path(folder) / "painted.mp4"
        make_film(film, read_picture(args.photo), seconds, args.every)
        kills = [seconds * (i + 1) / (args.kills + 1) for i in range(args.kills)]
        runs = [painting(film, out, until) for until in (*kills, None)]
        with open_video(out) as video:
            painted = video.seconds
            sound = any(s.type == "audio" for s in video.video.container.streams)
        jumps = [jump(out, run["reached"], args.every) for run in runs[:-1]]
    last = runs[-1]
    row = {"film, min": args.minutes, "painted, min": float(painted) / 60, "sound": sound}
    row |= {"frames/s": last["rate"], "kills": args.kills, "jump": max(jumps)}
    row |= {"MB in the first minute": last["first"], "MB in the last": last["most"]}
    row |= {"s left, said": last["said"], "s left, true": last["true"]}
    report("long_film", [row], frames=seconds // args.every, size=[WIDTH, HEIGHT])


def make_film(path, photo, seconds, every):
    "Write a film that pans across a photo at a constant speed, with a hum."
    import av

    n = seconds // every
    picture = np.asarray(photo.resize((WIDTH + n, HEIGHT)))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(1, every), options={"preset": "ultrafast"}
        )
        (stream.width, stream.height), stream.pix_fmt = (WIDTH, HEIGHT), "yuv420p"
        hum = container.add_stream("aac", rate=SOUND, layout="mono")
        wave = np.float32(0.1 * np.sin(np.arange(every * SOUND) * 2 * np.pi * 220 / SOUND))[None]
        for i in range(n):
            frame = np.ascontiguousarray(picture[:, i : i + WIDTH])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
            sound = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
            sound.sample_rate, sound.pts = SOUND, i * wave.shape[1]
            container.mux(hum.encode(sound))
        container.mux(stream.encode())
        container.mux(hum.encode())


def painting(film, out, until):
    "Paint until a time of the film, then kill; to the end if it is None."
    command = [sys.executable, "-m", "faststyle_fastai", "video", str(film), "--style", STYLE]
    command += ["-o", str(out), "--resume"]
    terminal, there = pty.openpty()
    process = subprocess.Popen(command, stderr=there)
    os.close(there)
    found = {"reached": 0.0, "said": None, "first": 0.0, "most": 0.0}
    began = minute = None
    while text := heard(terminal):
        for at, rate, left in LINE.findall(text):
            now = time.monotonic()
            began = began or now
            found |= {"reached": in_seconds(at), "rate": float(rate)}
            megabytes = memory(process.pid)
            found["most"] = max(found["most"], megabytes)
            if minute is None and now - began > 60 and left:
                minute, found["said"], found["first"] = now, in_seconds(left), found["most"]
        if until and found["reached"] >= until:
            process.kill()
            break
    if process.wait() and not until:
        raise SystemExit(f"{' '.join(command)} failed.")
    os.close(terminal)
    found["true"] = minute and time.monotonic() - minute
    print({"until": until} | found, flush=True)
    return found


def heard(terminal):
    "What a process says next; nothing once it has ended."
    try:
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:
        return ""


def in_seconds(text):
    total = 0
    for part in text.split(":"):
        total = 60 * total + int(part)
    return total


def memory(pid):
    "Resident memory of a process in MB (Linux)."
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20
    except (OSError, IndexError):
        return 0.0


def jump(film, at, every):
    "How much larger the largest difference of neighbors near a time is than their median."
    frames = []
    with open_video(film) as video:
        for frame in video.frames(max(0, at - AROUND * every), at + AROUND * every):
            frames.append(cv2.resize(frame.picture, (480, 270), interpolation=cv2.INTER_AREA))
    steps = [np.abs(np.int16(a) - b).mean() for a, b in zip(frames, frames[1:])]
    return float(max(steps) / np.median(steps))


if __name__ == "__main__":
    main()
