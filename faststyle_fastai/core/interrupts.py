"Ctrl-C handling for work that must finish its current step."

import signal
import threading
from contextlib import contextmanager

__all__ = ["interrupts"]

ASKS = signal.SIGINT, signal.SIGTERM  # Ctrl-C, and what `kill` and a shutdown send


@contextmanager
def interrupts():
    "Yield a list that Ctrl-C appends to, to check between steps; a second Ctrl-C interrupts."
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    asked, before = [], {number: signal.getsignal(number) for number in ASKS}

    def restore():
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(*_):
        asked.append(True)
        restore()

    for number in ASKS:
        signal.signal(number, note)
    try:
        yield asked
    finally:
        restore()
