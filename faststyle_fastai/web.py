"Pages in the browser, on gradio (the extra `web`)."

import os
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict
from ipaddress import ip_address

import torch

from .errors import FaststyleError, extra
from .images import to_picture
from .optimize import loss_figure

__all__ = ["launch", "live_page"]

EVERY = 1.0  # s between looks at what is under way
FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["monospace"]}  # from nowhere else


@contextmanager
def live_page(
    host: str = "127.0.0.1",
    port: int = 8080,
    browser: bool = False,  # open it
):
    """A page to watch an optimisation on and to stop it.

    Gives the callback for `optimize_style`; prints the address.
    """
    iterates, stop, last_look = [], threading.Event(), threading.Event()
    shown = {"picture": None, "at": -EVERY, "ended": False}

    def callback(iterate, work):
        iterates.append(asdict(iterate))
        if time.monotonic() - shown["at"] > EVERY:  # here, as `work` belongs to this thread
            shown.update(picture=to_picture(work.picture()), at=time.monotonic())
        return stop.is_set()

    def look():
        if shown["ended"]:
            last_look.set()
        if not iterates:
            return None, "Beginning …", None
        return shown["picture"], _status(iterates[-1], shown["ended"], stop), loss_figure(iterates)

    page = _page(look, stop)
    try:
        launch(page, host, port, browser)
        yield callback
    finally:
        shown["ended"] = True
        if last_look.wait(2 * EVERY):  # an open page asked once more:
            time.sleep(EVERY / 2)  # let the answer arrive
        page.close(verbose=False)


def _is_here(host):
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _status(now, ended, stop):
    doing = "Stopped. " if stop.is_set() and ended else "Stopping … " if stop.is_set() else ""
    doing = doing or ("Ended. " if ended else "")
    return (
        f"### {doing}{now['width']} x {now['height']} px, iteration {now['i']} of {now['i_max']}\n"
        f"loss {now['loss']:.4g}, {1 / now['seconds']:.1f} iterations a second, "
        f"{_memory() / 2**20:,.0f} MB of memory"
    )


def _memory():
    "Bytes in use: of the GPU's memory if one is in use, else of the process."
    if torch.cuda.is_initialized():
        return torch.cuda.memory_allocated()
    return extra("psutil", "web").Process().memory_info().rss


def _page(look, stop):
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
    gr = extra("gradio", "web")
    with gr.Blocks(title="faststyle optimize", analytics_enabled=False) as page:
        status = gr.Markdown()
        with gr.Row():
            buttons = ["download", "fullscreen"]
            picture = gr.Image(show_label=False, interactive=False, format="png", buttons=buttons)
            curve = gr.Plot(show_label=False)
        views = {"outputs": [picture, status, curve], "show_progress": "hidden"}
        gr.Button("Stop and save", variant="stop").click(stop.set, api_name="stop")
        gr.Timer(EVERY).tick(look, api_name="look", **views)
        page.load(look, api_name=False, **views)
    return page


def launch(page, host, port, browser):
    "Serve a page from a thread of its own."
    gr = extra("gradio", "web")
    try:
        page.launch(
            server_name=host,
            server_port=port,
            inbrowser=browser,
            theme=gr.themes.Base(**FONTS),
            footer_links=[],
            prevent_thread_lock=True,
            quiet=True,
        )
    except OSError:
        raise FaststyleError(f"{host}:{port} cannot be had: choose another --port.") from None
    print(f"it is at http://{host}:{port}", file=sys.stderr)
    if not _is_here(host):
        print("anyone who can reach this address can see and use it.", file=sys.stderr)
