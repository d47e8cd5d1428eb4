"Ctrl-C handling for work that must finish its current step."

import signal
import threading
from contextlib import contextmanager

__all__ = ["interrupts"]


@contextmanager
def interrupts():
    "Yield a list that Ctrl-C appends to, to check between steps; a second Ctrl-C interrupts."
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    asked, before = [], signal.getsignal(signal.SIGINT)

    def note(*_):
        asked.append(True)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
