import threading
import time
from functools import partial

import pytest

from faststyle_fastai.core.prefetch import map_batches, map_overlapped, prefetch

BOTH = pytest.mark.parametrize("together", [map_overlapped, partial(map_batches, n=3)])


def test_reading_working_and_writing_go_on_at_once():
    def slowly(items):
        for item in items:
            time.sleep(0.05)
            yield item

    def slow(*args):
        time.sleep(0.05)
        return args[-1]

    began = time.monotonic()
    done = list(map_overlapped(slowly(range(10)), slow, slow))
    assert time.monotonic() - began < 0.8 * 3 * 10 * 0.05
    assert [(item, result.result()) for item, result in done] == [(i, i) for i in range(10)]


@BOTH
@pytest.mark.parametrize("stage", ["work", "write"])
def test_what_fails_is_said_and_the_rest_goes_on(stage, together):
    def fails(name):
        def run(item, *contents):
            if name == stage and item == 1:
                raise ValueError(f"{name} {item}")
            return item

        return run

    done = dict(together(range(4), fails("work"), fails("write")))
    assert str(done.pop(1).exception()) == f"{stage} 1"
    assert [future.result() for future in done.values()] == [0, 2, 3]


@BOTH
def test_what_ends_early_is_said_after_what_there_is(together):
    def broken():
        yield 1
        raise OSError("the end is missing")

    seen = []
    with pytest.raises(OSError, match="the end is missing"):
        for item, _ in together(broken(), abs, print):
            seen.append(item)
    assert seen == [1]
    assert list(prefetch(range(5), n=3)) == [0, 1, 2, 3, 4]


@BOTH
def test_little_is_held_in_memory(together):
    held, most, lock = 0, 0, threading.Lock()

    def change(by):
        nonlocal held, most
        with lock:
            held += by
            most = max(most, held)

    def items():
        for i in range(30):
            change(1)
            yield i

    for _ in together(items(), abs, lambda *_: change(-1)):
        pass
    assert held == 0 and most <= 7


def test_an_interrupt_loses_no_result():
    def work(item):
        if item == 2:
            raise KeyboardInterrupt
        return item

    found, results = [], map_overlapped(range(4), work, lambda item, _: item)
    with pytest.raises(KeyboardInterrupt):
        for item, result in results:
            found.append((item, result.result()))
    assert found == [(0, 0), (1, 1)]
