"The memory of this machine: what is left, and how tensors get theirs."

import ctypes
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import torch

__all__ = ["SHARE", "free_memory", "give_back", "has_room", "reuse_memory"]

SHARE = 0.5  # of the free memory that may be taken
CGROUP = Path("/sys/fs/cgroup")
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # options of glibc's mallopt
LARGEST = 2**30, 2**25  # bytes of a tensor; glibc before 2.34 takes no more than the second


@lru_cache
def reuse_memory():
    """Have freed memory kept for what comes next, with glibc.

    It would give each large tensor's back, and get the next one's anew, page by page: on a CPU that
    takes a third of the time of painting a picture of 1080p, and half of 4K's.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        if any(libc.mallopt(MMAP_THRESHOLD, size) for size in LARGEST):
            libc.mallopt(TRIM_THRESHOLD, LARGEST[0])


def give_back():
    "Let the system have what is kept."
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def has_room(
    n_bytes: float,
    device: torch.device,
) -> bool:
    "Whether half of the free memory holds so much, if need be after what is kept is given back."
    if n_bytes <= SHARE * free_memory(device):
        return True
    give_back()
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
    with suppress(OSError, ValueError, KeyError):  # in a container with a limit
        most, used = (int((CGROUP / f"memory.{name}").read_text()) for name in ("max", "current"))
        stat = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        left.append(max(0, most - used + int(stat["inactive_file"])))  # of files: given up first
    if not left and hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        left.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    return min(left, default=4 << 30)
