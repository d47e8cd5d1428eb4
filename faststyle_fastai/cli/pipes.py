"Images through pipes: `-` is standard input or standard output."

import io
import os
import sys
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from typer import BadParameter

from ..core.errors import FaststyleError

__all__ = ["piped"]

PIPE = "-"


@contextmanager
def piped(options: dict[str, Any]):
    "The options of a command with files in place of pipes; a PNG of its output at the end."
    with TemporaryDirectory() as folder:
        photo, painted = Path(folder) / "photo.png", Path(folder) / "painted.png"
        if PIPE in options["inputs"]:
            if sys.stdin.isatty() or not (data := sys.stdin.buffer.read()):
                raise BadParameter("- reads an image from a pipe, and none came.")
            photo.write_bytes(data)  # which says what it is
            given = [str(photo) if text == PIPE else text for text in options["inputs"]]
            options = options | {"inputs": given}
        inputs = options["inputs"]
        if options["out"] == Path(PIPE) and sys.stdout.isatty():
            raise BadParameter(
                "-o - writes to a pipe, and this is a terminal. Give a file, or redirect with >."
            )
        if options["out"] == Path(PIPE) and (len(inputs) > 1 or os.path.isdir(inputs[0])):
            raise BadParameter("-o - : one image fits in a pipe. Give a folder.")
        try:
            if options["out"] != Path(PIPE):
                yield options
                return
            with redirect_stdout(io.StringIO()):  # which would hold the file's name
                yield options | {"out": painted}
        except (ValueError, MemoryError, FaststyleError) as error:
            if folder not in str(error):
                raise
            said = str(error).replace(str(photo), "The image from the pipe")
            raise FaststyleError(said.replace(str(painted), "The pipe")) from None
        sys.stdout.buffer.write(painted.read_bytes())
