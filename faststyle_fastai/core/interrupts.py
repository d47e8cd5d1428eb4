"Ctrl-C handling for work that must finish its current step."

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["SIGNALS", "interrupts"]

# Ctrl-C; `kill` and a shutdown; a terminal that is closed, which Windows has no signal for.
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@contextmanager
def interrupts(pass_on: bool = False) -> Iterator[list[bool]]:
    """Yield a list that Ctrl-C appends to, to check between steps; a second Ctrl-C interrupts.

    With `pass_on`, each Ctrl-C also does what it does elsewhere: it ends refining, for example,
    and the list tells that what follows should not begin. Signals that are ignored, as under
    nohup, stay ignored.
    """
    pressed: list[bool] = []
    main = threading.current_thread() is threading.main_thread()  # others get no signals
    before = {number: signal.getsignal(number) for number in SIGNALS if main}
    before = {n: handler for n, handler in before.items() if handler not in (None, signal.SIG_IGN)}

    def note(number, frame):
        pressed.append(True)
        handler = before[number]
        if pass_on and callable(handler):
            handler(number, frame)
        else:
            restore()

    def restore():
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield pressed
    finally:
        restore()
