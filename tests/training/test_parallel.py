"Two processes train one network, in fastai's own context."

import subprocess
import sys

import pytest

from faststyle_fastai.all import load_style

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
    seen = Preview([sys.argv[2]], every=1)
    learn.fit_one_cycle(1, 1e-3, cbs=[Checkpoint("ck", every=1), seen])
    learn.fit_recipe(minutes=0.02)
total = sum(p.double().sum().item() for p in learn.model.parameters())
print(f"{total}\\n", end="", flush=True)
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_fastais_own_context(photos, painting, tmp_path):
    pytest.importorskip("accelerate")
    (tmp_path / "context.py").write_text(CONTEXT)
    launch = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "context.py"]
    command = [sys.executable, *launch, photos, painting]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    one, other = done.stdout.split()
    assert one == other
    assert sorted(path.name for path in (tmp_path / "ck").glob("step*")) == [
        "step-000001",
        "step-000002",
    ]
    assert load_style("ck/best.safetensors") and len(list(tmp_path.glob("previews/step*"))) == 3
