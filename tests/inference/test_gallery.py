from pathlib import Path

import pytest
import torch
from PIL import Image

from faststyle_fastai.all import (
    BUILTIN_STYLES,
    Stylizer,
    load_style,
    style_learner,
    style_thumbnail,
)
from faststyle_fastai.core.assets import builtin_path
from faststyle_fastai.inference.builtin import film_style, find_style, gallery_sheet


def test_each_painting_is_a_style_with_a_thumbnail():
    paint = Stylizer("great_wave")
    assert paint.styles == list(BUILTIN_STYLES) and len(BUILTIN_STYLES) >= 14 and paint.base
    assert all(min(Image.open(style_thumbnail(name)).size) == 400 for name in BUILTIN_STYLES)
    assert gallery_sheet(columns=5, size=60).size == (5 * 60 + 4 * 8, 3 * 66 + 2 * 8)
    with pytest.raises(ValueError, match="Unknown style 'sea'. Built-in styles: starry_night"):
        style_thumbnail("sea")


def test_a_name_is_a_style_of_the_gallery():
    photo = Image.effect_noise((40, 40), 90).convert("RGB")
    paint = Stylizer("the_scream")
    assert paint(photo).tobytes() == paint(photo, "the_scream").tobytes()
    assert paint(photo).tobytes() != paint(photo, "mondrian").tobytes()


def test_what_a_style_is_called(tmp_path):
    run = tmp_path / "udnie"
    run.mkdir()
    assert find_style("udnie")[1] == "udnie"  # a folder of that name is not a run yet
    (run / "model.safetensors").touch()
    assert find_style("udnie") == (Path("udnie"), None)
    assert find_style("udnie:b") == (Path("udnie"), "b")
    (tmp_path / "a:b").touch()
    assert find_style(tmp_path / "a:b") == (tmp_path / "a:b", None)
    with pytest.raises(FileNotFoundError, match="Unknown style 'sea', and no file"):
        find_style("sea")


def test_films_have_the_steadier_network():
    assert film_style("Great Wave") == f"{builtin_path('gallery', 'slim')}:great_wave"
    for other in ("gallery:great_wave", "run", "painting.jpg"):
        assert film_style(other) == other
    Path("udnie").touch()  # a style of one's own
    assert film_style("udnie") == "udnie"


def test_the_gallery_as_a_start(dls, painting):
    learn = style_learner(dls, painting, pretrained="gallery", small=0)
    assert learn.model.n_styles == 1 and learn.style_card.info["base"].startswith("autoencoder:")
    gallery, _, _ = load_style(builtin_path("gallery", "full"))
    assert torch.equal(learn.model.deconv1.conv2d.weight, gallery.deconv1.conv2d.weight)


def test_networks_that_know_them_all_have_names():
    assert find_style("gallery")[1] is None and find_style("slim:udnie")[1] == "udnie"
    assert Stylizer("gallery").styles == list(BUILTIN_STYLES)
    assert Stylizer("slim").styles == list(BUILTIN_STYLES) == Stylizer("tiny").styles
    assert len(Stylizer("slim:udnie").net.in1.weight[0]) == 16
