"The films of live photos."

import shutil

import pytest
from clips import sound_of, times
from conftest import fails
from PIL import Image


@pytest.mark.parametrize("name", ["IMG_1.HEIC", "IMG_1.jpg"])
def test_a_live_photo_is_the_film_beside_it(faststyle, film, tmp_path, name):
    Image.new("RGB", (16, 16)).save(tmp_path / name, "JPEG")
    said = faststyle("video", name, "--style", "tiny:udnie", "-o", "out.mp4")
    fails(said, 1, f"{name} is an image. Use faststyle stylize.")
    shutil.copy(film, tmp_path / "IMG_1.MOV")
    said = faststyle("video", name, "--style", "tiny:udnie", "-o", "out.mp4")
    assert said.returncode == 0 and times("out.mp4") == times(film), said.stderr
    assert sound_of("out.mp4") == sound_of(film)
    said = faststyle("video", name, "--style", "tiny:udnie", "-o", "IMG_1.MOV", "--overwrite")
    fails(said, 1, "IMG_1.MOV would overwrite its own input")


def test_a_motion_photo_is_the_film_in_its_file(faststyle, film):
    with open("PXL_1.MP.jpg", "wb") as out:
        Image.new("RGB", (16, 16)).save(out, "JPEG")
        out.write(film.read_bytes() + b"what some phones add")
    said = faststyle("video", "PXL_1.MP.jpg", "--style", "tiny:udnie", "-o", "out.mp4")
    assert said.returncode == 0 and times("out.mp4") == times(film), said.stderr
    assert sound_of("out.mp4") == sound_of(film)
