"The memory of this machine: what is left, and how tensors get theirs."

import ctypes
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import torch

__all__ = ["SHARE", "free_memory", "has_room", "reuse_memory"]

SHARE = 0.5  # of the free memory that may be taken
CGROUP = Path("/sys/fs/cgroup")
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # options of glibc's mallopt
LARGEST = 2**30  # bytes


@lru_cache
def reuse_memory():
    """Have freed memory kept for what comes next, with glibc.

    It would give each large tensor's back, and get the next one's anew, page by page: on a CPU that
    takes a third of the time of painting a picture of 1080p, and half of 4K's.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(MMAP_THRESHOLD, LARGEST)
        libc.mallopt(TRIM_THRESHOLD, LARGEST)


def has_room(
    n_bytes: float,
    device: torch.device,
) -> bool:
    "Whether half of the free memory holds so much, if need be after what is kept is given back."
    if n_bytes <= SHARE * free_memory(device):
        return True
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    return n_bytes <= SHARE * free_memory(device)


def free_memory(device: torch.device) -> int:
    "Bytes that a device has left; a guess where a system does not tell."
    if device.type == "cuda":
        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + idle
    left = []
    with suppress(OSError, IndexError):  # Linux
        left.append(
            1024 * int(Path("/proc/meminfo").read_text().split("MemAvailable:")[1].split()[0])
        )
    with suppress(OSError, ValueError):  # in a container with a limit
        most, used = (int((CGROUP / f"memory.{name}").read_text()) for name in ("max", "current"))
        left.append(max(0, most - used))
    if not left and hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        left.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    return min(left, default=4 << 30)
