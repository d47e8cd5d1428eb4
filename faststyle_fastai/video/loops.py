"Videos that play forward, then backward."

import gc
from collections import deque
from dataclasses import replace
from itertools import islice, pairwise

from .reader import open_video

__all__ = ["play_back"]

HELD = 2**26  # pixels of the frames that are in memory at once


def play_back(parts) -> None:  # a writer.Parts
    "Add the frames of a video once more, backward, but for the last and the first."
    parts.close_part()
    parts.until, parts.back = None, "back"
    frames = backward(parts.files)
    later = next(frames)
    end = parts.last_time() + parts.shown + later.time
    for frame, _ in pairwise(frames):
        parts.add(replace(frame, time=end - later.time, seconds=later.time - frame.time))
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
