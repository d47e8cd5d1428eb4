"Small learners for tests of callbacks, and what they see."

import pytest
import torch
from fastai.callback.core import Callback
from fastai.torch_core import set_seed

from faststyle_fastai.all import StyleDataLoaders, style_learner


class SizesSeen(Callback):
    order = 90

    def __init__(self):
        self.sizes = []

    def after_batch(self):
        if self.training:
            self.sizes.append(self.x.shape[-1])


def learner(photos, painting, seed=0, num_workers=0, **kwargs):
    set_seed(seed)
    split = {"valid_pct": 0.15, "num_workers": num_workers}
    dls = StyleDataLoaders.from_folder(photos, 32, 2, device="cpu", **split)
    plan = {"small": 0, "arch": "tiny", "pretrained": "autoencoder", "scales": (1,)}
    return style_learner(dls, painting, **plan | kwargs)


def same(a, b):
    "Whether two learners have the same weights, bit for bit."
    return all(map(torch.equal, a.model.parameters(), b.model.parameters()))


@pytest.fixture(scope="session")
def whole(photos, painting):
    "A learner after two epochs that nothing disturbed, to compare with."
    return run(learner(photos, painting), [])


def run(learn, cbs, n_epoch=2, **kwargs):
    with learn.no_bar(), learn.no_logging():
        learn.fit_recipe(n_epoch, cbs=cbs, **kwargs)
    return learn
