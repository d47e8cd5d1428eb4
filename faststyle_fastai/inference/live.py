"The gallery for live painting: the full network where it keeps up, else the slim one."

import json
import platform
import time

import torch
from fastcore.xdg import xdg_cache_home

from .. import __version__
from ..core.atomic import best_effort_write
from ..core.devices import autocast_dtype, use_device
from ..core.provenance import write_json
from .stylizer import Stylizer

__all__ = ["live_gallery"]

FRAME = 1, 3, 240, 320
ENOUGH = 12  # frames per second of a video that still looks live
SECONDS = 1.0  # of measuring


def live_gallery(
    device: torch.device | str | None = None,
    precision: str = "auto",  # see devices.autocast_dtype
) -> str:  # gallery | slim
    """Choose the network of the built-in styles that paints live video on this machine.

    The first call measures for a second how fast the full network is. The result is kept in the
    user's cache folder for this device, precision, and number of threads.
    """
    device = use_device(device)
    file, dtype = xdg_cache_home() / "faststyle" / "speed.json", autocast_dtype(device, precision)
    key = f"{platform.node()} {device} {dtype} {torch.get_num_threads()} {__version__}"
    try:
        known = dict(json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):  # not there yet, or damaged
        known = {}
    if key not in known:
        known[key] = frames_per_second(device, precision)
        best_effort_write(write_json, known, file)
    return "gallery" if known[key] >= ENOUGH else "slim"


def frames_per_second(device, precision) -> float:
    "How many frames the full network paints per second."
    paint, frame, frames = Stylizer("gallery", device, precision), torch.zeros(FRAME), 0
    paint.paint(frame)  # the first takes longer
    began = time.perf_counter()
    while (took := time.perf_counter() - began) < SECONDS:
        paint.paint(frame).cpu()
        frames += 1
    return round(frames / took, 1)
