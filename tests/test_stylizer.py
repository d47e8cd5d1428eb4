import numpy as np
import pytest
import torch
from conftest import noise
from PIL import Image

from faststyle_fastai.all import FaststyleError, Stylizer, read_picture, save_style, style_learner


@pytest.fixture
def paint(trained, tmp_path):
    return Stylizer(save_style(trained, tmp_path / "waves.safetensors"))


def test_a_picture_comes_back_in_its_size(paint, photos):
    file = photos / "china" / "0.jpg"
    for picture in (file, str(file), read_picture(file), np.asarray(read_picture(file))):
        result = paint(picture)
        assert result.size == (96, 72) and result.mode == "RGB"
    assert paint(file, size=24).size == (96, 72)


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (20_000, 10), (10, 2000)])
def test_odd_sizes(paint, size):
    assert paint(Image.new("RGB", size, "orange")).size == size


def test_strength_slides_the_weights_to_the_base(paint, trained):
    x = noise(1, 3, 32, 32)
    assert torch.equal(Stylizer(trained, grain=0).paint(x), trained.model.eval()(x).clamp(0, 1))
    steps = [paint.paint(x, strength=s) for s in (0, 0.5, 1)]
    distance = [(steps[0] - step).abs().mean().item() for step in steps]
    assert 0 == distance[0] < distance[1] < distance[2]
    with pytest.raises(ValueError, match="strength=2"):
        paint.paint(x, strength=2)


def test_without_a_base_strength_is_one(dls, painting):
    paint = Stylizer(style_learner(dls, painting, pretrained=None))
    assert paint(Image.new("RGB", (16, 16))).size == (16, 16)
    with pytest.raises(FaststyleError, match="knows no base"):
        paint(Image.new("RGB", (16, 16)), strength=0.5)


def test_a_learner_its_pickle_and_its_file_paint_alike(trained, paint, tmp_path):
    trained.export(tmp_path / "waves.pkl")
    x = noise(1, 3, 16, 16)
    assert torch.equal(Stylizer(trained).paint(x), paint.paint(x))
    assert torch.equal(
        Stylizer(tmp_path / "waves.pkl").paint(x, strength=0.3), paint.paint(x, strength=0.3)
    )


def test_grain_gives_flat_areas_something_to_paint(trained):
    flat = torch.full((1, 3, 64, 64), 0.6)
    plain, grainy = (Stylizer(trained, grain=sd).paint(flat) for sd in (0, 0.02))
    middle = slice(24, 40)  # far from the edges
    assert grainy[..., middle, middle].std() > 2 * plain[..., middle, middle].std()
    assert torch.equal(grainy, Stylizer(trained).paint(flat))  # the same each time
    x = noise(1, 3, 32, 32)
    assert torch.equal(*(Stylizer(trained, grain=sd).paint(x, strength=0) for sd in (0, 0.02)))


def test_keep_colors(paint):
    blue = Image.new("RGB", (32, 32), (90, 110, 150))
    kept = np.asarray(paint(blue, keep_colors=True).convert("YCbCr")).reshape(-1, 3)
    want = np.asarray(blue.convert("YCbCr"))[0, 0]
    assert np.abs(kept[:, 1:].astype(int).mean(0) - want[1:]).max() < 12


def test_styles_by_name(paint):
    picture = Image.new("RGB", (16, 16))
    assert paint(picture, style="waves").tobytes() == paint(picture, style=0).tobytes()
    with pytest.raises(ValueError, match="no style 'sea': there are waves"):
        paint(picture, style="sea")
    with pytest.raises(ValueError, match="no style 1"):
        paint(picture, style=1)
