"Overlapped reading, processing and writing."

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from itertools import islice
from typing import Any

__all__ = ["map_batches", "map_overlapped", "patiently", "prefetch"]

AHEAD = 2  # items that wait on either side of `map_overlapped` at most


def prefetch(
    items: Iterable,
    n: int,  # items fetched ahead
) -> Generator[Any, None, None]:
    "Iterate over `items`, fetching ahead in a thread."
    iterator, end = iter(items), object()
    with ThreadPoolExecutor(1) as pool:
        coming = deque(pool.submit(next, iterator, end) for _ in range(n))
        try:
            while (item := patiently(coming.popleft()).result()) is not end:
                coming.append(pool.submit(next, iterator, end))
                yield item
        finally:
            pool.shutdown(cancel_futures=True)  # the next may be a slow download


def patiently(
    future: Future,
    until: float = math.inf,  # of time.monotonic()
) -> Future:
    "Wait for a result, a little at a time: Ctrl-C does not end a longer wait on Windows."
    while not future.done() and time.monotonic() < until:
        wait([future], 0.2)
    return future


def map_overlapped(
    items: Iterable,  # fetched in a thread
    work: Callable,  # item -> output; in this thread
    write: Callable,  # item, output -> result; in a thread
) -> Generator[tuple[Any, Future], None, None]:  # each item, in order, with its result or error
    "Fetch, process and write items, so that the processor never waits for the disk."
    with ThreadPoolExecutor(1) as writer, closing(prefetch(items, AHEAD)) as coming:
        writing: deque[tuple[Any, Future]] = deque()
        try:
            for item in coming:
                output = _tried(work, item)
                failed = output.exception()
                result = output if failed else writer.submit(write, item, output.result())
                writing.append((item, result))
                while writing and (len(writing) > AHEAD or writing[0][1].done()):
                    patiently(writing[0][1])  # or pending writes would pile up
                    yield writing.popleft()
        except GeneratorExit:  # nothing more is wanted
            for _, result in writing:
                result.cancel()
            raise
        except (Exception, KeyboardInterrupt):  # raised after the items fetched so far
            yield from ((item, patiently(result)) for item, result in writing)
            raise
        yield from ((item, patiently(result)) for item, result in writing)


def map_batches(
    items: Iterable,
    work: Callable,  # item -> output
    write: Callable,  # item, output -> result
    n: int,  # items held at once
) -> Generator[tuple[Any, Future], None, None]:  # as in `map_overlapped`
    """Like `map_overlapped`, but without threads: fetch, process and write `n` items in turn.

    For a CPU that does all the work itself, where threads would compete.
    """
    iterator = iter(items)
    group: list[Any] = [None]
    while group:
        group = []
        try:
            for item in islice(iterator, n):
                group.append((item, _tried(work, item)))
        finally:  # an error is raised after the items fetched so far
            for item, output in group:
                yield item, output if output.exception() else _tried(write, item, output.result())


def _tried(call, *args):
    future: Future = Future()
    try:
        future.set_result(call(*args))
    except Exception as error:
        future.set_exception(error)
    return future
