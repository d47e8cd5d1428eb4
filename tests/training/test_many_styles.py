import numpy as np
import pytest
import torch
from conftest import noise, quietly
from PIL import Image

from faststyle_fastai.all import (
    ASSETS,
    Stylizer,
    autoencoder_learner,
    save_style,
    style_learner,
    to_picture,
)


@pytest.fixture(scope="module")
def paintings(painting, tmp_path_factory):
    "Three paintings."
    files, folder = [painting], tmp_path_factory.mktemp("styles")
    for name, color in (("dawn", "orange"), ("dusk", "navy")):
        files.append(folder / f"{name}.png")
        blank = Image.new("RGB", (64, 64), color)
        Image.blend(blank, Image.effect_noise((64, 64), 90).convert("RGB"), 0.3).save(files[-1])
    return files


@pytest.fixture
def many(dls, paintings):
    learn = style_learner(dls, paintings, arch="tiny", small=0, scales=(1,))
    quietly(learn, "fit", 1, 1e-3)
    return learn


def test_many_styles_learn_together(many):
    assert many.style_card.info["styles"] == ["waves", "dawn", "dusk"]
    names = many.recorder.metric_names
    assert {"train_style:dawn", "valid_content:dusk"} <= set(names)
    last = dict(zip(names[1:-1], many.recorder.values[-1]))
    every = sum(last[f"train_style:{name}"] for name in ("waves", "dawn", "dusk")) / 3
    assert last["train_style"] == pytest.approx(every, rel=1e-3)  # 12 photos, 4 of each style
    grown = many.model.in1.weight.detach()
    assert not torch.equal(grown[0], grown[1])
    quietly(many, "show_results", max_n=2)


def test_a_new_painting_joins_and_the_others_stay_to_the_bit(many, dls, tmp_path):
    file = save_style(many, tmp_path / "many.safetensors")
    before = Stylizer(file)
    learn = style_learner(
        dls, np.asarray(Image.new("RGB", (40, 40))), pretrained=file, arch="tiny", name="night"
    )
    learn.freeze()
    quietly(learn, "fit", 1, 1e-2)
    after = Stylizer(save_style(learn, file, add_to=file))
    assert after.styles == ["waves", "dawn", "dusk", "night"]
    x = noise(2, 3, 32, 32)
    for style in before.styles:
        assert torch.equal(before.paint(x, style), after.paint(x, style))
        assert torch.equal(before.paint(x, style, 0.5), after.paint(x, style, 0.5))
    assert torch.equal(after.paint(x, "night"), Stylizer(learn).paint(x))
    with pytest.raises(ValueError, match="already has a style 'night'"):
        save_style(learn, file, add_to=file)
    learn.unfreeze()
    quietly(learn, "fit", 1, 1e-3)
    learn.style_card.info["styles"] = ["noon"]
    with pytest.raises(ValueError, match="differs from .* in more than new styles"):
        save_style(learn, file, add_to=file)


def test_a_new_style_begins_with_the_nearest_row(many, dls):
    with torch.no_grad():  # rows that paint in clearly different colors
        for row, shift in enumerate((0.0, 3.0, -3.0)):
            many.model.in5.bias[row] += shift
    painted = Stylizer(many).paint(noise(1, 3, 64, 64), "dusk")
    learn = style_learner(dls, to_picture(painted), pretrained=many, arch="tiny")
    assert torch.equal(learn.model.in5.bias[0], many.model.in5.bias[2])


def test_a_new_style_begins_as_its_painting_tells(dls):
    learn = style_learner(dls, ASSETS / "composition_vii.jpg", strokes=False)
    added, told = (
        style_learner(dls, ASSETS / "woman_with_hat.jpg", pretrained=start, strokes=False).model
        for start in (learn, "predicted")
    )
    assert all(map(torch.equal, added.parameters(), told.parameters()))


def test_two_hundred_styles(dls):
    colors = [Image.new("RGB", (32, 32), (i, 255 - i, i // 2)) for i in range(200)]
    learn = style_learner(
        dls, colors, pretrained="autoencoder", arch="tiny", small=0, scales=(1,), strokes=False
    )
    quietly(learn, "fit", 1)
    assert learn.model.n_styles == 200 and Stylizer(learn).styles[-1] == "style199"


def test_no_style_joins_an_autoencoder(dls, painting, tmp_path):
    file = save_style(autoencoder_learner(dls, arch="tiny"), tmp_path / "ae.safetensors")
    learn = style_learner(dls, painting, pretrained=file, arch="tiny")
    with pytest.raises(ValueError, match="is an autoencoder. Styles can only be added"):
        save_style(learn, file, add_to=file)


def test_added_styles_keep_the_base_of_the_others(dls, paintings, tmp_path):
    many = style_learner(
        dls, paintings[:2], pretrained=autoencoder_learner(dls, arch="tiny"), arch="tiny"
    )
    file = save_style(many, tmp_path / "many.safetensors")
    learn = style_learner(dls, paintings[2], pretrained=file, arch="tiny")
    x, before = noise(1, 3, 32, 32), Stylizer(file)
    after = Stylizer(save_style(learn, tmp_path / "more.safetensors", add_to=file))
    for style in before.styles:
        assert torch.equal(before.paint(x, style, 0.5), after.paint(x, style, 0.5))


def test_paintings_that_cannot_be_told_apart(dls, paintings):
    with pytest.raises(ValueError, match="waves and waves are the same painting"):
        style_learner(dls, [paintings[0], paintings[0]])
    with pytest.raises(ValueError, match="Two paintings are named waves"):
        style_learner(dls, paintings[:2], name=["waves", "waves"])
    with pytest.raises(ValueError, match="0 paintings"):
        style_learner(dls, [])
