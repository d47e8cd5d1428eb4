"Speed as ratios, with wide margins: what got lost here would be seen at once."

import resource
import subprocess
import sys

import pytest
import torch
from conftest import noise
from test_transformer import examples_network

from faststyle_fastai.all import Stylizer, TransformerNet, to_examples
from faststyle_fastai.devices import computes_bfloat16


@pytest.fixture(autouse=True)
def one_thread():
    "Threads that wait for each other would spend processor time, more of it on a busy machine."
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def spent():
    "Processor time of this process and of those it ran: what else runs here does not count."
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def times_as_fast(run, other, rounds=5):
    "How often `run` can be done while `other` is done once: the quickest of some rounds each."
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


def test_training_beside_the_published_network():
    net, x = TransformerNet(width=0.5), noise(2, 3, 256, 256)  # as in training
    state = {k: v.requires_grad_() for k, v in to_examples(net.state_dict()).items()}
    seen = times_as_fast(
        lambda: net(x).sum().backward(), lambda: examples_network(state, x * 255).sum().backward()
    )
    assert seen > 1.1  # 1.5 in float32


def test_help_is_there_before_torch_would_be():
    def python(*words):
        return lambda: subprocess.run([sys.executable, *words], stdout=-3, check=True)

    show, load = python("-m", "faststyle_fastai", "--help"), python("-c", "import torch")
    assert times_as_fast(show, load, rounds=3) > 2
