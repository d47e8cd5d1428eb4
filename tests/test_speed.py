"Speed as ratios, with wide margins: what got lost here would be seen at once."

import subprocess
import sys
import time

import pytest
import torch
from conftest import noise
from test_transformer import examples_network

from faststyle_fastai.all import Stylizer, TransformerNet, to_examples
from faststyle_fastai.devices import computes_bfloat16


def times_as_fast(run, other, rounds=5):
    "How often `run` can be done while `other` is done once: the quickest of some rounds each."
    quickest = [float("inf")] * 2
    for _ in range(rounds):
        for i, function in enumerate((run, other)):
            began = time.perf_counter()
            function()
            quickest[i] = min(quickest[i], time.perf_counter() - began)
    return quickest[1] / quickest[0]


def test_painting_beside_the_published_network():
    if not computes_bfloat16(torch.device("cpu")):
        pytest.skip("this processor has no bfloat16")
    paint = Stylizer("udnie", "cpu")
    state = to_examples(paint.weights, paint.styles.index("udnie"))
    x = noise(1, 3, 256, 256)
    with torch.inference_mode():
        seen = times_as_fast(lambda: paint.paint(x), lambda: examples_network(state, x * 255))
    assert seen > 1.6  # 3 where nothing else runs


def test_training_beside_the_published_network():
    net, x = TransformerNet(width=0.5), noise(2, 3, 128, 128)
    state = {k: v.requires_grad_() for k, v in to_examples(net.state_dict()).items()}
    seen = times_as_fast(
        lambda: net(x).sum().backward(), lambda: examples_network(state, x * 255).sum().backward()
    )
    assert seen > 1.1  # 1.6 where nothing else runs, in float32


def test_help_is_there_before_torch_would_be():
    def python(*words):
        return lambda: subprocess.run([sys.executable, *words], stdout=-3, check=True)

    show, load = python("-m", "faststyle_fastai", "--help"), python("-c", "import torch")
    assert times_as_fast(show, load, rounds=3) > 2
