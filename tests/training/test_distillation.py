"A small network that learns the pictures of a large one."

from pathlib import Path

import torch
from conftest import quietly
from torch.nn import functional as F

from faststyle_fastai.all import StyleDataLoaders, Stylizer, style_learner


def test_a_student_comes_closer_to_its_teacher(photos, painting, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "tools")
    from make_gallery import Distillation

    teacher = Stylizer("gallery:udnie", "cpu", "float32").network(["udnie"])
    dls = StyleDataLoaders.from_folder(photos, 32, 2, images=40, device="cpu")
    how = {"content_loss": "relative", "content_layers": {"relu1_1": 1.0}, "style_weight": 0.0}
    how |= {"tone_weight": 0.0, "tv_weight": 0.0, "chroma_weight": 0.0, "small": 0}
    cbs = Distillation(teacher)
    learn = style_learner(dls, painting, arch="slim", pretrained="autoencoder", cbs=cbs, **how)
    x = dls.valid.one_batch()[0].as_subclass(torch.Tensor)

    @torch.no_grad()
    def away():
        return F.mse_loss(learn.model.eval()(x), teacher(x)).item()

    before = away()
    quietly(learn, "fit", 2, 2e-3)
    assert away() < 0.5 * before
