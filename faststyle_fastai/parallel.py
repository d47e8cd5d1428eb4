"Several processes that train one network, each on its share of the photos: on GPUs, on machines."

import os
from collections.abc import Callable, Sequence
from functools import wraps

import torch
from fastai.callback.core import Callback
from fastai.callback.fp16 import MixedPrecision
from fastai.torch_core import num_distrib, rank_distrib
from torch import distributed

from .errors import FaststyleError

__all__ = ["AverageGradients", "agreed", "first_alone", "processes", "share_of", "together"]


def together(train: Callable) -> Callable:
    """`train`, also for processes begun by `accelerate launch`, `torchrun` or `notebook_launcher`.

    They find each other before it, and part after it. Each does the same steps with its share of
    each batch; files are written by the first one alone.
    """

    @wraps(train)
    def joined(*args, **kwargs):
        if num_distrib() < 2 or distributed.is_initialized():
            return train(*args, **kwargs)
        local = int(os.environ.get("LOCAL_RANK", 0))
        cuda = local < torch.cuda.device_count()
        if cuda:
            torch.cuda.set_device(local)
        distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo")
        try:
            return train(*args, **kwargs)
        finally:
            distributed.destroy_process_group()

    return joined


class AverageGradients(Callback):
    """After each step's gradients, the mean of all processes' (the weights stay the same in all).

    The networks are small: one message a step has them all, and the model needs no wrapper.
    """

    order = MixedPrecision.order + 1

    def before_fit(self):
        for value in self.learn.model.state_dict().values():
            distributed.broadcast(value, 0)

    def before_step(self):
        grads = [p.grad for p in self.learn.model.parameters() if p.grad is not None]
        whole = torch.cat([grad.flatten() for grad in grads])
        try:
            distributed.all_reduce(whole)
        except RuntimeError as error:
            raise FaststyleError(
                f"another process of this training is gone ({str(error).splitlines()[0]}): "
                f"--resume goes on from the last checkpoint."
            ) from None
        whole /= processes()
        for grad, mean in zip(grads, whole.split([grad.numel() for grad in grads])):
            grad.copy_(mean.view_as(grad))


def processes() -> int:
    "That train together."
    return distributed.get_world_size() if distributed.is_initialized() else 1


def share_of(items: Sequence) -> Sequence:
    "What this process has of the photos: as many as each other one."
    n = processes()
    return items[rank_distrib() :: n][: len(items) // n] if n > 1 else items


def agreed(value: float) -> float:
    "The largest of what the processes have here: what each decides by it, all decide."
    if processes() < 2:
        return value
    value = torch.tensor(float(value), dtype=torch.float64)
    distributed.all_reduce(value, distributed.ReduceOp.MAX)
    return value.item()


def first_alone(prepare: Callable, *args):
    "Call `prepare` in the first process, when all are there; what goes wrong is raised in all."
    if processes() < 2:
        prepare(*args)
        return
    agreed(0)
    problem = [None]
    if not rank_distrib():
        try:
            prepare(*args)
        except Exception as error:
            problem = [error]
    distributed.broadcast_object_list(problem)
    if problem[0]:
        raise problem[0]
