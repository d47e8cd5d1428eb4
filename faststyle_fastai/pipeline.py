"Reading, working and writing at once."

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from itertools import islice

__all__ = ["ahead", "in_turn", "overlapped"]


def ahead(
    items: Iterable,
    n: int = 2,  # that may wait to be asked for
) -> Iterator:
    "What comes from `items`, fetched in a thread before it is asked for."
    items, end = iter(items), object()
    with ThreadPoolExecutor(1) as pool:
        coming = deque(pool.submit(next, items, end) for _ in range(n))
        while (item := coming.popleft().result()) is not end:
            coming.append(pool.submit(next, items, end))
            yield item


def overlapped(
    items: Iterable,  # fetched in a thread
    work: Callable,  # item -> what becomes of it; in this thread
    write: Callable,  # item, what becomes of it -> result; in a thread
    n: int = 2,  # items that may wait on either side
) -> Iterator[tuple[object, Future]]:  # each item, in order, and its result or what went wrong
    "Each item fetched, worked on and written: the processor need not wait for the disk."
    with ThreadPoolExecutor(1) as writer, closing(ahead(items, n)) as coming:
        writing, broken = deque(), None
        while True:
            try:
                item = next(coming)
            except StopIteration:
                break
            except Exception as error:  # said after what there is
                broken = error
                break
            made = _tried(work, item)
            result = made if made.exception() else writer.submit(write, item, made.result())
            writing.append((item, result))
            while writing and (len(writing) > n or writing[0][1].done()):
                wait([writing[0][1]])  # or what is to be written would pile up
                yield writing.popleft()
        yield from writing
        if broken:
            raise broken


def in_turn(
    items: Iterable,
    work: Callable,  # item -> what becomes of it
    write: Callable,  # item, what becomes of it -> result
    n: int,  # items that are held at once
) -> Iterator[tuple[object, Future]]:  # as `overlapped`
    """The same one after the other, some items at a time.

    For a processor that does all of it, and whose threads would only be in each other's way.
    """
    items, broken = iter(items), None
    while broken is None:
        group = []
        try:
            for item in islice(items, n):
                group.append((item, _tried(work, item)))
        except Exception as error:  # said after what there is
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
