"Names of files: as long as a disk allows, with a percent sign, and as the caller wrote them."

import os

import numpy as np
import pytest
from conftest import is_clean
from PIL import Image

from faststyle_fastai.core.atomic import atomic_write, hidden_name
from faststyle_fastai.images import formats
from faststyle_fastai.images.files import read_picture
from faststyle_fastai.images.saving import save_picture
from faststyle_fastai.video.writer import Pictures, check_video_format, video_writer

LONG = "é" * 125 + ".png"  # 254 bytes


def test_a_name_of_254_bytes_is_written(tmp_path):
    assert len(os.fsencode(LONG)) == 254
    save_picture(Image.new("RGB", (8, 8)), tmp_path / LONG)
    assert read_picture(tmp_path / LONG).size == (8, 8) and is_clean(tmp_path)


def test_long_names_stay_apart_and_short_ones_as_they_are():
    names = {hidden_name(end + "a" * 240 + end, "-12345.png") for end in "xy"}
    assert len(names) == 2 and max(map(len, names)) <= 255
    assert hidden_name("run", "-1.json") == ".run-1.json"


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="a folder that nobody can write to")
def test_the_error_names_the_file_that_was_asked_for():
    with pytest.raises(OSError, match="'/proc/x.jpg'$"):
        save_picture(Image.new("RGB", (8, 8)), "/proc/x.jpg")


def test_another_file_s_error_is_unchanged(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.txt"), atomic_write(tmp_path / "a.txt"):
        (tmp_path / "none.txt").read_text()


def test_a_percent_sign_is_part_of_a_name(tmp_path):
    red = Image.new("RGB", (8, 8), "red")
    for name in ("50% done.gif", "100%.gif"):
        red.save(tmp_path / name)
        check_video_format(tmp_path / name, True, False)
        assert not isinstance(video_writer(tmp_path / name, None, {}), Pictures)
    folder = tmp_path / "5% off"
    writer = video_writer(folder / "a%04d.png", None, {})
    writer.add(type("Frame", (), {"picture": np.asarray(red), "aspect": 1}))
    assert [path.name for path in folder.iterdir()] == ["a0001.png"]


def test_an_address_whose_name_windows_forbids(monkeypatch):
    address = "https://x.org/a%3Fb/What%3F:large"
    assert formats.file_name(address) == "What?:large.png"
    monkeypatch.setattr(formats, "BARRED", '<>:"|?*')
    assert formats.file_name(address) == "What__large.png"
