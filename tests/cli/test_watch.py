"`faststyle stylize --watch`: photos are painted as they come."

import os
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from PIL import Image

from faststyle_fastai.cli import plans

STYLE = "--style", "tiny:udnie", "--stroke", "broadest"


@pytest.fixture
def watch(faststyle, monkeypatch):
    "Watch `in`, with one step of a story between two looks, then Ctrl-C → what was said."

    def run(*story, args=("in", "-o", "out")):
        steps = iter(story)

        def pause(_):
            try:
                next(steps)()
            except StopIteration:
                raise KeyboardInterrupt from None

        # Not of the module itself: other threads sleep, too.
        monkeypatch.setattr(plans, "time", SimpleNamespace(sleep=pause))
        return faststyle("stylize", "--watch", *args, *STYLE)

    os.mkdir("in")
    return run


def nothing():
    pass


def test_photos_are_painted_once_when_they_are_whole(watch, photo):
    data = photo.read_bytes()

    def begin():
        with open("in/a.jpg", "wb") as file:
            file.write(data[:500])

    def finish():
        shutil.copy(photo, "in/a.jpg")

    said = watch(begin, finish, nothing, nothing, nothing)
    assert said.returncode == 130 and said.stdout.split() == ["out/a.jpg"]
    lines = said.stderr.splitlines()
    assert lines[0] == "Watching in. Ctrl-C stops."
    assert lines[-1] == "error: Stopped after 1 image."


def test_a_restart_paints_only_what_is_new_or_changed(watch, photo):
    for name in "abc":
        shutil.copy(photo, f"in/{name}.jpg")
    os.utime("in/c.jpg", (2**32, 2**32))  # a camera's clock
    assert len(watch(nothing, nothing).stdout.split()) == 3
    shutil.copy(photo, "in/d.jpg")
    os.utime("out/a.jpg", (1, 1))  # older than its photo
    assert watch(nothing, nothing).stdout.split() == ["out/a.jpg", "out/d.jpg"]
    change = lambda: Image.new("RGB", (40, 30), "red").save("in/b.jpg")  # noqa: E731
    assert watch(nothing, change, nothing, nothing).stdout.split() == ["out/b.jpg"]
    again = watch(nothing, nothing, args=("in", "-o", "out", "--overwrite"))
    assert len(again.stdout.split()) == 4


def test_what_cannot_be_read_is_said_once_and_read_when_it_is_mended(watch, photo):
    with open("in/a.jpg", "wb") as file:
        file.write(photo.read_bytes()[:500])
    said = watch(nothing, nothing, lambda: shutil.copy(photo, "in/a.jpg"), nothing, nothing)
    assert said.stdout.split() == ["out/a.jpg"] and said.stderr.count("in/a.jpg") == 1


def test_a_folder_that_goes_away_is_waited_for(watch, photo):
    def back():
        os.mkdir("in")
        shutil.copy(photo, "in/a.jpg")

    said = watch(lambda: os.rmdir("in"), nothing, back, nothing, nothing)
    assert said.stdout.split() == ["out/a.jpg"] and said.stderr.count("in is gone. Waiting.") == 1


@pytest.mark.parametrize(
    "args, why",
    [
        (("in", "in", "-o", "out"), "--watch takes one folder, not in in."),
        (("a.png", "-o", "out"), "--watch takes one folder, not a.png."),
        (("in", "-o", "."), "--watch needs another folder than . as -o."),
        (("in", "-o", "in"), "--watch needs another folder than in as -o."),
        (("in", "-o", "a.png"), "--watch needs another folder than a.png as -o."),
    ],
)
def test_one_folder_is_watched_and_another_is_written(watch, args, why):
    Image.new("RGB", (8, 8)).save("a.png")
    said = watch(args=args)
    assert said.returncode == 2 and said.stderr == f"error: {why}\n"


def test_it_is_stopped(photo):
    os.mkdir("in")
    shutil.copy(photo, "in/a.jpg")
    command = [sys.executable, "-m", "faststyle_fastai", "stylize", "--watch", "in", "-o", "out"]
    with subprocess.Popen([*command, *STYLE], stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout.readline() == "out/a.jpg\n"
        process.send_signal(signal.SIGTERM)  # Ctrl-C does the same, where it is not ignored
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and said.endswith("error: Stopped after 1 image.\n")


def test_a_picture_of_one_s_own_is_not_overwritten(watch, photo):
    os.mkdir("out")
    Image.new("RGB", (8, 8), "red").save("out/a.jpg")
    os.utime("out/a.jpg", (1, 1))
    mine = open("out/a.jpg", "rb").read()
    shutil.copy(photo, "in/a.jpg")
    said = watch(nothing, nothing, nothing)
    assert not said.stdout and said.stderr.count("a.jpg was not made by faststyle") == 1
    assert open("out/a.jpg", "rb").read() == mine
    assert not watch(nothing, nothing, args=("in", "-o", "out", "--strip")).stdout
    said = watch(nothing, nothing, args=("in", "-o", "out", "--skip-existing"))
    assert "remove --skip-existing" in said.stderr
    assert watch(nothing, nothing, args=("in", "-o", "out", "--overwrite")).stdout
