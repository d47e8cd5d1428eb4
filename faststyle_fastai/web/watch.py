"A page to watch an optimization."

import threading
import time
from contextlib import contextmanager
from pathlib import Path

from .answers import Route, jpeg, responses
from .jobs import EVERY, OptimizationJob
from .server import served
from .work import drawing

__all__ = ["live_page"]

PAGE = Path(__file__).with_name("watch.html")


@contextmanager
def live_page(
    host: str = "127.0.0.1",
    port: int = 8080,
    browser: bool = False,  # open the page
    allow_hosts: list[str] | None = None,  # see `server.served`
):
    """Serve a page to watch and stop an optimization; `/image` is the image alone.

    Yields the callback for `optimize_style`; prints the address.
    """
    watch, looks = OptimizationJob(), []  # whether each look saw the end
    ended = threading.Event()

    def look(_):
        looks.append(ended.is_set())
        return responses.JSONResponse({
            "share": watch.done, "left": watch.left, "stops": watch.stop.is_set(),
            "ended": ended.is_set(), "details": watch.details(), "sees": watch.sees,
        })  # fmt: skip

    def routes(_):
        def image(_):
            if watch.picture is None:
                return responses.PlainTextResponse("No image yet.", 404)
            return jpeg(watch.picture)

        def stop(_):
            watch.stop.set()
            return responses.JSONResponse({})

        text = PAGE.read_text(encoding="utf-8")
        return [
            Route("/", lambda _: responses.HTMLResponse(text)),
            Route("/look", look),
            Route("/image", image),
            Route("/curve", lambda _: drawing(watch.curve())),
            Route("/stop", stop, methods=["POST"]),
        ]

    with served(routes, host, port, browser, allow_hosts):
        try:
            yield watch
        finally:
            ended.set()
            until = time.monotonic() + 2 * EVERY
            while looks and not looks[-1] and time.monotonic() < until:
                time.sleep(EVERY / 10)  # an open page asks again: it shall learn of the end
