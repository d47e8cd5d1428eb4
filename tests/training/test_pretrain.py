import shutil

import pytest
import torch
from conftest import FEW, QUICK, fails
from fastai.callback.core import Callback
from PIL import Image

from faststyle_fastai.all import FaststyleError, load_style, read_picture
from faststyle_fastai.training.pretraining import pretrain
from faststyle_fastai.training.runs import add_style, train


@pytest.mark.slow
def test_a_style_that_was_half_added_is_not_there(photos, painting, tmp_path):
    file = tmp_path / "one.safetensors"
    shutil.copy(train(photos, painting, "run", **FEW) / "model.safetensors", file)
    dusk, before = tmp_path / "dusk.png", file.read_bytes()
    read_picture(painting).transpose(Image.Transpose.ROTATE_90).save(dusk)
    with pytest.raises(FaststyleError, match="before step"):
        add_style(file, dusk, photos, minutes=1, lr=1e18, quiet=True, device="cpu")
    assert file.read_bytes() == before
    with pytest.raises(FaststyleError, match="run2 is inside the folder of photos"):
        train(tmp_path, painting, tmp_path / "run2", **FEW)


def test_pretrain(faststyle, photos):
    said = faststyle("pretrain", photos, "-o", "ae.safetensors", *QUICK)
    assert said.returncode == 0 and said.stdout == "ae.safetensors\n", said.stderr
    fails(faststyle("pretrain", photos, "-o", "ae.safetensors", *QUICK), 1, "exists", "--overwrite")
    more = "pretrain", photos, "-o", "more.safetensors", *QUICK
    assert faststyle(*more, "--pretrained", "ae.safetensors").returncode == 0
    fails(faststyle(*more, "--overwrite", "--pretrained", "no.safetensors"), 1, "no.safetensors")


class Off(Callback):
    "Simulate a power failure at the fourth step."

    order = 90

    def after_batch(self):
        if self.train_iter == 4:
            raise KeyError("off")


def test_a_pretraining_that_was_cut_off_goes_on(faststyle, photos, tmp_path, monkeypatch):
    settings = FEW | {"images": 12, "small": 0, "checkpoint_every": 2, "quiet": False}
    pretrain(photos, "whole.safetensors", **settings)
    with monkeypatch.context() as off, pytest.raises(KeyError):
        off.setattr("faststyle_fastai.training.runs.TimeLeft", Off)
        pretrain(photos, "ae.safetensors", **settings)
    with pytest.raises(FaststyleError, match="ae.safetensors.part is an interrupted training"):
        pretrain(photos, "ae.safetensors", **settings)
    with pytest.raises(FaststyleError, match=r"different settings \(photos, seed\)"):
        pretrain(photos, "ae.safetensors", resume=True, seed=1, **settings)
    pretrain(photos, "ae.safetensors", resume=True, **settings)
    assert sorted(p.name for p in tmp_path.glob("*ae.*")) == ["ae.safetensors"]
    whole, resumed = (load_style(f"{name}.safetensors")[0].state_dict() for name in ("whole", "ae"))
    assert all(torch.equal(value, whole[key]) for key, value in resumed.items())
    done = faststyle("pretrain", photos, "-o", "ae.safetensors", "--resume", *QUICK)
    fails(done, 1, "exists: use --overwrite")
