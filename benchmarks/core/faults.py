"What a soak compares and counts."

import hashlib
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from safetensors.torch import load_file

LONGEST = 600  # s, after which a command or a visitor's request counts as hanging
FAULTS = "wrong bits", "lost files", "hangs", "tracebacks"


class Soak:
    "What is compared, and what was counted."

    def __init__(self, folder: Path, photos: list[Path], painting: Path, seconds: float):
        self.folder, self.photos, self.painting = folder, photos, painting
        self.end, self.lock = time.monotonic() + seconds, threading.Lock()
        self.done, self.faults, self.notes = Counter(), Counter(), []

    def going(self) -> bool:
        return time.monotonic() < self.end

    def count(self, what: str, fault: str | None = None, note: str = ""):
        with self.lock:
            self.done[what] += not fault
            if fault:
                self.faults[what, fault] += 1
                self.notes.append(f"{what}: {fault}: {note[-600:]}")
                print(self.notes[-1], file=sys.stderr, flush=True)

    def check(self, what: str, right: bool, fault: str, note: str = ""):
        self.count(what, None if right else fault, note)

    def run(self, what: str, *args, after: float | None = None, sign=signal.SIGKILL):
        "Run a command; send it a signal after some seconds. Returns its exit code, or None."
        command = [sys.executable, "-m", "faststyle_fastai", *map(str, args)]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        told = []
        listener = threading.Thread(target=lambda: told.extend(process.stderr))
        listener.start()
        try:
            with suppress(subprocess.TimeoutExpired):
                if after:
                    process.wait(after)
            if after and process.poll() is None:
                process.send_signal(sign)
            process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            self.count(what, "hangs", " ".join(command[2:]))
            process.kill()
        listener.join()
        if any("Traceback" in line for line in told):
            self.count(what, "tracebacks", "".join(told))
        return process.returncode, "".join(told)


def digest(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None


def weights(run: Path) -> str | None:
    if not (file := run / "model.safetensors").is_file():
        return None
    state = sorted(load_file(file).items())
    return hashlib.sha256(b"".join(x.numpy().tobytes() for _, x in state)).hexdigest()
