"Speed ratios with wide margins, to catch large regressions."

import subprocess
import sys

import pytest
import torch
from conftest import noise
from networks import examples_network

from faststyle_fastai.all import Stylizer, TransformerNet, to_examples
from faststyle_fastai.core.devices import computes_bfloat16

resource = pytest.importorskip("resource")  # not on Windows


@pytest.fixture(autouse=True)
def one_thread():
    "Threads that wait for each other use processor time, more so on a busy machine."
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def spent():
    "Processor time of this process and its children, so that other programs do not count."
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def times_as_fast(run, other, rounds=5):
    "How many times as fast as `other` `run` is, from the fastest of several rounds each."
    quickest = [float("inf")] * 2
    for _ in range(rounds):
        for i, function in enumerate((run, other)):
            began = spent()
            function()
            quickest[i] = min(quickest[i], spent() - began)
    return quickest[1] / quickest[0]


def test_painting_beside_the_published_network():
    if not computes_bfloat16(torch.device("cpu")):
        pytest.skip("this processor has no bfloat16")
    paint = Stylizer("udnie", "cpu")
    state = to_examples(paint.weights, paint.styles.index("udnie"))
    x = noise(1, 3, 256, 256)
    with torch.inference_mode():
        seen = times_as_fast(lambda: paint.paint(x), lambda: examples_network(state, x * 255))
    assert seen > 1.6  # 2.5


@pytest.mark.slow
def test_training_beside_the_published_network():
    net, x = TransformerNet(width=0.5), noise(2, 3, 256, 256)  # smaller images add more overhead
    state = {k: v.requires_grad_() for k, v in to_examples(net.state_dict()).items()}
    seen = times_as_fast(
        lambda: net(x).sum().backward(), lambda: examples_network(state, x * 255).sum().backward()
    )
    assert seen > 1.1  # 1.5 in float32


def test_help_is_there_before_torch_would_be():
    def python(*words):
        return lambda: subprocess.run([sys.executable, *words], stdout=-3, check=True)

    show, load = python("-m", "faststyle_fastai", "--help"), python("-c", "import torch")
    assert times_as_fast(show, load, rounds=2) > 2
