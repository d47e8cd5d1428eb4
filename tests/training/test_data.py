import multiprocessing
import os
import pickle
import shutil
import sys

import numpy as np
import pytest
import torch
from fastai.vision.core import TensorImage
from PIL import Image

from faststyle_fastai.all import StyleDataLoaders, read_picture
from faststyle_fastai.images.discovery import check_pictures, find_pictures
from faststyle_fastai.training.data import (
    PhotoBrightness,
    PhotoContrast,
    StyledImage,
    default_workers,
)


def test_the_target_is_the_photo_itself(dls):
    x, y = dls.one_batch()
    assert x.shape == (2, 3, 32, 32) and 0 <= x.min() and x.max() <= 1
    assert isinstance(y, StyledImage) and x.data_ptr() == y.data_ptr()


def test_split_is_seeded_and_apart(photos):
    def files(seed):
        dls = StyleDataLoaders.from_folder(photos, 32, 2, valid_pct=0.2, seed=seed)
        return set(dls.train.items), set(dls.valid.items)

    train, valid = files(1)
    assert len(train) == 11 and len(valid) == 3 and not train & valid
    assert files(1) == (train, valid) and files(2) != (train, valid)


def test_training_crops_vary_and_validation_stays(dls):
    first, second = (torch.cat([b[0] for b in dls.valid]) for _ in range(2))
    assert torch.equal(first, second)
    item = dls.train.dataset[0][0]
    crops = [dls.train.after_item((item,))[0] for _ in range(4)]
    assert not all(torch.equal(crops[0], crop) for crop in crops[1:])


@pytest.mark.parametrize("max_lighting", [0, 0.4])
def test_lighting_varies_as_far_as_it_is_told(photos, max_lighting):
    dls = StyleDataLoaders.from_folder(photos, 32, 2, max_lighting=max_lighting)
    dls.train.one_batch()  # as at the start of training
    photo = torch.full((8, 3, 32, 32), 128, dtype=torch.uint8)
    batch = dls.train.after_batch((TensorImage(photo),))[0]
    levels = batch.mean((1, 2, 3))
    assert (levels.std() > 0.02) == bool(max_lighting)
    assert 0.15 < levels.min() and levels.max() < 0.85


def test_images_sets_the_length_of_an_epoch(photos):
    def n(images):
        return len(StyleDataLoaders.from_folder(photos, 32, 2, images=images).train)

    assert n(4) == 2 and n(40) == 20


def test_unreadable_files_are_named_once_and_left_out(photos, tmp_path):
    folder = shutil.copytree(photos, tmp_path / "p")
    whole = (folder / "china" / "0.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("no picture")
    (folder / "notes.txt").write_text("not even called one")
    with pytest.warns(UserWarning, match=r"2 of 16 files .*: cut.jpg, text.png\.$") as said:
        dls = StyleDataLoaders.from_folder(folder, 32, 2)
    assert len(said) == 1 and len(dls.train.items) + len(dls.valid.items) == 14


def test_few_readable_files_are_not_all_held_out(photos, tmp_path):
    for i in range(60):
        (tmp_path / f"{i}.jpg").write_text("no picture")
    shutil.copy(next(photos.rglob("0.jpg")), tmp_path / "good.jpg")
    shutil.copy(next(photos.rglob("1.jpg")), tmp_path / "too.jpg")
    with pytest.warns(UserWarning, match="60 of 62 files"):
        dls = StyleDataLoaders.from_folder(tmp_path, 32, 2, images=8, valid_pct=0.1)
    assert len({*dls.train.items} | {*dls.valid.items}) == 2 and len(dls.train) == 4


def test_folders_without_photos(tmp_path, photos):
    with pytest.raises(FileNotFoundError, match="Folder not found"):
        StyleDataLoaders.from_folder(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="No readable photos"):
        StyleDataLoaders.from_folder(tmp_path)
    with pytest.raises(ValueError, match="13 photos to train on but bs=16: add photos, lower bs="):
        StyleDataLoaders.from_folder(photos, 32, 16)


def test_orientation_gray_cmyk_alpha_and_16_bit(tmp_path):
    left_red = np.zeros((20, 30, 3), np.uint8)
    left_red[:, :15] = 255, 0, 0
    image = Image.fromarray(left_red)
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate clockwise: left becomes top
    image.save(tmp_path / "turned.png", exif=exif)
    turned = read_picture(tmp_path / "turned.png")
    assert turned.size == (20, 30) and turned.getpixel((10, 2)) == (255, 0, 0)
    image.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    assert np.allclose(read_picture(tmp_path / "cmyk.jpg").getpixel((3, 9)), (255, 0, 0), atol=9)
    Image.fromarray(np.full((8, 8), 32768, np.uint16)).save(tmp_path / "gray16.png")
    assert read_picture(tmp_path / "gray16.png").getpixel((4, 4)) == (128,) * 3
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read_picture(tmp_path / "clear.png").getpixel((4, 4)) == (255,) * 3
    Image.new("1", (8, 8), 1).save(tmp_path / "bit.png")
    assert read_picture(tmp_path / "bit.png").getpixel((4, 4)) == (255,) * 3
    assert len(find_pictures(tmp_path)[0]) == 5


def test_no_more_photos_are_opened_than_are_needed(photos, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    files = [bad, *sorted(photos.rglob("*.jpg"))[:4], tmp_path / "never opened.jpg"]
    assert check_pictures(files, most=4) == (files[1:5], [bad])


def test_a_single_photo_is_both_trained_on_and_looked_at(photos, tmp_path):
    shutil.copy(photos / "china" / "0.jpg", tmp_path)
    dls = StyleDataLoaders.from_folder(tmp_path, 32, 2, images=6, device="cpu")
    assert len(dls.train.items) == 6 and len(dls.valid.items) == 1


def test_repainting_takes_the_whole_picture(dls, photos):
    batch = dls.test_dl([photos / "china" / "0.jpg"]).one_batch()
    assert len(batch) == 1 and batch[0].shape == (1, 3, 72, 96)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_start_however_the_system_starts_them(photos, monkeypatch, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("not on this system")
    dls = StyleDataLoaders.from_folder(photos, 32, bs=2, num_workers=1, device="cpu")
    dls.one_batch()  # its lighting is a tensor, on a GPU where there is one
    monkeypatch.setattr("fastai.data.load.multiprocessing", multiprocessing.get_context(method))
    x, _ = next(iter(dls.train))
    assert x.shape == (2, 3, 32, 32)


@pytest.mark.parametrize("kind", [PhotoBrightness, PhotoContrast])
def test_workers_get_no_values_of_a_batch(dls, kind):
    change = kind(0.4)
    change.before_call(dls.one_batch()[:1], 0)
    assert isinstance(change.fs[0].change, torch.Tensor)
    copied = pickle.loads(pickle.dumps(change))
    assert not any(isinstance(v, torch.Tensor) for v in vars(copied.fs[0]).values())
    x = torch.rand(2, 3, 8, 8).as_subclass(TensorImage)
    assert copied((x,), split_idx=0)[0].shape == x.shape


def test_workers_are_for_the_cores_at_hand(monkeypatch):
    assert default_workers(torch.device("cpu")) == 0
    cuda = torch.device("cuda")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(40), raising=False)
    assert default_workers(cuda) == 16
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "8")
    assert default_workers(cuda) == 5
    monkeypatch.setattr(sys, "platform", "win32")
    assert default_workers(cuda) == 0


def test_unreadable_files_hold_out_no_photos(photos, tmp_path):
    for i in range(10):
        shutil.copy(photos / "china" / "0.jpg", tmp_path / f"{i}.jpg")
    for i in range(52):
        (tmp_path / f"bad{i}.jpg").write_bytes(b"x")
    with pytest.warns(UserWarning, match="52 of 62 files"):
        dls = StyleDataLoaders.from_folder(tmp_path, 32, 8, valid_pct=0.1)
    assert len(dls.train_ds) == 9
