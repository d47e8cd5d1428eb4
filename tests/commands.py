"The command line run in the tests' own process, which spares the seconds that imports take."

import io
import os
import signal
import subprocess
import sys
import traceback
import warnings
from contextlib import contextmanager
from unittest import mock

from PIL import Image

from faststyle_fastai.cli import main as cli

QUIET_BY_DEFAULT = DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning


@contextmanager
def as_in_a_new_process(cwd=None, env=None):
    "Python's defaults inside; outside, nothing is left of what a command changes."
    here, limit = os.getcwd(), Image.MAX_IMAGE_PIXELS
    stop = signal.getsignal(signal.SIGTERM)
    with warnings.catch_warnings(), mock.patch.dict(os.environ, env or {}, clear=env is not None):
        warnings.resetwarnings()
        for category in QUIET_BY_DEFAULT:
            warnings.simplefilter("ignore", category)
        try:
            os.chdir(cwd or here)
            yield
        finally:
            os.chdir(here)
            Image.MAX_IMAGE_PIXELS = limit
            signal.signal(signal.SIGTERM, stop)


def exit_code(args, stdout, stderr, **kwargs):
    "Run a command with these streams; what it would end its process with."
    argv = ["faststyle", *map(str, args)]
    streams = mock.patch.multiple(sys, argv=argv, stdout=stdout, stderr=stderr)
    with as_in_a_new_process(**kwargs), streams:
        try:
            cli.main()
        except SystemExit as end:
            return end.code or 0
        except Exception:
            traceback.print_exc()
            return 1
    return 0


def faststyle(*args, **kwargs):
    "`faststyle('info', file)` → CompletedProcess."
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code = exit_code(args, out, err, **kwargs)
    shown = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return subprocess.CompletedProcess(args, code, *shown)


def faststyle_process(*args, **kwargs):
    "The same in a process of its own, where that is the point."
    command = [sys.executable, "-m", "faststyle_fastai", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **kwargs)
