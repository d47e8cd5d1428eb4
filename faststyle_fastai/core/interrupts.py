"Ctrl-C handling for work that must finish its current step."

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["SIGNALS", "interrupts", "noted"]

# Ctrl-C; `kill` and a shutdown; a terminal that is closed, which Windows has no signal for.
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@contextmanager
def interrupts() -> Iterator[list[bool]]:
    "Yield a list that Ctrl-C appends to, to check between steps; a second Ctrl-C interrupts."
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    pressed: list[bool] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def note(*_):
        pressed.append(True)
        _handle(before)

    with _handled(dict.fromkeys(SIGNALS, note), before):
        yield pressed


@contextmanager
def noted() -> Iterator[list[bool]]:
    "Yield a list that Ctrl-C appends to beside what it does: refining ends, and the rest should."
    pressed: list[bool] = []
    before = {n: handler for n in SIGNALS if callable(handler := signal.getsignal(n))}

    def note(number, frame):
        pressed.append(True)
        before[number](number, frame)

    with _handled(dict.fromkeys(before, note), before):
        yield pressed


@contextmanager
def _handled(handlers, before):
    _handle(handlers)
    try:
        yield
    finally:
        _handle(before)


def _handle(handlers):
    for number, handler in handlers.items():
        signal.signal(number, handler)
