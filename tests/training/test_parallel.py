"Two processes train one network."

import csv
import json
import subprocess
import sys
import time

import pytest
import torch

from faststyle_fastai.all import FaststyleError, StyleDataLoaders, load_style, style_learner
from faststyle_fastai.training.distributed import distributed_entry

SETTINGS = ["--arch", "slim", "--crop-size", "32", "--seed", "3"]


@pytest.fixture
def command(photos, painting, tmp_path):
    "The command that trains into a folder with a number of processes."
    pytest.importorskip("accelerate")

    def command(out, processes, *args):
        launch = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes)]
        launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
        launch += ["--main_process_port", "0", "-m"] if processes > 1 else []
        train = ["faststyle_fastai", "train", photos, "--style", painting, "-o", tmp_path / out]
        parts = [sys.executable, "-m", *(launch if processes > 1 else []), *train]
        return [str(part) for part in [*parts, *SETTINGS, *args]]

    return command


def run(command):
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def losses(out):
    with open(out / "history.csv") as history:
        return [float(row["valid_loss"]) for row in csv.DictReader(history)]


def test_two_learn_what_one_learns(command, faststyle, tmp_path, photos, painting):
    dls = StyleDataLoaders.from_folder(photos, 32, 2, seed=3, device="cpu")
    learn = style_learner(dls, painting, arch="slim")
    with learn.no_bar(), learn.no_logging():
        before = learn.validate()[0]
    how = "--bs", "4", "--images", "240", "--lr", "0.01"
    two = run(command("two", 2, *how))
    assert two.returncode == 0, two.stderr
    assert two.stdout.count("model.safetensors") == 1  # only one process writes and prints
    one = faststyle(*command("one", 1, *how)[3:])
    assert one.returncode == 0, one.stderr
    both = [losses(tmp_path / name) for name in ("one", "two")]
    assert len(both[0]) == len(both[1]) and both[0][-1] < before / 2
    assert both[1] == pytest.approx(both[0], rel=0.15)
    assert load_style(tmp_path / "two" / "model.safetensors")[1]["styles"] == ["waves"]
    steps = [
        sorted(p.name for p in (tmp_path / n / "checkpoints").iterdir()) for n in ("one", "two")
    ]
    assert steps[0] == steps[1]


def test_one_goes_on_where_two_were_stopped(command, tmp_path):
    settings = ["--bs", "2", "--images", "100000", "--checkpoint-every", "30", "--quiet"]
    training = subprocess.Popen(command("run", 2, *settings), stderr=subprocess.PIPE, text=True)
    checkpoints = tmp_path / "run" / "checkpoints"
    try:
        for _ in range(1200):
            if list(checkpoints.glob("step-*")):
                break
            time.sleep(0.1)
        (victim,) = children(training.pid)[-1:]
        subprocess.run(["kill", "-9", str(victim)], check=True)
        assert training.wait(60) != 0  # no process waits forever
    finally:
        training.kill()
    state = torch.load(max(checkpoints.glob("step-*")) / "state.pt", weights_only=True)
    assert state["processes"] == 2
    one = subprocess.Popen(command("run", 1, *settings, "--resume"), stderr=subprocess.PIPE)
    try:
        for _ in range(1200):
            newest = max(checkpoints.glob("step-*"))
            if newest.name > f"step-{state['train_iter']:06}":
                break
            time.sleep(0.1)
    finally:
        one.kill()
    assert newest.name > f"step-{state['train_iter']:06}"
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["complete"] is False


def children(pid):
    "The child processes of a process."
    import psutil

    return [child.pid for child in psutil.Process(pid).children()]


AVERAGE = """
import torch
from torch import distributed
from faststyle_fastai.training import distributed as ours
from faststyle_fastai.training.distributed import AverageGradients, distributed_entry, shard

@distributed_entry
def work():
    torch.manual_seed(0)
    net, photos = torch.nn.Linear(3, 2), torch.randn(8, 3)
    net(shard(photos)).square().mean().backward()
    callback = AverageGradients()
    callback.learn = type("Learn", (), {"model": net})
    callback.before_fit()
    callback.before_step()
    mine = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    net(photos).square().mean().backward()
    assert all(torch.allclose(m, p.grad, atol=1e-6) for m, p in zip(mine, net.parameters()))
    assert ours.all_reduce_max(distributed.get_rank()) == 1
    print("same\\n", end="", flush=True)  # a single write, as the other process prints too

work()
"""


def test_the_mean_of_two_is_that_of_all(tmp_path):
    (tmp_path / "average.py").write_text(AVERAGE)
    done = run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "average.py"]
    )
    assert done.returncode == 0 and done.stdout.split() == ["same", "same"], done.stderr


CONTEXT = """
import sys
import torch
from fastai.distributed import DistributedDL
from faststyle_fastai.all import *

def broadcast(self, idxs, rank):
    "fastai's own goes through CUDA."
    idxs = torch.LongTensor(idxs)
    torch.distributed.broadcast(idxs, rank)
    return idxs.tolist()

DistributedDL._broadcast = broadcast
set_seed(0)
dls = StyleDataLoaders.from_folder(sys.argv[1], size=32, bs=2, images=8, device="cpu")
learn = style_learner(dls, sys.argv[2], arch="slim", stable=1.0)
with learn.distrib_ctx(sync_bn=False, cpu=True), learn.no_bar(), learn.no_logging():
    learn.fit_one_cycle(1, 1e-3, cbs=Checkpoint("ck", every=1))
total = sum(p.double().sum().item() for p in learn.model.parameters())
print(f"{total}\\n", end="", flush=True)
torch.distributed.destroy_process_group()
"""


def test_fastais_own_context(photos, painting, tmp_path):
    (tmp_path / "context.py").write_text(CONTEXT)
    launch = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "context.py"]
    done = run([sys.executable, *launch, photos, painting])
    assert done.returncode == 0, done.stderr
    one, other = done.stdout.split()
    assert one == other
    assert sorted(path.name for path in (tmp_path / "ck").glob("step*")) == [
        "step-000001",
        "step-000002",
    ]


def test_more_processes_than_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name, value in {"WORLD_SIZE": 4, "LOCAL_WORLD_SIZE": 4, "LOCAL_RANK": 3, "RANK": 3}.items():
        monkeypatch.setenv(name, str(value))
    with pytest.raises(FaststyleError, match="4 processes on this machine, but 2 GPUs"):
        distributed_entry(lambda: None)()
