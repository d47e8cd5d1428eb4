"Devices that are not here: what is decided about them, from what their drivers would report."

import ctypes
import os
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch

from faststyle_fastai.bulk.cluster import shares
from faststyle_fastai.core import atomic, devices, memory
from faststyle_fastai.core.atomic import atomic_write
from faststyle_fastai.core.devices import autocast_dtype, best_device, computing, has_kernels

CUDA = torch.device("cuda")


@pytest.fixture
def card(monkeypatch):
    "A function that pretends an NVIDIA card of a compute capability and a PyTorch for some cards."

    def card(capability, kernels=("sm_75", "sm_80", "sm_90", "compute_120")):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
        monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: list(kernels))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "NVIDIA Pascal")
        monkeypatch.setattr(devices, "computes_bfloat16", lambda _: capability >= (8, 0))
        monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: CUDA)
        devices.warn_once.cache_clear()

    return card


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [((6, 1), None), ((7, 5), torch.float16), ((8, 6), torch.bfloat16), ((9, 0), torch.bfloat16)],
)
def test_the_best_type_of_a_card(card, capability, dtype, monkeypatch):
    monkeypatch.delenv("FASTSTYLE_PRECISION", raising=False)
    card(capability)
    assert autocast_dtype(CUDA) == dtype
    assert autocast_dtype(CUDA, "float32") is None
    assert autocast_dtype(CUDA, "float16") == torch.float16


def test_a_card_whose_halves_overflow(card, monkeypatch):
    monkeypatch.delenv("FASTSTYLE_PRECISION", raising=False)
    card((7, 5))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "NVIDIA GeForce GTX 1660")
    assert autocast_dtype(CUDA) is None


@pytest.mark.skipif(not hasattr(torch.backends.cudnn, "conv"), reason="PyTorch before 2.9")
@pytest.mark.parametrize("own", ["ieee", "tf32"])
def test_settings_of_convolutions_come_back(own, monkeypatch):
    cudnn = torch.backends.cudnn
    before = cudnn.conv.fp32_precision
    monkeypatch.setattr(torch, "autocast", lambda *_: nullcontext())
    try:
        cudnn.conv.fp32_precision = own  # with the interface that PyTorch recommends
        for dtype, inside in ((None, "ieee"), (torch.bfloat16, own)):
            with computing(CUDA, dtype):
                assert cudnn.conv.fp32_precision == inside
            assert cudnn.conv.fp32_precision == own
    finally:
        cudnn.conv.fp32_precision = before


@pytest.mark.parametrize(
    ("capability", "supported"),
    [((6, 1), False), ((7, 0), False), ((7, 5), True), ((8, 6), True), ((12, 1), True)],
)
def test_cards_that_pytorch_was_not_compiled_for(card, capability, supported):
    card(capability)
    assert has_kernels() == supported
    if supported:
        assert best_device() == CUDA
    else:
        with pytest.warns(UserWarning, match="does not support NVIDIA Pascal, so the CPU is used"):
            assert best_device() == torch.device("cpu")


def test_the_free_memory_of_windows(monkeypatch):
    def status(found):
        values = ctypes.cast(found, ctypes.POINTER(ctypes.c_uint64 * 8)).contents
        assert values[0] & 0xFFFFFFFF == ctypes.sizeof(values)
        values[1], values[2] = 16 << 30, 9 << 30  # total and free

    kernel32 = SimpleNamespace(GlobalMemoryStatusEx=status)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel32), raising=False)
    assert memory.windows_memory() == 9 << 30


def test_a_file_that_a_windows_program_has_open(tmp_path, monkeypatch):
    tries, replace = [], os.replace

    def busy(*paths):
        tries.append(paths)
        if len(tries) < 3:
            raise PermissionError(13, "The process cannot access the file")
        replace(*paths)

    monkeypatch.setattr(atomic.os, "replace", busy)
    monkeypatch.setattr(sys, "platform", "win32")
    with atomic_write(tmp_path / "model.txt") as temporary:
        temporary.write_text("whole")
    assert (tmp_path / "model.txt").read_text() == "whole" and len(tries) == 3


def test_workers_share_gpus():
    assert shares(None, 0, 8) == (8, 0)
    assert shares(3, 0, 8) == (3, 0)
    assert shares(None, 2, 32) == (12, 0.1666)
    assert shares(None, 8, 16) == (16, 1 / 2)  # no more than there are cores
    assert shares(16, 2, 4) == (16, 1 / 8)


def test_amd_cards_have_kernels(card, monkeypatch):
    card((9, 0), kernels=("gfx90a",))
    monkeypatch.setattr(torch.version, "hip", "6.2")
    assert has_kernels()
