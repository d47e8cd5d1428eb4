import itertools
import statistics
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import torch
from conftest import is_clean
from fastai.callback.core import Callback
from fastai.torch_core import set_seed
from PIL import Image

from faststyle_fastai.all import (
    Checkpoint,
    FaststyleError,
    History,
    Preview,
    StyleDataLoaders,
    load_style,
    style_learner,
)


class StopAt(Callback):
    "Simulate a power failure before step `n`."

    order = 90

    def __init__(self, n):
        self.n = n

    def after_batch(self):
        if self.training and self.train_iter == self.n:
            raise RuntimeError("off")


class SizesSeen(Callback):
    order = 90

    def __init__(self):
        self.sizes = []

    def after_batch(self):
        if self.training:
            self.sizes.append(self.x.shape[-1])


def learner(photos, painting, seed=0, num_workers=0, **kwargs):
    set_seed(seed)
    split = {"valid_pct": 0.15, "num_workers": num_workers}
    dls = StyleDataLoaders.from_folder(photos, 32, 2, device="cpu", **split)
    return style_learner(dls, painting, scales=(1,), **{"small": 0, "arch": "tiny", **kwargs})


def run(learn, cbs, n_epoch=2, **kwargs):
    with learn.no_bar(), learn.no_logging():
        learn.fit_recipe(n_epoch, cbs=cbs, **kwargs)
    return learn


@pytest.mark.parametrize(("n_styles", "workers"), [(1, 0), (2, 0), (3, 0), (3, 2)])
def test_resumed_training_ends_where_an_uninterrupted_one_does(
    photos, painting, tmp_path, n_styles, workers
):
    styles = [painting, Image.new("RGB", (32, 32), "navy"), Image.new("RGB", (32, 32), "gold")]
    styles = styles[:n_styles]
    whole = run(learner(photos, styles, 0, workers), [History("whole.csv")])
    with pytest.raises(RuntimeError):
        run(learner(photos, styles, 0, workers), [Checkpoint("ck", every=2), StopAt(9)])
    resumed = learner(photos, styles, 5, workers)  # only the checkpoint has the first seed
    run(resumed, [Checkpoint("ck", every=2, resume=True), History("history.csv")])
    for a, b in zip(whole.model.parameters(), resumed.model.parameters()):
        assert torch.equal(a, b)
    assert Path("history.csv").read_text() == Path("whole.csv").read_text()
    assert [p.name for p in sorted(tmp_path.glob("ck/step-*"))] == ["step-000010", "step-000012"]
    assert is_clean(tmp_path)


def test_styles_are_drawn_equally_often(photos, painting):
    class Rows(Callback):
        def __init__(self):
            self.train, self.valid = Counter(), Counter()

        def after_batch(self):
            (self.train if self.training else self.valid).update(self.yb[-1].tolist())

    styles, rows = [painting, *(Image.new("RGB", (32, 32), c) for c in ("navy", "gold"))], Rows()
    run(learner(photos, styles), rows, 2)
    assert rows.train == {0: 8, 1: 8, 2: 8} and rows.valid == {0: 2, 1: 2}


def test_other_styles_do_not_resume(photos, painting):
    night = Image.new("RGB", (32, 32), "navy")
    run(learner(photos, [painting, night], name=["waves", "night"]), Checkpoint("ck"), 1)
    other = learner(photos, [painting, night], name=["night", "waves"])
    with pytest.raises(FaststyleError, match="styles waves, night, not night, waves"):
        run(other, Checkpoint("ck", resume=True))


def test_each_style_has_its_previews(photos, painting, tmp_path):
    styles = [painting, Image.new("RGB", (32, 32), "navy")]
    cbs = Preview([photos / "china" / "0.jpg"], every=4, folder="run/previews", size=32)
    run(learner(photos, styles, name=["waves", "night"]), cbs, 1)
    made = {str(p.relative_to(tmp_path / "run")) for p in tmp_path.glob("run/**/*.*")}
    steps = {f"previews/{s}/step-{n:06d}.png" for s in ("waves", "night") for n in (0, 4, 6)}
    assert made == steps | {
        f"progress-{style}{suffix}" for style in ("waves", "night") for suffix in (".gif", ".mp4")
    }


def test_resuming_a_finished_training_changes_nothing(photos, painting):
    done = run(learner(photos, painting), Checkpoint("ck"))
    again = run(learner(photos, painting, seed=5), Checkpoint("ck", resume=True))
    for a, b in zip(done.model.parameters(), again.model.parameters()):
        assert torch.equal(a, b)
    assert len(again.recorder.losses) == len(done.recorder.losses) == 12
    longer = run(learner(photos, painting), Checkpoint("ck", resume=True), 3)
    assert len(longer.recorder.losses) == 18


def test_resume_across_a_change_of_size(photos, painting):
    settings = {"small": 16, "small_until": 0.2}
    whole = run(learner(photos, painting, **settings), [])
    with pytest.raises(RuntimeError):
        run(learner(photos, painting, **settings), [Checkpoint("ck", every=5), StopAt(6)])
    resumed, seen = learner(photos, painting, seed=5, **settings), SizesSeen()
    run(resumed, [Checkpoint("ck", resume=True), seen])
    for a, b in zip(whole.model.parameters(), resumed.model.parameters()):
        assert torch.equal(a, b)
    assert seen.sizes[-7:] == [16] + [32] * 6


def test_an_earlier_training_in_the_folder_is_not_mistaken_for_this_one(photos, painting, tmp_path):
    run(learner(photos, painting), Checkpoint("ck"), 3)
    run(learner(photos, painting), Checkpoint("ck"), 1)
    assert [p.name for p in tmp_path.glob("ck/step-*")] == ["step-000006"]


def test_a_damaged_checkpoint_gives_way_to_the_one_before(photos, painting, tmp_path):
    whole = run(learner(photos, painting), [Checkpoint("ck", every=5)], 2)
    newest, before = (tmp_path / f"ck/step-0000{n}/state.pt" for n in (12, 10))
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    resumed = learner(photos, painting, seed=5)
    with pytest.warns(UserWarning, match="step-000012 is damaged: trying the previous"):
        run(resumed, [Checkpoint("ck", every=5, resume=True)], 2)
    for a, b in zip(whole.model.parameters(), resumed.model.parameters()):
        assert torch.equal(a, b)
    for file in newest, before:
        file.write_bytes(b"half a file")
    with pytest.warns(UserWarning), pytest.raises(FaststyleError, match="No checkpoint in ck is"):
        run(learner(photos, painting), Checkpoint("ck", resume=True), 2)


def test_a_folder_that_is_gone_or_full_is_said_once(photos, painting, tmp_path, monkeypatch):
    def full(self, data):
        raise OSError(28, "No space left on device", str(self))

    with monkeypatch.context() as broken, pytest.warns() as said:
        broken.setattr(Path, "write_bytes", full)
        learn = run(learner(photos, painting), Checkpoint("ck", every=2), 1)
    said = [str(w.message) for w in said if "not written" in str(w.message)]
    assert said == ["File not written: No space left on device. Work continues and will try again."]
    assert len(learn.recorder.losses) == 6 and not list(tmp_path.glob("ck/*step*"))


def test_the_best_epoch_is_kept(photos, painting):
    learn = run(learner(photos, painting), Checkpoint("ck"), 3)
    place = list(learn.recorder.metric_names[1:]).index("valid_loss")
    best = min(row[place] for row in learn.recorder.values)
    learn.model.load_state_dict(load_style("ck/best.safetensors")[0].state_dict())
    with learn.no_bar():
        assert learn.validate()[0] == pytest.approx(best, rel=1e-3)


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


def test_a_spent_time_budget_stays_spent(photos, painting):
    first = run(learner(photos, painting), Checkpoint("ck"), None, minutes=0.01)
    again = run(learner(photos, painting), Checkpoint("ck", resume=True), None, minutes=0.01)
    assert len(again.recorder.losses) == len(first.recorder.losses) > 0


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


def test_dead_places_come_alive(photos, painting):
    def dead(weight):
        "The share of places where no last feature is on, after a few steps."
        learn, seen = learner(photos, painting, loss={"dead": {"weight": weight}}), []
        with torch.no_grad():
            learn.model.in5.bias.sub_(1)
        run(learn, [], 8, lr=0.02)
        assert not learn.model.in5._forward_hooks
        learn.model.in5.register_forward_hook(lambda norm, x, z: seen.append(z))
        with torch.no_grad():
            learn.model.eval()(learn.dls.valid.one_batch()[0])
        return (seen[0].amax(1) <= 0).float().mean().item()

    assert dead(30.0) < 0.1 * dead(0.0)


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
