"Reading, working and writing at once."

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing

__all__ = ["ahead", "overlapped"]


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
            try:
                result = writer.submit(write, item, work(item))
            except Exception as error:
                result = Future()
                result.set_exception(error)
            writing.append((item, result))
            while writing and (len(writing) > n or writing[0][1].done()):
                wait([writing[0][1]])  # or what is to be written would pile up
                yield writing.popleft()
        yield from writing
        if broken:
            raise broken
