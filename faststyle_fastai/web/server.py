"Serving of web pages (the extra `web`)."

import errno
import logging
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import FaststyleError
from ..core.extras import extra
from .guard import Guard, is_local, page_folder

__all__ = ["served"]

EVERY = "0.0.0.0", "::"  # addresses that are all of this computer's
STOPS = 2  # s that answers under way get when the page ends


@contextmanager
def served(
    fill: Callable[[Path], list],  # makes the page's routes (starlette's), given its folder
    host: str,
    port: int,
    browser: bool,  # open the page
    allow_hosts: list[str] | None = None,  # additional host names, for example of a proxy
):
    "Serve a page until the context ends and print its address."
    uvicorn = extra("uvicorn", "web")
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.gzip import GZipMiddleware

    with page_folder() as folder:
        guard = Middleware(Guard, host, tuple(allow_hosts or ()), folder)
        app = Starlette(routes=fill(folder), middleware=[guard, Middleware(GZipMiddleware)])
        with bound(host, port) as place:
            how = {"lifespan": "off", "log_level": "critical", "timeout_graceful_shutdown": STOPS}
            how |= {"server_header": False, "proxy_headers": False}
            if sys.platform == "win32":  # asyncio prints a traceback for each tab that is closed
                logging.getLogger("asyncio").setLevel(logging.CRITICAL)
            server = uvicorn.Server(uvicorn.Config(app, **how))
            run = threading.Thread(target=server.run, args=([place],), daemon=True)
            run.start()
            while run.is_alive() and not server.started:
                time.sleep(0.01)
            tell(host, place.getsockname()[1], browser)
            try:
                yield
            finally:
                server.should_exit = True
                run.join(2 * STOPS)


def bound(host, port) -> socket.socket:
    "A socket at an address; `FaststyleError` if it is taken."
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address, family=family, backlog=128, dualstack_ipv6=both)
    except socket.gaierror:
        raise FaststyleError(f"--host {host} is not known: use an address.") from None
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            why = f"{host} is not an address of this computer: choose another --host."
            raise FaststyleError(why) from None
        raise FaststyleError(f"{host}:{port} is not available: choose another --port.") from None


def tell(host, port, browser):
    "Print the address, and open it."
    every = host in EVERY  # address of this computer; itself, it is `localhost`, and trusted
    address = f"http://{'localhost' if every else f'[{host}]' if ':' in host else host}:{port}"
    also = f", and for others on port {port} of this computer's address" if every else ""
    print(f"Serving on {address}{also}", file=sys.stderr)
    if not is_local(host):
        print("Warning: anyone who can reach this address can use the page.", file=sys.stderr)
    if browser:
        webbrowser.open(address)
