"What several threads may share: a Stylizer, a backbone."

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from conftest import noise, quietly
from PIL import Image

from faststyle_fastai.all import Stylizer, perceptual_backbone
from faststyle_fastai.images.files import to_picture
from faststyle_fastai.inference.first_sight import painting_moments

ROUNDS = 4


def same_in_threads(calls, equal):
    "Whether calls in four threads, each repeated, return what they return alone."
    wanted = [call() for call in calls]
    order = [i for _ in range(ROUNDS) for i in range(len(calls))]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: calls[i](), order))
    return [i for i, one in zip(order, found) if not equal(one, wanted[i])] == []


def test_threads_share_a_stylizer():
    paint = Stylizer("tiny", "cpu")
    photo, large = (to_picture(noise(1, 3, *size)) for size in ((48, 64), (90, 80)))
    mask = Image.linear_gradient("L").resize(photo.size)
    ways = [
        (photo, {"strength": 1.0}),
        (photo, {"strength": 0.3}),
        (photo, {"style": {"udnie": 0.6, "mondrian": 0.4}}),
        (photo, {"style": "udnie", "strength": 0.5, "keep_colors": True}),
        (photo, {"style": "udnie", "mask": mask, "black": "tahiti"}),
        (photo, {"style": "udnie", "mask": mask, "size": 24}),
        (large, {"style": "tahiti", "tile": 32}),
    ]
    calls = [lambda p=p, how=how: paint(p, tensor=True, **how) for p, how in ways]
    assert same_in_threads(calls, torch.equal)


def test_a_stylizer_paints_while_its_network_is_copied():
    paint = Stylizer("tiny", "cpu")
    x = noise(1, 3, 32, 32)
    calls = [
        lambda: paint.paint(x, "udnie"),
        lambda: paint.network(["udnie", "tahiti"], 0.4)(x, torch.tensor([1])).detach(),
    ]
    assert same_in_threads(calls, torch.equal)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_threads_share_a_backbone(precision):
    backbone = perceptual_backbone("lite")
    images = [noise(1, 3, 64, 64 + 16 * i, seed=i) for i in range(4)]
    layers = [["relu1_1"], ["relu2_1", "relu3_1"], None, ["relu3_1"]]

    def features(x, names):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, precision == "bfloat16"):
            return backbone(x, names)

    calls = [lambda x=x, names=names: features(x, names) for x, names in zip(images, layers)]

    def equal(a, b):
        return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in b)

    assert same_in_threads(calls, equal)


def test_paintings_are_measured_while_a_training_runs(trained):
    paintings = [noise(1, 3, 64, 64 + 16 * i, seed=i) for i in range(3)]
    wanted = [painting_moments(x) for x in paintings]
    with ThreadPoolExecutor(3) as pool:
        training = pool.submit(quietly, trained, "fit", 2, 1e-3)
        found = list(pool.map(painting_moments, paintings * ROUNDS))
        training.result()
    assert all(all(map(torch.equal, one, wanted[i % 3])) for i, one in enumerate(found))
