import json
import signal
from pathlib import Path

import pytest
import torch
from conftest import FEW, is_clean
from fastai.callback.core import Callback
from learners import SizesSeen, learner, run, same
from PIL import Image

from faststyle_fastai.all import Checkpoint, FaststyleError, History, load_style, train
from faststyle_fastai.training.guards import StopOnInterrupt


def fail():
    raise RuntimeError("off")


def terminate():
    signal.raise_signal(signal.SIGTERM)


class StopAt(Callback):
    "Simulate a power failure, or another end, at step `n`."

    order = 90

    def __init__(self, n, end=fail):
        self.n, self.end = n, end

    def after_batch(self):
        if self.training and self.train_iter == self.n:
            self.end()


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
    assert same(whole, resumed)
    assert Path("history.csv").read_text() == Path("whole.csv").read_text()
    assert [p.name for p in sorted(tmp_path.glob("ck/step-*"))] == ["step-000010", "step-000012"]
    assert is_clean(tmp_path)


def test_a_resume_in_float16_keeps_the_scale_of_the_loss(photos, painting):
    def half():
        return learner(photos, painting, precision="float16")

    whole = run(half(), [], 1)
    with pytest.raises(RuntimeError):
        run(half(), [Checkpoint("ck", every=2), StopAt(4)], 1)
    resumed = run(half(), [Checkpoint("ck", every=2, resume=True)], 1)
    assert same(whole, resumed)


def test_what_only_validates_does_not_resume(photos, painting, whole):
    with pytest.raises(RuntimeError):
        run(learner(photos, painting), [Checkpoint("ck", every=2), StopAt(9)])
    resumed = learner(photos, painting, 5, cbs=Checkpoint("ck", every=2, resume=True))
    before = next(resumed.model.parameters()).clone()
    with resumed.no_bar(), resumed.no_logging():
        resumed.validate()
        resumed.lr_find(num_it=2, suggest_funcs=(), show_plot=False)
        resumed.predict(photos / "china" / "0.jpg")
        assert torch.equal(before, next(resumed.model.parameters()))
        resumed.fit_recipe(2)
    assert same(whole, resumed)


def test_other_styles_do_not_resume(photos, painting):
    night = Image.new("RGB", (32, 32), "navy")
    run(learner(photos, [painting, night], name=["waves", "night"]), Checkpoint("ck"), 1)
    other = learner(photos, [painting, night], name=["night", "waves"])
    with pytest.raises(FaststyleError, match="styles waves, night, not night, waves"):
        run(other, Checkpoint("ck", resume=True))


def test_resuming_a_finished_training_changes_nothing(photos, painting):
    done = run(learner(photos, painting), Checkpoint("ck"))
    again = run(learner(photos, painting, seed=5), Checkpoint("ck", resume=True))
    assert same(done, again)
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
    assert same(whole, resumed)
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
    newest.parent.with_name("step-000012 copy").mkdir()  # as file managers make
    resumed = learner(photos, painting, seed=5)
    with pytest.warns(UserWarning, match="step-000012 is damaged: trying the previous"):
        run(resumed, [Checkpoint("ck", every=5, resume=True)], 2)
    assert same(whole, resumed)
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


def test_a_spent_time_budget_stays_spent(photos, painting):
    first = run(learner(photos, painting), Checkpoint("ck"), None, minutes=0.01)
    again = run(learner(photos, painting), Checkpoint("ck", resume=True), None, minutes=0.01)
    assert len(again.recorder.losses) == len(first.recorder.losses) > 0


def test_the_same_call_goes_on_after_a_stop(photos, painting, whole):
    learn, cbs = learner(photos, painting), [Checkpoint("ck", resume=True), StopOnInterrupt()]
    run(learn, [*cbs, StopAt(4, terminate)])
    assert len(learn.recorder.losses) == 4
    run(learn, cbs)
    assert same(whole, learn)


class StopLate(Callback):
    "Ctrl-C during the last validation."

    def before_validate(self):
        if self.epoch == self.n_epoch - 1:
            terminate()


def test_a_stop_that_comes_too_late_stops_nothing(photos, painting):
    keeper, stop = Checkpoint("ck", resume=True), StopOnInterrupt()
    learn = run(learner(photos, painting), [keeper, stop, StopLate()])
    assert len(learn.recorder.values) == 2 and stop.asked and not stop.stopped
    assert not keeper.resume  # the same call would be another fit


def test_a_run_stopped_too_late_is_complete(photos, painting):
    folder = train(photos, painting, "run", epochs=1, cbs=StopLate(), **FEW)
    assert json.loads((folder / "run.json").read_text())["complete"]


def test_each_fit_has_patience_of_its_own(photos, painting):
    learn, keeper = learner(photos, painting, lr=0.0), Checkpoint("ck", patience=1)
    lengths = [len(run(learn, keeper, 4).recorder.values) for _ in range(2)]
    assert lengths == [2, 2]  # the best, and one that is not better
