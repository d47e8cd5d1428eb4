"Folders of photos that link to others, to themselves and to what is gone."

import os
from pathlib import Path

import pytest
from conftest import names
from fastai.data.transforms import get_image_files
from PIL import Image

from faststyle_fastai.all import StyleDataLoaders, picture_files, read_picture
from faststyle_fastai.images.discovery import find_pictures


def drawn(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.effect_noise((48, 40), 80).convert("RGB").save(file)


@pytest.fixture
def linked(tmp_path):
    "`photos` with a photo, and links to a folder, a photo, both their parents, and nothing."
    for name in ("photos/own.png", "elsewhere/far/a.png", "elsewhere/far/deep/b.png", "one/c.png"):
        drawn(tmp_path / name)
    folder = tmp_path / "photos"
    links = {"holiday": "elsewhere/far", "c.png": "one/c.png", "gone": "nowhere", "gone.png": "x"}
    for name, target in links.items():
        try:
            (folder / name).symlink_to(tmp_path / target)
        except OSError:
            pytest.skip("links need a right here")
    return folder


FOUND = ["c.png", "holiday/a.png", "holiday/deep/b.png", "own.png"]


def test_photos_in_linked_folders_are_seen_as_fastai_sees_them(linked):
    assert names(linked) == FOUND
    (linked / "gone.png").unlink()
    assert picture_files(linked) == sorted(get_image_files(linked))
    (linked.parent / "all").symlink_to(linked)
    assert names(linked.parent / "all") == FOUND


def test_loops_end_and_each_folder_is_read_once(linked):
    (linked / "up").symlink_to(linked)
    (linked / "holiday" / "deep" / "back").symlink_to(linked)
    (linked / "holiday" / "deep" / "again").symlink_to(linked / "holiday")
    (linked / "a link before its folder").symlink_to(linked / "z")
    drawn(linked / "z" / "d.png")
    assert names(linked) == [*FOUND, "z/d.png"]


def test_they_are_trained_on_and_painted(linked, faststyle):
    dls = StyleDataLoaders.from_folder(linked, size=32, bs=2, valid_pct=0, device="cpu")
    assert sorted(path.name for path in dls.photos) == ["a.png", "b.png", "c.png", "own.png"]
    said = faststyle("stylize", linked, "--style", "udnie", "-o", "out", "--device", "cpu")
    assert said.returncode == 0, said.stderr
    assert names(Path("out")) == FOUND


def test_a_folder_of_nothing_but_itself_has_no_photos(tmp_path):
    os.mkdir("empty")
    Path("empty", "self").symlink_to(tmp_path / "empty")
    assert picture_files("empty") == []
    with pytest.raises(FileNotFoundError, match="No readable photos"):
        StyleDataLoaders.from_folder("empty")


def test_camera_raw_is_refused_by_its_name(tmp_path):
    (tmp_path / "IMG_1.CR2").write_bytes(b"II*\0" + bytes(99))
    with pytest.raises(ValueError, match="IMG_1.CR2 "):
        read_picture(tmp_path / "IMG_1.CR2")


def test_endings_of_photos_and_folders_of_thumbnails(tmp_path):
    (tmp_path / "@eaDir").mkdir()
    names = "a.jfif", "b.jpe", "c.JPG", "@eaDir/thumbnail.jpg"
    for name in names:
        Image.new("RGB", (8, 8), "teal").save(name, "JPEG")
    assert [path.name for path in find_pictures(tmp_path)[0]] == ["a.jfif", "b.jpe", "c.JPG"]
