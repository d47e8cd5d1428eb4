import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle_fastai.all import (
    FaststyleError,
    Stylizer,
    autoencoder_learner,
    load_style,
    read_picture,
    save_style,
    style_learner,
    to_tensor,
)


def quietly(learn, verb="fit_one_cycle", *args, **kwargs):
    with learn.no_bar(), learn.no_logging():
        return getattr(learn, verb)(*args, **kwargs)


def test_an_autoencoder_learns_to_redraw(dls):
    learn = autoencoder_learner(dls, content_layers={"relu1_1": 1.0}, small=0)
    before = learn.validate()[0]
    quietly(learn, "fit_one_cycle", 12, 3e-3)
    assert learn.validate()[0] < 0.85 * before


def test_a_style_is_learned_and_its_parts_are_columns(dls, painting):
    learn = style_learner(dls, painting, small=0, scales=(1,))
    quietly(learn, "fit_one_cycle", 4, 3e-3)
    names = list(learn.recorder.metric_names)
    assert names == ["epoch"] + [
        f"{split}_{part}"
        for split in ("train", "valid")
        for part in ("loss", "content", "style", "tv")
    ] + ["time"]  # fmt: skip
    rows = [dict(zip(names[1:-1], row)) for row in learn.recorder.values]
    assert rows[-1]["valid_style"] < rows[0]["valid_style"]
    parts = sum(rows[-1][f"valid_{part}"] for part in ("content", "style", "tv"))
    assert rows[-1]["valid_loss"] == pytest.approx(parts, rel=1e-3)


def test_fastai_verbs(trained, photos):
    learn = trained
    weights = {k: v.clone() for k, v in learn.model.state_dict().items()}
    assert 0 < quietly(learn, "lr_find", num_it=5, show_plot=False).valley < 10
    assert all(torch.equal(v, weights[k]) for k, v in learn.model.state_dict().items())
    quietly(learn, "show_results", max_n=2)
    learn.dls.show_batch(max_n=2)
    assert "1,679,235" in str(learn.summary())
    picture = quietly(learn, "predict", photos / "china" / "0.jpg")[2]
    assert picture.shape == (3, 72, 96)
    expected = Stylizer(learn, grain=0).paint(to_tensor(read_picture(photos / "china" / "0.jpg")))
    assert torch.allclose(picture.clamp(0, 1), expected[0], atol=1e-4)
    quietly(learn.to_fp16(), "fit", 1)


def test_exported_learner_in_a_new_process(trained, photos, tmp_path):
    trained.export(tmp_path / "style.pkl")
    assert (tmp_path / "style.pkl").stat().st_size < 8e6
    code = (
        "from fastai.learner import load_learner; import sys;"
        "print(tuple(load_learner(sys.argv[1]).predict(sys.argv[2])[2].shape))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, "style.pkl", photos / "china" / "0.jpg"]
    said = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert said.stdout.strip().endswith("(3, 72, 96)"), said.stderr
    quietly(trained, "fit", 1)  # and it can still train


def test_a_style_file_knows_itself(trained, tmp_path):
    path = save_style(trained, tmp_path / "waves.safetensors")
    net, info, base = load_style(path)
    assert info["styles"] == ["waves"] and info["arch"] == "full" and info["recipe"] == "fast"
    assert info["base"].startswith("autoencoder:") and base is not None
    for name, value in trained.model.state_dict().items():
        assert torch.equal(net.state_dict()[name], value)


def test_another_start_is_carried_along(trained, dls, painting, tmp_path):
    first = save_style(trained, tmp_path / "first.safetensors")
    for start in (trained, first):
        learn = style_learner(dls, painting, pretrained=start, name="second")
        assert torch.equal(learn.model.conv1.conv2d.weight, trained.model.conv1.conv2d.weight)
        _, info, base = load_style(save_style(learn, tmp_path / "second.safetensors"))
        assert info["base"] == "carried" and info["styles"] == ["second"] and info["size"] == 32
        ours = trained.model.state_dict()
        assert all(torch.allclose(base[k], ours[k], atol=1e-3) for k in base)


def test_the_base_does_not_move_with_the_learner_it_came_from(trained, dls, painting):
    learn = style_learner(dls, painting, pretrained=trained)
    before = learn.style_card.base["in1.bias"].clone()
    with torch.no_grad():
        trained.model.in1.bias += 1
    assert torch.equal(learn.style_card.base["in1.bias"], before)


def test_from_scratch_and_light(dls, painting, tmp_path):
    learn = style_learner(dls, painting, pretrained=None, arch="light")
    net, info, base = load_style(save_style(learn, tmp_path / "light.safetensors"))
    assert net.width == 0.5 and info["base"] == "" and base is None


def test_nothing_broken_is_saved(trained, tmp_path):
    with torch.no_grad():
        trained.model.in1.bias[0, 0] = float("nan")
    with pytest.raises(FaststyleError, match="in1.bias hold NaN"):
        save_style(trained, tmp_path / "bad.safetensors")
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_styles(tmp_path):
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(ValueError, match="no .safetensors file, or a damaged one"):
        load_style(tmp_path / "text.safetensors")
    from faststyle_fastai.backbones import ASSETS

    with pytest.raises(ValueError, match="not a faststyle network"):
        load_style(ASSETS / "lite.safetensors")


def test_wrong_settings(dls, painting, tmp_path):
    with pytest.raises(ValueError, match="no recipe 'slow': choose one of fast, skalski"):
        style_learner(dls, painting, recipe="slow")
    with pytest.raises(ValueError, match="no setting contents: there are backbone, content_layers"):
        style_learner(dls, painting, contents={})
    with pytest.raises(ValueError, match="bs, size: to be given to StyleDataLoaders"):
        style_learner(dls, painting, size=64, bs=1)
    with pytest.raises(ValueError, match="no arch 'huge'"):
        style_learner(dls, painting, arch="huge")
    (tmp_path / "style.jpg").write_text("no picture")
    with pytest.raises(ValueError, match="style.jpg cannot be read: not a picture"):
        style_learner(dls, tmp_path / "style.jpg")


def test_a_picture_or_an_array_is_a_painting_too(dls, painting):
    array = np.asarray(read_picture(painting))
    for style in (array, Image.fromarray(array)):
        learn = style_learner(dls, style)
        assert learn.loss_func.style.shape == (1, 3, 64, 80)
        assert learn.style_card.info["styles"] == ["style"]
