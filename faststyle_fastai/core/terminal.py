"Text for a terminal: one line, printable, and progress."

import re
import sys

__all__ = ["CLEAR", "clock", "end_progress", "one_line", "printable", "progress", "tell"]

CLEAR = f"\r{'':<72}\r"
shown = False  # whether a line of progress is on the terminal

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # also halves of UTF-16 pairs


def one_line(message: object) -> str:
    "A message without line breaks and control characters."
    return printable(" ".join(str(message).split()))


def utf8(name: str) -> str:
    "The name of a file, with ? for bytes that are not UTF-8, as some archives leave them."
    return name.encode(errors="replace").decode()


def printable(text: str) -> str:
    "Escape control characters, as \\x1b: names from files and servers must not steer a terminal."
    return CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def clock(seconds: float) -> str:
    "Hours, minutes and seconds: 1:05 for 65, 2:00:00 for 7200."
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def progress(line: str) -> None:
    "Print a line to stderr; on a terminal it replaces the previous one, see `end_progress`."
    global shown
    shown, line = sys.stderr.isatty(), printable(line)
    text, end = (f"\r{line:<72}", "") if shown else (line, "\n")
    print(text, end=end, file=sys.stderr, flush=True)


def end_progress(end: str = "\n") -> None:
    "What is printed next begins a new line. `end=CLEAR` removes the line of progress."
    global shown
    if shown:
        print(end=end, file=sys.stderr, flush=True)
    shown = False


def tell(line: str) -> None:
    "Print a line to stderr that stays there."
    end_progress()
    print(printable(line), file=sys.stderr)
