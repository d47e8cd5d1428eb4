"The memory of this machine: how much is free, and how tensors are allocated."

import ctypes
import os
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import torch

__all__ = ["SHARE", "free_memory", "trim_memory", "fits_in_memory", "enable_memory_reuse"]

SHARE = 0.5  # share of the free memory that may be used
CGROUP = Path("/sys/fs/cgroup")
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # options of glibc's mallopt
LARGEST = 2**30, 2**25  # bytes of a tensor; glibc before 2.34 accepts only the second


@lru_cache
def enable_memory_reuse() -> None:
    """Make glibc keep freed memory for the next allocation.

    By default glibc returns each large tensor's memory and maps the next one page by page. On a CPU
    that takes a third of the time to paint a 1080p image, and half of the time at 4K.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        if any(libc.mallopt(MMAP_THRESHOLD, size) for size in LARGEST):
            libc.mallopt(TRIM_THRESHOLD, LARGEST[0])


def trim_memory() -> None:
    "Return cached memory to the operating system."
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def fits_in_memory(n_bytes: float, device: torch.device) -> bool:
    "Whether `n_bytes` fit in half of the free memory, trimming cached memory if needed."
    if n_bytes > SHARE * free_memory(device):
        trim_memory()
    return n_bytes <= SHARE * free_memory(device)


def free_memory(device: torch.device) -> int:
    "Free bytes on a device; an estimate where the system does not report them."
    if device.type == "cuda":
        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + idle
    free = []
    with suppress(OSError, IndexError):  # Linux
        available = Path("/proc/meminfo").read_text().split("MemAvailable:")[1]
        free.append(1024 * int(available.split()[0]))
    with suppress(OSError, ValueError, KeyError):  # in a container with a limit
        most, used = (int((CGROUP / f"memory.{name}").read_text()) for name in ("max", "current"))
        stat = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        cache = int(stat["inactive_file"])  # which is reclaimable
        free.append(max(0, most - used + cache))
    if not free and hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        free.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    if sys.platform == "win32":
        free.append(windows_memory())
    return min(free, default=4 << 30)


def windows_memory():
    "Free bytes, from kernel32's MEMORYSTATUSEX: two 32-bit numbers, then seven of 64 bits."
    status = (ctypes.c_uint64 * 8)(64)  # first its own size in bytes
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return status[2]  # [1] is the total
