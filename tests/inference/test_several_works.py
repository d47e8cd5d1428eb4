"One style from several works: at sight, refined, trained and optimized."

import shutil

import pytest
import torch
from conftest import QUICK, SMALL, fails, noise
from PIL import Image

from faststyle_fastai.all import (
    FaststyleError,
    Stylizer,
    VggLoss,
    optimize_style,
    perceptual_backbone,
    read_picture,
    save_picture,
    style_learner,
    to_tensor,
)
from faststyle_fastai.images.discovery import works_of
from faststyle_fastai.inference import sight_painter


@pytest.fixture
def works(painting, tmp_path):
    "Two paintings in a folder: the waves, and a warm one."
    (tmp_path / "sea").mkdir()
    warm = save_picture(
        noise(1, 3, 72, 72)[0] * torch.tensor([1, 0.6, 0.2])[:, None, None], "w.png"
    )
    return [
        shutil.copy(file, f"sea/{name}") for name, file in (("a.png", painting), ("b.png", warm))
    ]


def test_the_style_of_several_works_lies_between_them(works, photo):
    one = Stylizer({"sea": works}, "cpu", "float32")
    assert one.styles == ["sea"] and one.paintings == {"sea": works}
    both = Stylizer(works, "cpu", "float32")
    x = to_tensor(read_picture(photo))
    painted, a, b = one.paint(x), both.paint(x, "a"), both.paint(x, "b")
    apart = (a - b).abs().mean()
    assert 0 < (painted - a).abs().mean() < apart and 0 < (painted - b).abs().mean() < apart
    again = Stylizer({"sea": works[::-1]}, "cpu", "float32").paint(x)
    assert torch.allclose(painted, again, atol=1e-4)  # the order does not matter


def test_many_works_are_seen_in_the_room_of_a_few(tmp_path, monkeypatch, photo):
    works = [save_picture(noise(1, 3, 256, 256)[0], tmp_path / f"{i}.png") for i in range(6)]
    monkeypatch.setattr(sight_painter, "ROOM", 2 * 256**2)
    paint, places = Stylizer({"sea": works}, "cpu", "float32"), []
    matched = sight_painter.coherent

    def seen(own, other, *more):
        places.append(other)
        return matched(own, other, *more)

    monkeypatch.setattr(sight_painter, "coherent", seen)
    paint(photo)
    height, width = places[0].shape[2:]
    assert 6 * 64 // 8 <= height and height * width < 1.2 * 2 * (256 // 8) ** 2


def test_works_are_read_once_for_all_frames_of_a_film(works, photo):
    painter = Stylizer({"sea": works}, "cpu", "float32", arch="slim").sight_painter()
    x = to_tensor(read_picture(photo))
    first = painter(x)
    shutil.rmtree("sea")
    assert torch.equal(painter(x), first)


def test_works_count_equally_in_the_loss(works):
    backbone = perceptual_backbone("lite", layers=["relu1_1", "relu2_1"])
    paintings = [to_tensor(read_picture(work)) for work in works]
    layers = {"style_layers": {"relu2_1": 1.0}, "style_loss": "gram"}

    def gram(styles):
        return VggLoss(backbone, styles, **layers)._style_targets(64, 1)["relu2_1"][0]

    a, b, both = gram(paintings[:1]), gram(paintings[1:]), gram([paintings])
    assert torch.allclose(both, (a + b) / 2, rtol=1e-4) and len(gram(paintings)) == 2


def test_the_command_line_takes_several_works(faststyle, works, photo):
    written = []
    for i, style in enumerate(("sea=sea", f"sea={','.join(works)}")):
        said = faststyle("stylize", photo, "--style", style, "-o", f"{i}.png", "--quiet")
        assert said.stdout == f"{i}.png\n", said.stderr
        written.append(Image.open(f"{i}.png").tobytes())
    assert len(set(written)) == 1
    args = "--style", "udnie", "--mix", f"sea={','.join(works)}=.5", "-o", "mixed.png"
    assert faststyle("stylize", photo, *args).returncode == 0
    args = "--refine", ".1", "-o", "fine.png", "--quiet"
    assert faststyle("stylize", photo, "--style", "sea=sea", *args).returncode == 0
    fails(faststyle("stylize", photo, "--style", "sea", "-o", "x.png"), 1, "give NAME=sea")
    args = "--style", f"sea={works[0]},absent.png", "-o", "x.png"
    fails(faststyle("stylize", photo, *args), 1, "Image not found: absent.png")


def test_one_style_is_trained_from_several_works(faststyle, works, photos):
    args = "train", photos, "--style", "sea=sea", "-o", "run", "--arch", "tiny", *QUICK
    assert faststyle(*args).returncode == 0
    assert Stylizer("run").styles == ["sea"]
    (Image.open(works[1]).rotate(90)).save(works[1])
    fails(faststyle(*args, "--resume"), 1, "The painting of sea has changed")


def test_a_learner_of_several_works_starts_from_first_sight_and_is_exported(dls, works):
    learn = style_learner(dls, {"sea": works}, small=0)
    x = dls.valid.one_batch()[0].as_subclass(torch.Tensor)
    sight = Stylizer({"sea": works}, precision="float32").network([0])(x)
    assert torch.allclose(learn.model.eval()(x), sight, atol=1e-3)
    learn.export("sea.pkl")
    assert Stylizer("sea.pkl").styles == ["sea"]


def test_works_count_as_one_painting_when_pixels_are_optimized(faststyle, works, photo):
    first = optimize_style(photo, [works, works[0]], [1, 0], **SMALL)
    one = optimize_style(photo, [works], **SMALL)
    assert first.tobytes() == one.tobytes() != optimize_style(photo, works, **SMALL).tobytes()
    args = "optimize", photo, "sea", "-o", "out.png", "--quiet"
    small = (
        part for name, value in SMALL.items() for part in (f"--{name.replace('_', '-')}", value)
    )
    assert faststyle(*args, *small).returncode == 0
    assert Image.open("out.png").tobytes() == one.tobytes()


def test_what_cannot_be_blended(works, photo):
    with pytest.raises(FaststyleError, match="A mix cannot be refined"):
        Stylizer({"sea": works}).refined(photo, style={"sea": 1.0})


def test_addresses_have_commas(works):
    museum = "https://museum.org/iiif/full/843,/0/default.jpg"
    assert works_of(f"room={museum}") == [museum]
    for absent in (f"{museum},absent.png", ""):  # nor this folder
        with pytest.raises(FileNotFoundError, match="Image not found"):
            works_of(f"room={absent}")
    assert works_of(f"room={museum},{'x' * 300}") == [f"{museum},{'x' * 300}"]
    sunrise = "https://upload.wikimedia.org/Monet_-_Impression,_Sunrise.jpg"
    assert works_of(f"room={sunrise}") == [sunrise]
    found = works_of(f"room={museum},{works[0]},{museum}")
    assert [*map(str, found)] == [museum, works[0], museum]
