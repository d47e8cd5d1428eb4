import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from conftest import noise
from fastai.callback.core import Callback
from fastai.learner import load_learner
from fastai.losses import MSELossFlat
from PIL import Image

from faststyle_fastai.all import (
    Checkpoint,
    FaststyleError,
    StyleDataLoaders,
    Stylizer,
    autoencoder_learner,
    load_style,
    read_picture,
    save_style,
    style_learner,
    to_picture,
    to_tensor,
)
from faststyle_fastai.stylefile import write_style


def quietly(learn, verb="fit_one_cycle", *args, **kwargs):
    with learn.no_bar(), learn.no_logging():
        return getattr(learn, verb)(*args, **kwargs)


def test_an_autoencoder_learns_to_redraw(dls):
    learn = autoencoder_learner(dls, content_layers={"relu1_1": 1.0}, small=0)
    before = learn.validate()[0]
    quietly(learn, "fit_one_cycle", 24, 3e-3)
    assert learn.validate()[0] < 0.85 * before


def test_a_style_is_learned_and_its_parts_are_columns(dls, painting):
    learn = style_learner(dls, painting, small=0, scales=(1,))
    quietly(learn, "fit_one_cycle", 4, 3e-3)
    names = list(learn.recorder.metric_names)
    assert names == ["epoch"] + [
        f"{split}_{part}"
        for split in ("train", "valid")
        for part in ("loss", "content", "style", "tone", "tv", "chroma")
    ] + ["time"]  # fmt: skip
    rows = [dict(zip(names[1:-1], row)) for row in learn.recorder.values]
    assert rows[-1]["valid_style"] < rows[0]["valid_style"]
    parts = sum(rows[-1][f"valid_{part}"] for part in ("content", "style", "tone", "tv", "chroma"))
    assert rows[-1]["valid_loss"] == pytest.approx(parts, rel=1e-3)


def test_fastai_verbs(trained, photos):
    learn = trained
    weights = {k: v.clone() for k, v in learn.model.state_dict().items()}
    assert 0 < quietly(learn, "lr_find", num_it=5, show_plot=False).valley < 10
    assert all(torch.equal(v, weights[k]) for k, v in learn.model.state_dict().items())
    for show, count in ((partial(quietly, learn, "show_results"), 4), (learn.dls.show_batch, 2)):
        plt.close("all")
        show(max_n=2)
        shown = [ax.images[0].get_array() for ax in plt.gcf().axes]
        assert len(shown) == count and all(x.dtype == np.uint8 and x.max() > 100 for x in shown)
    assert "1,679,235" in str(learn.summary())
    picture = quietly(learn, "predict", photos / "china" / "0.jpg")[2]
    assert picture.shape == (3, 72, 96)
    photo = to_tensor(read_picture(photos / "china" / "0.jpg"))
    expected = Stylizer(learn, precision="float32").paint(photo)
    assert torch.allclose(picture.clamp(0, 1), expected[0], atol=1e-4)
    quietly(learn.to_fp16(), "fit", 1)


IN_A_NEW_PROCESS = """
import sys
import matplotlib; matplotlib.use("Agg")
from pathlib import Path
from fastai.learner import load_learner
from faststyle_fastai.all import StyleDataLoaders, style_learner

photos, painting = Path(sys.argv[1]), sys.argv[2]
some = sorted(photos.rglob("*.jpg"))[:3]
learn = load_learner("style.pkl")
for photo in some[:2]:
    print(tuple(learn.predict(photo)[2].shape))
with learn.no_bar(), learn.no_logging():
    new = learn.dls.test_dl(some)
    print(len(learn.get_preds(dl=new)[0]), learn.validate(dl=new))
    learn.show_results(dl=new, max_n=2)
    learn.dls = StyleDataLoaders.from_folder(photos, size=32, bs=2, device="cpu")
    before = learn.validate()[0]
    learn.fit_one_cycle(6, 1e-3)
    print("trained on", learn.validate()[0] < before)
    learn.export("again.pkl")
    again = style_learner(learn.dls, painting, pretrained=load_learner("again.pkl"))
    again.fit(1)
"""


def test_exported_learner_in_a_new_process(dls, photos, painting, tmp_path):
    learn = style_learner(dls, painting)  # the recipe as it is
    quietly(learn, "fit_one_cycle", 1)
    learn.export(tmp_path / "style.pkl")
    assert (tmp_path / "style.pkl").stat().st_size < 8e6
    command = [sys.executable, "-W", "ignore", "-c", IN_A_NEW_PROCESS, photos, painting]
    said = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("(3, 72, 96)") == 2, said.stdout
    assert "3 [None" in said.stdout and "trained on True" in said.stdout, said.stdout
    quietly(learn, "fit", 1)  # and the one that was exported can still train


def test_a_failure_inside_does_not_hang_the_next_call(trained, photos):
    class Broken(Callback):
        def before_fit(self):
            raise KeyError("broken")

    photo = photos / "china" / "0.jpg"
    with pytest.raises(KeyError), trained.added_cbs(Broken()):
        quietly(trained, "predict", photo)
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(quietly, trained, "predict", photo)
        assert job.result(timeout=60)[2].shape == (3, 72, 96)


def test_the_readme_s_lines_work_word_for_word(photos, painting, tmp_path, monkeypatch):
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    lines = re.search(r"```python\n(from faststyle_fastai.all import \*.*?)```", readme, re.S)[1]
    whole = StyleDataLoaders.from_folder.__func__

    def few(cls, path, size, bs, images):  # the same, of fewer and smaller photos
        return whole(cls, path, size=32, bs=2, images=6, device="cpu")

    monkeypatch.setattr(StyleDataLoaders, "from_folder", classmethod(few))
    shutil.copytree(photos, "photos")
    Image.open(painting).save("starry_night.jpg")
    Image.open(photos / "china" / "0.jpg").save("me.jpg")
    exec(lines, {})
    assert {p.name for p in tmp_path.glob("*starry*")} == {
        "starry_night.jpg", "starry.pkl", "starry.safetensors", "me-starry.jpg"
    }  # fmt: skip
    assert quietly(load_learner("starry.pkl"), "predict", "me.jpg")[2].shape == (3, 72, 96)


@pytest.mark.parametrize("make", ["autoencoder", "one style", "two styles"])
def test_any_loss_can_take_the_place_of_ours(dls, painting, make):
    other = Image.linear_gradient("L").convert("RGB")
    learn = {
        "autoencoder": lambda: autoencoder_learner(dls),
        "one style": lambda: style_learner(dls, painting),
        "two styles": lambda: style_learner(dls, [painting, other]),
    }[make]()
    learn.loss_func = MSELossFlat()
    quietly(learn, "fit_one_cycle", 10, 1e-3, cbs=Checkpoint("kept", every=5))
    assert list(learn.recorder.metric_names)[1:-1] == ["train_loss", "valid_loss"]
    first, *_, last = (row[0] for row in learn.recorder.values)
    assert last < first


def test_a_style_file_knows_itself(trained, tmp_path):
    path = save_style(trained, tmp_path / "waves.safetensors")
    net, info, base = load_style(path)
    assert info["styles"] == ["waves"] and info["arch"] == "full" and info["recipe"] == "fast"
    assert info["base"].startswith("autoencoder:") and base is not None
    for name, value in trained.model.state_dict().items():
        assert torch.equal(net.state_dict()[name], value)


def test_an_autoencoder_goes_on_from_another_and_carries_nothing(dls, tmp_path):
    file = save_style(autoencoder_learner(dls), tmp_path / "ae.safetensors")
    weights = load_style(file)[0].state_dict()
    for start in (file, "autoencoder"):
        more = autoencoder_learner(dls, pretrained=start)
        same = all(torch.equal(v, weights[k]) for k, v in more.model.state_dict().items())
        assert same == (start == file)
        _, info, base = load_style(save_style(more, tmp_path / "more.safetensors"))
        assert info["base"] == "" and base is None


def test_an_autoencoder_of_one_s_own_is_carried_along(dls, painting, tmp_path):
    ae = autoencoder_learner(dls)
    ours = {k: v.clone() for k, v in ae.model.state_dict().items()}
    file = save_style(ae, tmp_path / "ae.safetensors")
    learners = [style_learner(dls, painting, pretrained=start) for start in (ae, file)]
    with torch.no_grad():
        ae.model.in1.bias += 1  # the base does not move with the learner that it came from
    for learn in learners:
        _, info, base = load_style(save_style(learn, tmp_path / "style.safetensors"))
        assert info["base"] == "carried" and info["size"] == 32
        assert all(torch.allclose(base[k], ours[k], atol=1e-3) for k in base)


def test_a_style_that_starts_from_another_goes_back_to_the_same_photo(trained, dls, painting):
    second = style_learner(dls, painting, pretrained=trained, name="second")
    assert torch.equal(second.model.conv1.conv2d.weight, trained.model.conv1.conv2d.weight)
    x = noise(1, 3, 32, 32)
    photo = Stylizer(trained).paint(x, strength=0)
    assert torch.equal(Stylizer(second).paint(x, strength=0), photo)


@pytest.fixture(scope="module")
def paintings(painting, tmp_path_factory):
    "Three of them."
    files, folder = [painting], tmp_path_factory.mktemp("styles")
    for name, colour in (("dawn", "orange"), ("dusk", "navy")):
        files.append(folder / f"{name}.png")
        blank = Image.new("RGB", (64, 64), colour)
        Image.blend(blank, Image.effect_noise((64, 64), 90).convert("RGB"), 0.3).save(files[-1])
    return files


@pytest.fixture
def many(dls, paintings):
    learn = style_learner(dls, paintings, small=0, scales=(1,))
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


def test_a_new_painting_joins_and_the_others_stay_to_the_bit(many, dls, paintings, tmp_path):
    file = save_style(many, tmp_path / "many.safetensors")
    before = Stylizer(file)
    learn = style_learner(
        dls, np.asarray(Image.new("RGB", (40, 40))), pretrained=file, name="night"
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
    with pytest.raises(ValueError, match="has a style night already"):
        save_style(learn, file, add_to=file)
    learn.unfreeze()
    quietly(learn, "fit", 1, 1e-3)
    learn.style_card.info["styles"] = ["noon"]
    with pytest.raises(ValueError, match="not .* with new rows alone"):
        save_style(learn, file, add_to=file)


def test_a_new_style_begins_with_the_nearest_row(many, dls, paintings):
    with torch.no_grad():  # rows that paint in plainly different colours
        for row, shift in enumerate((0.0, 3.0, -3.0)):
            many.model.in5.bias[row] += shift
    painted = Stylizer(many).paint(noise(1, 3, 64, 64), "dusk")
    learn = style_learner(dls, to_picture(painted), pretrained=many)
    assert torch.equal(learn.model.in5.bias[0], many.model.in5.bias[2])


def test_two_hundred_styles(dls):
    colours = [Image.new("RGB", (32, 32), (i, 255 - i, i // 2)) for i in range(200)]
    learn = style_learner(dls, colours, small=0, scales=(1,))
    quietly(learn, "fit", 1)
    assert learn.model.n_styles == 200 and Stylizer(learn).styles[-1] == "style199"


def test_no_style_joins_an_autoencoder(dls, painting, tmp_path):
    file = save_style(autoencoder_learner(dls), tmp_path / "ae.safetensors")
    learn = style_learner(dls, painting, pretrained=file)
    with pytest.raises(ValueError, match="is an autoencoder: there are no styles"):
        save_style(learn, file, add_to=file)


def test_added_styles_keep_the_base_of_the_others(dls, paintings, tmp_path):
    many = style_learner(dls, paintings[:2], pretrained=autoencoder_learner(dls))
    file = save_style(many, tmp_path / "many.safetensors")
    learn = style_learner(dls, paintings[2], pretrained=file)
    x, before = noise(1, 3, 32, 32), Stylizer(file)
    after = Stylizer(save_style(learn, tmp_path / "more.safetensors", add_to=file))
    for style in before.styles:
        assert torch.equal(before.paint(x, style, 0.5), after.paint(x, style, 0.5))


def test_paintings_that_cannot_be_told_apart(dls, paintings):
    with pytest.raises(ValueError, match="waves and waves are the same painting"):
        style_learner(dls, [paintings[0], paintings[0]])
    with pytest.raises(ValueError, match="two paintings are called waves"):
        style_learner(dls, paintings[:2], name=["waves", "waves"])
    with pytest.raises(ValueError, match="0 paintings"):
        style_learner(dls, [])


def test_from_scratch_and_light(dls, painting, tmp_path):
    learn = style_learner(dls, painting, pretrained=None, arch="light")
    net, info, base = load_style(save_style(learn, tmp_path / "light.safetensors"))
    assert len(net.in1.weight[0]) == 16 and info["base"] == "" and base is None


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


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data[:-1000], "no .safetensors file, or a damaged one"),
        (lambda data: data + bytes(8), "no .safetensors file, or a damaged one"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "damaged: its checksum is another"),
        (lambda data: data.replace(b"waves", b"wAves"), "damaged: its checksum is another"),
    ],
)
def test_a_bit_that_is_another_is_noticed(trained, tmp_path, change, said):
    path = save_style(trained, tmp_path / "style.safetensors")
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=said):
        load_style(path)


@pytest.mark.parametrize(
    ("info", "state", "said"),
    [
        ({"arch": "huge"}, {}, "no arch 'huge'"),
        ({"size": "wide"}, {}, "invalid literal"),
        ({"styles": ["a", "b"]}, {}, r"in1.bias is \[1, 32\], not \[2, 32\]"),
        ({"recipe": None}, {}, "recipe are not said"),
        ({"styles": [1]}, {}, r"styles are \[1\], not a list of names"),
        ({}, {"in1.bias": torch.zeros(1, 16, dtype=torch.bfloat16)}, r"in1.bias is \[1, 16\]"),
        ({}, {"more": torch.zeros(1)}, "more are missing or too many"),
    ],
)
def test_what_a_file_says_must_fit(trained, tmp_path, info, state, said):
    info = {k: v for k, v in (trained.style_card.info | info).items() if v is not None}
    write_style(trained.model.state_dict() | state, info, tmp_path / "odd.safetensors")
    with pytest.raises(ValueError, match=said):
        load_style(tmp_path / "odd.safetensors")


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


def test_a_painting_too_small_to_show_strokes_is_told(dls):
    with pytest.warns(UserWarning, match="the painting is 40x30 px: too small to show its strokes"):
        style_learner(dls, Image.effect_noise((40, 30), 90).convert("RGB"))


def test_a_picture_or_an_array_is_a_painting_too(dls, painting):
    array = np.asarray(read_picture(painting))
    for style in (array, Image.fromarray(array)):
        learn = style_learner(dls, style, style_size=32)
        assert learn.loss_func.styles[0].shape == (1, 3, 32, 40)  # no larger than the photos
        assert learn.style_card.info["styles"] == ["style"]


def test_a_style_without_weight_leaves_the_photo(dls, painting):
    learn = style_learner(dls, painting, style_weight=0.0)
    quietly(learn, "fit", 1)
    assert learn.recorder.losses[-1].isfinite()
