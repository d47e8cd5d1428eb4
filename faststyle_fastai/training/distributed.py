"Data-parallel training: processes train one network, each on its share of the photos."

import os
import warnings
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps

import torch
from fastai.callback.core import Callback
from fastai.callback.fp16 import MixedPrecision
from fastai.torch_core import num_distrib, rank_distrib
from torch import distributed

from ..core.errors import FaststyleError

__all__ = [
    "AverageGradients",
    "all_reduce_max",
    "main_process_first",
    "processes",
    "shard",
    "share_of",
    "distributed_entry",
]


PATIENCE = timedelta(minutes=10)  # with a process that does not answer


def distributed_entry(train: Callable) -> Callable:
    """Let `train` run under `accelerate launch`, `torchrun` or `notebook_launcher`.

    A process group exists during the call. Each process takes the same steps on its own share of
    the photos; only the first process writes files.
    """

    @wraps(train)
    def joined(*args, **kwargs):
        if num_distrib() < 2 or distributed.is_initialized():
            return train(*args, **kwargs)
        gpus, local = torch.cuda.device_count(), int(os.environ.get("LOCAL_RANK", 0))
        if 0 < gpus < (here := int(os.environ.get("LOCAL_WORLD_SIZE", 1))):
            raise FaststyleError(
                f"{here} processes on this machine, but {gpus} GPUs: start one process for each "
                f"GPU, or hide the GPUs (CUDA_VISIBLE_DEVICES=)."
            )
        if gpus:
            torch.cuda.set_device(local)
        nccl = gpus and distributed.is_nccl_available()  # not on Windows
        distributed.init_process_group("cpu:gloo,cuda:nccl" if nccl else "gloo", timeout=PATIENCE)
        try:
            return train(*args, **kwargs)
        finally:
            distributed.destroy_process_group()

    return joined


class AverageGradients(Callback):
    """Average the gradients of all processes before each step, so that their weights stay equal.

    The networks are small: one message per step carries all gradients, and the model needs no
    wrapper.
    """

    order = MixedPrecision.order - 1  # before an overflow, seen by one process, skips the step

    def before_fit(self):
        for value in self.learn.model.state_dict().values():
            distributed.broadcast(value, 0)

    def before_step(self):
        grads = [p.grad for p in self.learn.model.parameters() if p.grad is not None]
        whole = torch.cat([grad.flatten() for grad in grads])
        with others_alive():
            distributed.all_reduce(whole)
        whole /= processes()
        for grad, mean in zip(grads, whole.split([grad.numel() for grad in grads])):
            grad.copy_(mean.view_as(grad))


def processes() -> int:
    "The number of processes that train together."
    return distributed.get_world_size() if distributed.is_initialized() else 1


def share_of(bs: int) -> int:
    "This process's share of a batch; all of it, with a warning, if it cannot be divided."
    if bs % (n := processes()):
        if not rank_distrib():
            warnings.warn(
                f"{n} processes cannot share a batch of {bs}, so each takes {bs} photos, and there "
                f"are {n} times fewer steps. Use --batch-size {n}, or more --images.",
                stacklevel=3,
            )
        return bs
    return bs // n


def shard(items: Sequence) -> Sequence:
    "This process's share of the photos; all processes get the same number."
    n = processes()
    return items[rank_distrib() :: n][: len(items) // n] if n > 1 else items


def all_reduce_max(value: float) -> float:
    "The maximum of `value` over all processes, so that all of them decide alike."
    if processes() < 2:
        return value
    most = torch.tensor(float(value), dtype=torch.float64)
    with others_alive():
        distributed.all_reduce(most, distributed.ReduceOp.MAX)
    return most.item()


@contextmanager
def others_alive():
    "Say what to do if another process has died."
    try:
        yield
    except RuntimeError as error:
        raise FaststyleError(
            f"Another process of this training has died ({str(error).splitlines()[0]}): "
            f"use --resume to continue from the last checkpoint."
        ) from None


def main_process_first(prepare: Callable, *args):
    "Call `prepare` in the first process, once all have arrived; its error is raised in all."
    if processes() < 2:
        prepare(*args)
        return
    all_reduce_max(0)
    problem: list[Exception | None] = [None]
    if not rank_distrib():
        try:
            prepare(*args)
        except Exception as error:
            problem = [error]
    distributed.broadcast_object_list(problem)
    if problem[0]:
        raise problem[0]
