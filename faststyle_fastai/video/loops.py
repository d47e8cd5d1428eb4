"The frames of videos that play forward, then backward."

import gc
from collections import deque
from dataclasses import replace
from fractions import Fraction
from itertools import islice, pairwise

from .reader import open_video

__all__ = ["played_back"]

HELD = 2**26  # pixels of the frames that are in memory at once


def played_back(
    files,  # parts of a video, in order
    end: Fraction,  # seconds, where it ends
):
    "The frames that follow when a video plays backward: all but the last and the first."
    frames = backward(files)
    last = later = next(frames)
    for frame, _ in pairwise(frames):
        time = end + last.time - later.time
        yield replace(frame, time=time, seconds=later.time - frame.time)
        later = frame


def backward(files):
    "Frames from the last to the first; a file is read once for each few of them."
    for file in reversed(files):
        n = None  # frames of it that are still to come; None: all
        while n != 0:
            with open_video(file) as part:
                most = max(1, HELD // (part.video.width * part.video.height))
                held = deque(enumerate(islice(part.frames(), n)), most)
                n, start = held[0][0], part.start_time
            gc.collect()  # PyAV's decoders are in cycles, and large
            while held:
                yield replace(frame := held.pop()[1], time=start + frame.time)
