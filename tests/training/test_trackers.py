"Resumes together with fastai's own callbacks."

from pathlib import Path

import pytest
import torch
from fastai.callback.core import Callback
from fastai.callback.progress import CSVLogger
from fastai.callback.tracker import EarlyStoppingCallback, ReduceLROnPlateau, SaveModelCallback
from learners import learner, run, same
from test_checkpoint import StopAt

from faststyle_fastai.all import Checkpoint
from faststyle_fastai.training.callbacks import has_state


def trackers():
    return [SaveModelCallback(every_epoch=True), EarlyStoppingCallback(patience=9),
            ReduceLROnPlateau(patience=9)]  # fmt: skip


def test_trackers_see_no_skipped_epochs_and_remember_the_best(photos, painting):
    whole = run(learner(photos, painting), trackers())
    with pytest.raises(RuntimeError):
        run(learner(photos, painting), [Checkpoint("ck", every=1), StopAt(9), *trackers()])
    first = Path("models/model_0.pth").stat().st_mtime_ns
    early = trackers()
    resumed = learner(photos, painting, 5)
    run(resumed, [Checkpoint("ck", every=1, resume=True), *early])
    assert same(whole, resumed)
    assert Path("models/model_0.pth").stat().st_mtime_ns == first
    assert all(0 < each.best < float("inf") for each in early[1:])


def test_the_last_weights_are_saved_not_the_best(photos, painting, whole):
    run(learner(photos, painting), [Checkpoint("ck", every=99), SaveModelCallback()])
    resumed = run(learner(photos, painting, 5), Checkpoint("ck", resume=True))
    assert same(whole, resumed)


def test_a_callback_without_a_state_of_its_own_saves_none(photos, painting):
    learn = learner(photos, painting)
    learn.add_cb(plain := Callback())
    assert hasattr(plain, "load_state_dict") and not has_state(plain)  # the model's
    assert has_state(EarlyStoppingCallback())


def test_checkpoints_are_written_after_lr_find_has_failed(photos, painting):
    learn = learner(photos, painting, cbs=Checkpoint("ck", every=1))
    learn.add_cb(fails := StopAt(2))
    with pytest.raises(RuntimeError), learn.no_bar():
        learn.lr_find(num_it=5, show_plot=False)
    learn.remove_cb(fails)
    run(learn, [], 1)
    assert [*Path("ck").glob("step-*")]


def test_the_second_fit_of_fine_tune_is_resumed(photos, painting):
    def tuned(learn, *cbs):
        with learn.no_bar(), learn.no_logging():
            learn.fine_tune(2, 1e-3, cbs=list(cbs))
        return learn

    class StopUnfrozen(StopAt):
        def after_batch(self):
            if not self.opt.frozen_idx:
                super().after_batch()

    whole = tuned(learner(photos, painting))
    with pytest.raises(RuntimeError):
        tuned(learner(photos, painting), Checkpoint("ck", every=1), StopUnfrozen(3))
    resumed = tuned(learner(photos, painting, 5), Checkpoint("ck", every=1, resume=True))
    assert same(whole, resumed)


def test_a_fit_that_ended_is_not_trained_on(photos, painting):
    def ended(*cbs):
        learn = learner(photos, painting, 5)
        with learn.no_bar(), learn.no_logging():
            learn.fit(4, 1e-9, cbs=[*cbs, CSVLogger(), EarlyStoppingCallback(min_delta=9)])
        return learn, getattr(learn, "train_iter", 0)

    first, steps = ended(Checkpoint("ck", every=1))
    assert steps < 4 * len(first.dls.train)
    again, more = ended(Checkpoint("ck", every=1, resume=True))
    assert more == steps and same(first, again)


def test_checkpoints_of_another_version_resume_when_frozen(photos, painting):
    learn = learner(photos, painting)
    learn.freeze()
    with pytest.raises(RuntimeError):
        run(learn, [Checkpoint("ck", every=1), StopAt(5)])
    for file in Path("ck").glob("step-*/state.pt"):
        state = torch.load(file, weights_only=False)
        del state["frozen"]
        torch.save(state, file)
    resumed = learner(photos, painting, 5)
    resumed.freeze()
    whole = learner(photos, painting)
    whole.freeze()
    assert same(run(whole, []), run(resumed, Checkpoint("ck", resume=True)))
