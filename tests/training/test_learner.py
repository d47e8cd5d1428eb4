import copy
import pathlib
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
from conftest import quietly
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
    read_picture,
    recipe_plan,
    style_learner,
    to_tensor,
)
from faststyle_fastai.strokes.thick_paint import count_in_strokes, in_strokes


def test_an_autoencoder_learns_to_redraw(dls):
    learn = autoencoder_learner(dls, arch="tiny", content_layers={"relu1_1": 1.0}, small=0)
    before = learn.validate()[0]
    quietly(learn, "fit_one_cycle", 30, 3e-3)
    assert learn.validate()[0] < 0.8 * before


def test_a_style_is_learned_and_its_parts_are_columns(dls, painting):
    learn = style_learner(dls, painting, pretrained="autoencoder", arch="tiny", small=0)
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
    assert f"{sum(p.numel() for p in learn.model.parameters()):,}" in str(learn.summary())
    picture = quietly(learn, "predict", photos / "china" / "0.jpg")[2]
    assert picture.shape == (3, 72, 96)
    photo = to_tensor(read_picture(photos / "china" / "0.jpg"))
    paint = Stylizer(learn, precision="float32")
    colored = paint.paint(photo)
    paint.info = {**paint.info, "palettes": {}}  # `predict` is the network alone
    assert torch.allclose(picture.clamp(0, 1), paint.paint(photo)[0], atol=1e-4)
    assert not torch.allclose(colored, paint.paint(photo), atol=1e-2)
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


@pytest.mark.slow
def test_exported_learner_in_a_new_process(dls, photos, painting, tmp_path):
    learn = style_learner(dls, painting)  # the unchanged recipe
    quietly(learn, "fit_one_cycle", 1)
    learn.export(tmp_path / "style.pkl")
    assert (tmp_path / "style.pkl").stat().st_size < 8e6
    command = [sys.executable, "-W", "ignore", "-c", IN_A_NEW_PROCESS, photos, painting]
    said = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("(3, 72, 96)") == 2, said.stdout
    assert "3 [None" in said.stdout and "trained on True" in said.stdout, said.stdout
    quietly(learn, "fit", 1)  # the exported learner can still train


def test_a_learner_that_windows_exported(trained, tmp_path, monkeypatch):
    here = type(tmp_path)
    with monkeypatch.context() as there:
        windows = lambda path: (pathlib.WindowsPath, path.parts)  # noqa: E731
        there.setattr(here, "__reduce__", windows)
        there.setattr(here, "__reduce_ex__", lambda path, _: windows(path))
        trained.export(tmp_path / "windows.pkl")
    assert b"WindowsPath" in (tmp_path / "windows.pkl").read_bytes()
    assert Stylizer(tmp_path / "windows.pkl").styles == ["waves"]
    with pytest.raises(NotImplementedError):
        pathlib.WindowsPath()


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
    readme = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
    lines = re.search(r"```python\n(from faststyle_fastai.all import \*.*?)```", readme, re.S)[1]
    whole = StyleDataLoaders.from_folder.__func__

    def few(cls, path, size, bs):  # the same, with fewer and smaller photos
        return whole(cls, path, size=32, bs=2, images=6, device="cpu")

    monkeypatch.setattr(StyleDataLoaders, "from_folder", classmethod(few))
    shutil.copytree(photos, "photos")
    Image.open(painting).save("painting.jpg")
    Image.open(photos / "china" / "0.jpg").save("me.jpg")
    exec(lines, made := {})
    assert {p.name for p in tmp_path.glob("*mine*")} == {"mine.safetensors", "me-mine.jpg"}
    made["learn"].export("mine.pkl")
    assert quietly(load_learner("mine.pkl"), "predict", "me.jpg")[2].shape == (3, 72, 96)


@pytest.mark.parametrize("make", ["autoencoder", "one style", "two styles"])
def test_any_loss_can_take_the_place_of_ours(dls, painting, make):
    other = Image.linear_gradient("L").convert("RGB")
    learn = {
        "autoencoder": lambda: autoencoder_learner(dls, arch="tiny"),
        "one style": lambda: style_learner(dls, painting, arch="tiny"),
        "two styles": lambda: style_learner(dls, [painting, other], arch="tiny"),
    }[make]()
    learn.loss_func = MSELossFlat()
    quietly(learn, "fit_one_cycle", 3, 1e-3, cbs=Checkpoint("kept", every=5))
    assert list(learn.recorder.metric_names)[1:-1] == ["train_loss", "valid_loss"]
    first, *_, last = (row[0] for row in learn.recorder.values)
    assert last < first


def test_wrong_settings(dls, painting, tmp_path):
    with pytest.raises(ValueError, match="Unknown recipe 'slow'. Choose one of fast, skalski"):
        style_learner(dls, painting, recipe="slow")
    with pytest.raises(ValueError, match="Unknown setting contents. Available settings: backbone"):
        style_learner(dls, painting, contents={})
    with pytest.raises(ValueError, match="Pass bs, size to StyleDataLoaders"):
        style_learner(dls, painting, size=64, bs=1)
    with pytest.raises(ValueError, match="Unknown arch 'huge'"):
        style_learner(dls, painting, arch="huge")
    (tmp_path / "style.jpg").write_text("no picture")
    with pytest.raises(ValueError, match="style.jpg cannot be read: not an image"):
        style_learner(dls, tmp_path / "style.jpg")


def test_a_painting_too_small_to_show_strokes_is_told(dls):
    with pytest.warns(UserWarning, match="The painting is 500x390 px, too small to show"):
        style_learner(dls, Image.effect_noise((500, 390), 90).convert("RGB"), strokes=False)


def test_a_picture_or_an_array_is_a_painting_too(dls, painting):
    array = np.asarray(read_picture(painting))
    for style in (array, Image.fromarray(array)):
        learn = style_learner(dls, style, style_size=32)
        assert learn.loss_func.styles[0].shape == (1, 3, 32, 40)  # no larger than the photos
        assert learn.style_card.info["styles"] == ["style"]


def test_a_network_learns_from_strokes_of_thick_paint(dls, painting):
    made, plain = (style_learner(dls, painting, strokes=each) for each in (True, False))
    strokes, picture = made.loss_func.styles[0], to_tensor(read_picture(painting))
    assert torch.equal(plain.loss_func.styles[0], picture)
    assert (strokes - picture).abs().mean() > 0.02 > (strokes - picture).mean().abs()
    assert made.style_card.info["palettes"] == plain.style_card.info["palettes"]  # the painting's
    many = style_learner(dls, {"many": [painting] * 5}).loss_func.styles[0]
    assert all(torch.equal(work, picture) for work in many)  # strokes of all would take minutes
    assert recipe_plan("fast", "style").strokes is None
    assert recipe_plan("johnson", "style").strokes is False


def test_what_has_no_brushwork_is_learned_as_it_is(dls, painting):
    poster = Image.new("RGB", (120, 90), "orange")
    poster.paste("navy", (20, 20, 80, 60))
    painting = Image.effect_noise((120, 90), 90).convert("RGB")
    for style in (poster, painting):
        shown, picture = style_learner(dls, style).loss_func.styles[0], to_tensor(style)
        assert torch.equal(shown, picture) == (style is poster)
    assert count_in_strokes([poster, [painting, poster], [painting] * 5], None) == 1
    assert count_in_strokes(["absent.png"], False) == 0  # which opens none


@pytest.mark.slow
def test_strokes_are_drawn_at_the_size_that_is_asked_for():
    painting = Image.linear_gradient("L").resize((900, 600)).convert("RGB")
    for asked, short in (({}, 512), ({"short": 600}, 600), ({"longer": 870}, 580)):
        assert min(in_strokes([painting], True, **asked)[0].size) == short


def test_a_style_without_weight_leaves_the_photo(dls, painting):
    learn = style_learner(dls, painting, arch="tiny", style_weight=0.0)
    quietly(learn, "fit", 1)
    assert learn.recorder.losses[-1].isfinite()


def test_an_interrupt_leaves_nothing_behind(dls, painting):
    learn = style_learner(dls, painting, arch="tiny", small=0, precision="bfloat16")

    def interrupt(*_):
        raise KeyboardInterrupt

    hook = learn.model.deconv2.register_forward_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        quietly(learn, "fit", 1)
    hook.remove()
    assert not torch.is_autocast_enabled("cpu")
    assert not any(part._forward_hooks for part in learn.model.modules())
    copy.deepcopy(learn.model)
    learn.export("learner.pkl")
    quietly(learn, "fit", 1)


def test_a_last_step_that_ruins_the_weights_is_undone(dls, painting):
    learn, spoiled = style_learner(dls, painting, arch="tiny", small=0), []

    class Spoil(Callback):
        def after_step(self):
            if self.iter == len(self.dl) - 1:
                spoiled.append(self.learn.model.in1.weight.data.fill_(torch.nan))

    with pytest.raises(FaststyleError, match="The weights became infinite or NaN"):
        quietly(learn, "fit", 1, cbs=Spoil())
    assert spoiled and all(p.isfinite().all() for p in learn.model.parameters())
