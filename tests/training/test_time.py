"The time of a training: the default, an estimate, and keeping to it."

import json
import time

import pytest
from conftest import quietly

from faststyle_fastai.all import Checkpoint, FaststyleError, train
from faststyle_fastai.core.terminal import clock
from faststyle_fastai.training import recipes
from faststyle_fastai.training.callbacks import TimeBudget
from faststyle_fastai.training.progress import TimeLeft

SMALL = {"size": 32, "bs": 2, "arch": "tiny", "device": "cpu"}


@pytest.fixture
def quick_recipe(monkeypatch):
    "Recipe `fast` with seconds instead of five minutes."
    row = recipes.RECIPES["fast"]
    short = recipes.Recipe(row.style, row.autoencoder, minutes=0.03)
    monkeypatch.setitem(recipes.RECIPES, "fast", short)
    return row


def test_a_training_without_a_time_takes_minutes(quick_recipe, photos, painting, capsys):
    assert quick_recipe.minutes == 5
    with pytest.warns(UserWarning, match="has 14 photos. With about 1,000"):
        run = train(photos, painting, "run", resume=True, **SMALL)
    said = capsys.readouterr().err
    assert "run holds no run to resume" in said and "Training for 0.03 minutes" in said
    assert json.loads((run / "run.json").read_text())["settings"]["minutes"] == 0.03
    train(photos, painting, "run", resume=True, quiet=True, **SMALL)  # also without a time
    with pytest.raises(FaststyleError, match="minutes=0.03, not 0.01"):
        train(photos, painting, "run", resume=True, minutes=0.01, quiet=True, **SMALL)


def test_hours_are_said_in_advance(trained, capsys, monkeypatch):
    clocks = iter(range(0, 1_000_000, 1200))
    monkeypatch.setattr(time, "monotonic", lambda: next(clocks))
    quietly(trained, "fit", 3, cbs=TimeLeft())
    lines = capsys.readouterr().err.splitlines()
    (said,) = (i for i, line in enumerate(lines) if line.startswith("This takes about "))
    assert lines[said].count(":") == 2 and "left" in lines[said + 1]
    assert clock(65) == "1:05" and clock(7265) == "2:01:05"


def test_a_long_validation_is_shortened(trained):
    slow, n = trained.loss_func.forward, []

    def validating(*args, **kwargs):
        if not trained.training:
            n.append(time.sleep(0.3))
        return slow(*args, **kwargs)

    trained.loss_func.forward = validating
    trained.dls.valid = trained.dls.train.new(shuffle=False, drop_last=False)
    began = time.monotonic()
    quietly(trained, "fit", 1000, cbs=TimeBudget(0.02, began))
    assert 1 <= len(n) < len(trained.dls.valid)
    assert len(trained.recorder.values[-1]) == len(trained.recorder.metric_names) - 2


def test_a_validation_of_its_own_is_whole(trained):
    seen = []
    trained.loss_func.register_forward_hook(lambda *_: seen.append(time.sleep(0.3)))
    valid = trained.dls.train.new(shuffle=False, drop_last=False)
    with trained.no_bar():
        trained.validate(dl=valid, cbs=TimeBudget(0.01))
    assert len(seen) == len(valid) > 2


def test_a_first_step_that_takes_all_the_time_is_saved(trained, tmp_path):
    trained.loss_func.register_forward_hook(lambda *_: time.sleep(0.6))
    quietly(trained, "fit", 1000, cbs=[TimeBudget(0.01), Checkpoint(tmp_path / "ck")])
    assert [path.name for path in tmp_path.glob("ck/step-*")] == ["step-000001"]


def test_a_budget_is_for_each_fit(trained):
    budget = TimeBudget(0.02)
    for _ in range(2):
        quietly(trained, "fit", 1000, cbs=budget)
        assert trained.train_iter > 0


def test_preparation_counts():
    waited = TimeBudget(1, time.monotonic() - 10)
    waited.before_fit()
    assert 9 < time.monotonic() - waited.tick < 12
    late = TimeBudget(1, time.monotonic() - 1000)
    late.before_fit()
    assert time.monotonic() - late.tick < 30
