"""Painting videos: frames per second compared with the network alone, and memory over length.

    python -m benchmarks.video.films

A generated video of 320x240 px is decoded, painted by the slim and by the full network, and
encoded. Then the network alone paints its frames from memory. Memory is measured for videos of
64x48 px, of half a minute and of ten minutes, each in a new process (Linux).
"""

import argparse
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from benchmarks.report import fresh, measured, report
from faststyle_fastai.all import Stylizer, paint_video
from faststyle_fastai.core.assets import builtin_path
from faststyle_fastai.inference.options import PaintOptions
from faststyle_fastai.video.frame_painter import FramePainter
from faststyle_fastai.video.reader import VideoFrame, open_video

RATE, SIZE, SECONDS = 25, (320, 240), 16
SMALL, LENGTHS = (64, 48), (30, 600)  # px, seconds
SLIM = f"{builtin_path('gallery', 'slim')}:great_wave"


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        source = make_video(Path(folder) / "in.mp4", SIZE, SECONDS)
        for name, style in (("slim", SLIM), ("full", "great_wave")):
            paint = Stylizer(style)
            began = time.perf_counter()
            paint_video(paint, source, Path(folder) / "out.mp4", stroke="finest")
            took = time.perf_counter() - began
            alone = network(paint, source)
            row = {"film": f"{SIZE[0]}x{SIZE[1]}, {name}", "frames/s": SECONDS * RATE / took}
            rows.append(row | {"of the network's rate": f"{alone / took:.0%}", "peak, MB": ""})
            print(rows[-1], flush=True)
        for seconds in LENGTHS:
            source = make_video(Path(folder) / f"{seconds}.mp4", SMALL, seconds)
            took, megabytes = fresh(paint_long, source, Path(folder) / "long.mp4")
            row = {"film": f"{SMALL[0]}x{SMALL[1]}, slim, {seconds} s"}
            row |= {"frames/s": seconds * RATE / took, "of the network's rate": ""}
            rows.append(row | {"peak, MB": round(megabytes)})
            print(rows[-1], flush=True)
    report("films", rows)


def make_video(path, size, seconds):
    "Write a video of a moving gradient."
    import av

    across = np.linspace(0, 4 * np.pi, size[0])[None] + np.linspace(0, 9, size[1])[:, None]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        for i in range(seconds * RATE):
            waves = (np.sin(across + np.array([0.1, 0.2, 0.3])[:, None, None] * i) + 1) * 127
            picture = np.ascontiguousarray(waves.astype(np.uint8).transpose(1, 2, 0))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


def network(paint, source):
    "Seconds of the network alone for all frames."
    with open_video(source) as opened:
        frames = list(opened.frames())
    painted = FramePainter(paint, PaintOptions(stroke="finest"))
    began = time.perf_counter()
    for i, frame in enumerate(frames):
        painted(VideoFrame(frame.picture, Fraction(i, RATE), Fraction(1, RATE)))
    return time.perf_counter() - began


def paint_long(source, out):
    "Seconds to paint a video, and MB that this adds to the peak of this process."
    paint = Stylizer(SLIM)
    paint.paint(torch.zeros(1, 3, 48, 64))
    return measured(lambda: paint_video(paint, source, out, stroke="finest"))


if __name__ == "__main__":
    main()
