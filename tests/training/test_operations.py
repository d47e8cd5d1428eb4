"A training step in few operations and with few waits, counted on a CPU that acts as a GPU."

from collections import Counter

import pytest
import torch
from conftest import quietly
from fastai.callback.core import Callback
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from faststyle_fastai.all import (
    StyleDataLoaders,
    VggLoss,
    perceptual_backbone,
    recipe_plan,
    style_learner,
)
from faststyle_fastai.images.tensors import luma
from faststyle_fastai.models import normalization, transformer
from faststyle_fastai.perceptual import wasserstein
from faststyle_fastai.perceptual.terms import TERMS

STEP = 3  # the first ones allocate and cache
NO_KERNELS = "prim", "_unsafe_view"  # and views
WAITS = "_local_scalar_dense", "nonzero", "bincount", "masked_select", "_linalg_eigh"


class Operations(TorchDispatchMode):
    "Count operations, and among them those that wait for a GPU."

    def __init__(self):
        super().__init__()
        self.all, self.waits = Counter(), Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = str(func)
        self.all[name] += not func.is_view and not any(part in name for part in NO_KERNELS)
        self.waits[name] += any(part in name for part in WAITS)
        return func(*args, **kwargs or {})


class Begin(Callback):
    order = -20  # the batch is already on the device

    def __init__(self, operations):
        self.operations = operations

    def before_batch(self):
        if self.training and self.train_iter == STEP:
            self.operations.__enter__()


class End(Begin):
    order = 1000  # after all other callbacks

    def before_batch(self):
        pass

    def after_batch(self):
        if self.training and self.train_iter == STEP + 1:
            self.operations.__exit__(None, None, None)


@pytest.fixture
def as_gpu(monkeypatch):
    "The operations that a GPU would run."
    for module in (normalization, transformer, wasserstein):
        monkeypatch.setattr(module, "on_cpu", lambda x: False)


@pytest.mark.slow
def test_a_step_is_at_most_900_operations_and_waits_once(photos, painting, as_gpu):
    dls = StyleDataLoaders.from_folder(photos, size=64, bs=2, images=10, device="cpu")
    learn = style_learner(dls, painting, precision="bfloat16")
    operations = Operations()
    quietly(learn, "fit", 1, 1e-3, cbs=[Begin(operations), End(operations)])
    assert 500 < operations.all.total() <= 900
    assert +operations.waits == {"aten._linalg_eigh.default": 1}


def test_both_ways_give_the_same_image(as_gpu, monkeypatch):
    net, x = transformer.make_network("slim", 2), torch.rand(2, 3, 33, 40)
    rows = torch.tensor([[0.3, 0.7], [1.0, 0.0]])
    there = net(x, rows)
    monkeypatch.undo()
    torch.testing.assert_close(net(x, rows), there, rtol=1e-3, atol=1e-4)


def test_no_constant_is_copied_to_a_gpu_in_a_step(monkeypatch):
    plan = recipe_plan("fast", "style")
    terms = {name: plan.loss[name] for name in TERMS if name in plan.loss}
    layers = [*plan.content_layers, *plan.style_layers]
    perceptual_backbone("lite", layers=layers)  # reads its weights before tensors are fake
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, *args, **kwargs: self)
    copied = []

    class Copies(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            found = func(*args, **kwargs or {})
            if "_to_copy" in str(func) and args[0].device != found.device:
                copied.append(args[0].shape)
            return found

    with FakeTensorMode(allow_non_fake_inputs=True), torch.device("cuda"):
        net, backbone = transformer.make_network("full"), perceptual_backbone("lite", layers=layers)
        painting, x = torch.rand(1, 3, 90, 90), torch.rand(2, 3, 64, 64)
        loss = VggLoss(backbone, painting, loss=terms)
        for _ in range(2):  # the first time fills caches
            copied.clear()
            with Copies():
                loss(net(x), x)
    luma.cache_clear()  # of fake tensors
    assert copied == []
