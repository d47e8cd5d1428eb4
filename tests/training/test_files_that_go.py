"Files that disappear or change during a training."

import random
import shutil
import time

import pytest
from conftest import FEW, is_clean
from fastai.callback.core import Callback, CancelFitException

from faststyle_fastai.all import FaststyleError, StyleDataLoaders, Stylizer, picture_files
from faststyle_fastai.training.runs import train

FEW = FEW | {"images": 14}


class At(Callback):
    "Calls a function at a step."

    def __init__(self, when, do):
        self.when, self.do, self.steps = when, do, 0

    def after_batch(self):
        self.steps += self.training and len(self.yb) > 0
        if self.training and self.train_iter == self.when:
            self.do()


@pytest.fixture
def own(photos, tmp_path):
    return shutil.copytree(photos, tmp_path / "own")


def interrupted():
    raise CancelFitException


@pytest.mark.slow
def test_a_training_continues_without_photos_that_go(own, painting, tmp_path):
    def lose():
        first, second, third, *_ = picture_files(own)
        first.unlink()
        second.unlink()
        third.write_bytes(b"damaged")

    with pytest.warns(UserWarning) as told:
        train(own, painting, "run", **FEW, epochs=2, cbs=At(1, lose))
    (said,) = [str(one.message) for one in told if "without it" in str(one.message)]
    assert str(own) in said and Stylizer("run").styles == ["waves"]
    assert b"flower" not in (tmp_path / "run/model.pkl").read_bytes()  # paths of photos
    with pytest.warns(UserWarning, match="own has changed since run was started"):
        train(own, painting, "run", **FEW, epochs=3, resume=True)


@pytest.mark.slow
@pytest.mark.parametrize("kept", [12, 4])
def test_a_resume_with_fewer_photos(own, painting, kept):
    few, count = {**FEW, "epochs": 2, "checkpoint_every": 1}, At(None, None)
    train(own, painting, "run", **few, cbs=At(5, interrupted))
    for photo in picture_files(own)[kept:]:
        photo.unlink()
    with pytest.warns(UserWarning, match="has changed since run was started"):
        train(own, painting, "run", **few, resume=True, cbs=count)
    assert count.steps > 5


def test_no_photo_is_left(own):
    dls = StyleDataLoaders.from_folder(own, 32, 2, device="cpu")
    shutil.rmtree(own)
    with pytest.warns(UserWarning, match="continues without it"):
        with pytest.raises(FileNotFoundError, match="Image not found"):
            dls.one_batch()


def test_a_painting_that_changes(photos, painting, tmp_path):
    mine = shutil.copy(painting, tmp_path / "mine.png")
    train(photos, mine, "run", **FEW)
    shutil.copy(picture_files(photos)[0], mine)
    with pytest.raises(FaststyleError, match="painting of mine has changed since run was started"):
        train(photos, mine, "run", **FEW, resume=True)
    mine.unlink()
    with pytest.raises(FileNotFoundError, match="mine.png"):
        train(photos, mine, "run", **FEW, resume=True)


def test_a_run_folder_that_is_deleted_is_made_again(photos, painting, tmp_path):
    how = {**FEW, "preview_every": 2, "checkpoint_every": 2}
    train(photos, painting, "run", **how, cbs=At(5, lambda: shutil.rmtree("run")))
    assert Stylizer("run").styles == ["waves"] and is_clean(tmp_path)
    train(photos, painting, "run", **how, resume=True)


def test_a_clock_that_jumps(photos, painting, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: random.choice([0.0, 4e9]))
    began = time.monotonic()
    train(photos, painting, "run", **FEW, minutes=0.03)
    assert 1 < time.monotonic() - began < 60
