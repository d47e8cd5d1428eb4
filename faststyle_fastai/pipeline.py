"Reading, working and writing at once."

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

__all__ = ["overlapped"]


def overlapped(
    items: Iterable,
    read: Callable,  # item -> what is in it; in a thread
    work: Callable,  # item, what is in it -> what becomes of it; in this thread
    write: Callable,  # item, what becomes of it -> result; in a thread
    ahead: int = 2,  # items that are read, and written, beside the one that is worked on
) -> Iterator[tuple[object, Future]]:  # each item, in order, and its result or what went wrong
    "Each item read, worked on and written; the processor need not wait for the disk."
    items = iter(items)
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        reading = deque((item, reader.submit(read, item)) for item in islice(items, ahead))
        writing = deque()
        while reading:
            item, contents = reading.popleft()
            reading.extend((item, reader.submit(read, item)) for item in islice(items, 1))
            try:
                result = writer.submit(write, item, work(item, contents.result()))
            except Exception as error:
                result = Future()
                result.set_exception(error)
            del contents
            writing.append((item, result))
            while writing and (len(writing) > ahead or writing[0][1].done()):
                yield writing.popleft()
        yield from writing
