"Overlapped reading, processing and writing."

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from itertools import islice

__all__ = ["prefetch", "map_batches", "map_overlapped"]


def prefetch(
    items: Iterable,
    n: int = 2,  # items fetched ahead
) -> Iterator:
    "Iterate over `items`, fetching ahead in a thread."
    items, end = iter(items), object()
    with ThreadPoolExecutor(1) as pool:
        coming = deque(pool.submit(next, items, end) for _ in range(n))
        while (item := coming.popleft().result()) is not end:
            coming.append(pool.submit(next, items, end))
            yield item


def map_overlapped(
    items: Iterable,  # fetched in a thread
    work: Callable,  # item -> output; in this thread
    write: Callable,  # item, output -> result; in a thread
    n: int = 2,  # items waiting on either side at most
) -> Iterator[tuple[object, Future]]:  # each item, in order, with its result or error
    "Fetch, process and write items, so that the processor does not wait for the disk."
    with ThreadPoolExecutor(1) as writer, closing(prefetch(items, n)) as coming:
        writing, broken = deque(), None
        while True:
            try:
                item = next(coming)
            except StopIteration:
                break
            except Exception as error:  # raised after the items fetched so far
                broken = error
                break
            made = _tried(work, item)
            result = made if made.exception() else writer.submit(write, item, made.result())
            writing.append((item, result))
            while writing and (len(writing) > n or writing[0][1].done()):
                wait([writing[0][1]])  # or pending writes would pile up
                yield writing.popleft()
        yield from writing
        if broken:
            raise broken


def map_batches(
    items: Iterable,
    work: Callable,  # item -> output
    write: Callable,  # item, output -> result
    n: int,  # items held at once
) -> Iterator[tuple[object, Future]]:  # as in `map_overlapped`
    """Like `map_overlapped`, but one step after the other, some items at a time.

    For a CPU that does all the work itself, where threads would only compete.
    """
    items, broken = iter(items), None
    while broken is None:
        group = []
        try:
            for item in islice(items, n):
                group.append((item, _tried(work, item)))
        except Exception as error:  # raised after the items fetched so far
            broken = error
        if not group:
            break
        for item, made in group:
            yield item, made if made.exception() else _tried(write, item, made.result())
    if broken:
        raise broken


def _tried(call, *args):
    future = Future()
    try:
        future.set_result(call(*args))
    except Exception as error:
        future.set_exception(error)
    return future
