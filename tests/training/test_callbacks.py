import itertools
import statistics
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import torch
from conftest import is_clean
from fastai.callback.core import Callback
from learners import SizesSeen, learner, run
from PIL import Image, ImageSequence

from faststyle_fastai.all import (
    Checkpoint,
    FaststyleError,
    History,
    Preview,
)
from faststyle_fastai.training import progress


def test_styles_are_drawn_equally_often(photos, painting):
    class Rows(Callback):
        def __init__(self):
            self.train, self.valid = Counter(), Counter()

        def after_batch(self):
            (self.train if self.training else self.valid).update(self.xb[-1].tolist())

    styles, rows = [painting, *(Image.new("RGB", (32, 32), c) for c in ("navy", "gold"))], Rows()
    run(learner(photos, styles), rows, 2)
    assert rows.train == {0: 8, 1: 8, 2: 8} and rows.valid == {0: 2, 1: 2}


def test_each_style_has_its_previews(photos, painting, tmp_path):
    styles = [painting, Image.new("RGB", (32, 32), "navy")]
    cbs = Preview([photos / "china" / "0.jpg"], every=4, folder="run/previews", size=32)
    run(learner(photos, styles, name=["waves", "night"]), cbs, 1)
    made = {str(p.relative_to(tmp_path / "run")) for p in tmp_path.glob("run/**/*.*")}
    steps = {f"previews/{s}/step-{n:06d}.png" for s in ("waves", "night") for n in (0, 4, 6)}
    assert made == steps | {"progress-waves.gif", "progress-night.gif"}


def test_history_and_previews(photos, painting, tmp_path):
    picture = photos / "china" / "0.jpg"
    cbs = [History("history.csv"), Preview([picture], every=4, folder="run/previews", size=32)]
    run(learner(photos, painting), cbs)
    table = pd.read_csv("history.csv")
    assert len(table) == 2 and table.valid_style.notna().all() and table.train_style.min() > 0
    names = sorted(p.name for p in (tmp_path / "run/previews").iterdir())
    assert names == [f"step-{n:06d}.png" for n in (0, 4, 8, 12)]
    with Image.open("run/progress.gif") as gif:
        assert gif.n_frames == 4
    assert is_clean(tmp_path)


def test_a_damaged_preview_is_left_out_of_the_film(photos, painting, tmp_path):
    def spoil(callback):
        (tmp_path / "run/previews/step-000004.png").write_bytes(b"no picture")

    preview = Preview([photos / "china" / "0.jpg"], every=4, folder="run/previews", size=32)
    run(learner(photos, painting), [preview, Callback(after_epoch=spoil)])
    with Image.open("run/progress.gif") as gif:
        assert gif.n_frames == 3


def test_the_film_of_many_previews_ends_with_the_last(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "FRAMES", 3)
    for i in range(7):
        Image.new("RGB", (32, 32), (30 * i, 0, 0)).save(tmp_path / f"step-{i}.png")
    progress.write_film(tmp_path, tmp_path / "film.gif")
    with Image.open("film.gif") as gif:
        reds = [frame.convert("RGB").getpixel((0, 0))[0] for frame in ImageSequence.Iterator(gif)]
    assert reds == [0, 90, 180]


def test_small_photos_first(photos, painting):
    seen = SizesSeen()
    run(learner(photos, painting, small=16, small_until=0.5), seen)
    assert seen.sizes == [16] * 10 + [32] * 2  # equal time: a quarter of the pixels


def test_minutes_stretch_the_schedule(photos, painting, monkeypatch):
    ticks = itertools.count(step=0.5)  # a clock that advances half a second per reading
    monkeypatch.setattr("faststyle_fastai.training.callbacks.time.monotonic", lambda: next(ticks))
    learn = run(learner(photos, painting), Checkpoint("ck"), None, minutes=0.15)
    lrs = learn.recorder.lrs
    assert 10 < len(lrs) < 20 and lrs[0] < 0.2 * max(lrs) and lrs[-1] < 0.05 * max(lrs)
    assert max(lrs) == pytest.approx(learn.style_card.plan.lr, rel=0.1)
    assert len(learn.recorder.values[-1]) == 12  # the shortened epoch was validated
    assert Path("ck/best.safetensors").is_file()


@pytest.mark.slow
def test_spikes_in_the_features_are_penalised(painting, tmp_path):
    for i in range(8):  # a bright dot on plain gray is a spike after every normalization
        photo = Image.new("RGB", (48, 48), "gray")
        photo.paste("white", (16 + 2 * i, 20, 19 + 2 * i, 23))
        photo.save(tmp_path / f"{i}.png")

    def spikes(weight, seed):
        plan = {"style_loss": "gram", "style_layers": {"relu2_1": 5.0, "relu3_1": 5.0}}
        plan |= {"content_loss": "relative", "style_margin": 0.0, "tone_weight": 1.5}
        how = {"seed": seed, "droplets": weight, "pretrained": None, "arch": "full", **plan}
        learn, seen = learner(tmp_path, painting, **how), []
        run(learn, [], 8)
        assert not learn.model.in5._forward_hooks
        learn.model.in5.register_forward_pre_hook(lambda norm, x: seen.append(x[0]))
        with torch.no_grad():
            learn.model.eval()(learn.dls.valid.one_batch()[0])
        var, mean = torch.var_mean(seen[0], (2, 3), keepdim=True)
        return ((seen[0] - mean) / var.sqrt()).abs().sub(4).relu().square().mean().item()

    # How many spikes there are depends on rounding, hence on the processor.
    with_penalty, without = (
        statistics.median(spikes(weight, seed) for seed in range(3)) for weight in (300.0, 0.0)
    )
    assert with_penalty < 0.02 * without


def test_an_interrupt_leaves_no_second_penalty_behind(photos, painting):
    learn, calls = learner(photos, painting), []

    def stop_once(net, inputs):
        calls.append(len(net.in5._forward_hooks))
        if len(calls) == 1:
            raise KeyboardInterrupt

    learn.model.register_forward_pre_hook(stop_once)
    with pytest.raises(KeyboardInterrupt):
        run(learn, [])
    run(learn, [], 1)
    assert max(calls) == 1 and not learn.model.in5._forward_hooks


def test_a_search_for_a_learning_rate_leaves_checkpoints_alone(photos, painting, tmp_path):
    learn = run(learner(photos, painting), Checkpoint("ck"), 1)

    def written():
        return {file: file.stat().st_mtime_ns for file in tmp_path.glob("ck/step-*/*")}

    before = written()
    learn.add_cb(Checkpoint("ck", resume=True))
    with learn.no_bar(), learn.no_logging():
        learn.lr_find(num_it=4, show_plot=False)
        assert written() == before
        learn.fit(1)  # it has ended
        assert written() == before
        learn.fit(1)  # another one
    assert len(learn.recorder.losses) == 6 and written() != before


def test_lr_find_keeps_one_size(photos, painting):
    learn, seen = learner(photos, painting, small=16, small_until=0.5), SizesSeen()
    learn.add_cb(seen)
    with learn.no_bar(), learn.no_logging():
        learn.lr_find(num_it=4, show_plot=False)
    assert set(seen.sizes) == {32}


def test_a_loss_that_is_no_number_stops_on_good_weights(photos, painting):
    class Poison(Callback):
        order = 0

        def before_batch(self):
            if self.training and self.train_iter == 5:
                self.learn.xb = (self.x * float("nan"),)

    learn = learner(photos, painting)
    said = "content and style and tone and tv and chroma became nan before step 6"
    with pytest.raises(FaststyleError, match=said):
        run(learn, Poison())
    assert all(p.isfinite().all() for p in learn.model.parameters())
