"Pages in the browser, on gradio (the extra `web`): how they are served, and the one to watch on."

import os
import sys
import time
from contextlib import contextmanager
from ipaddress import ip_address

from .errors import FaststyleError, extra

__all__ = ["gradio", "launch", "live_page"]

FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["monospace"]}  # from nowhere else
UPLOAD = "100mb"  # a file at the most


def gradio():
    "The library, told to report to nobody."
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when it is imported
    return extra("gradio", "web")


@contextmanager
def live_page(
    host: str = "127.0.0.1",
    port: int = 8080,
    browser: bool = False,  # open it
):
    """A page to watch an optimisation on and to stop it.

    Gives the callback for `optimize_style`; prints the address.
    """
    from .watched import EVERY, WatchedOptimization

    gr, watch, looks = gradio(), WatchedOptimization(), []

    def look():
        looks.append(watch.ended)
        return watch.picture, watch.said(), watch.curve()

    with gr.Blocks(title="faststyle optimize", analytics_enabled=False) as page:
        status = gr.Markdown()
        with gr.Row():
            buttons = ["download", "fullscreen"]
            picture = gr.Image(show_label=False, interactive=False, format="png", buttons=buttons)
            curve = gr.Plot(show_label=False)
        views = {"outputs": [picture, status, curve], "show_progress": "hidden"}
        gr.Button("Stop and save", variant="stop").click(watch.stop.set, api_name="stop")
        gr.Timer(EVERY).tick(look, api_name="look", **views)
        page.load(look, api_name=False, **views)
    try:
        launch(page, host, port, browser)
        yield watch
    finally:
        watch.ended, until = True, time.monotonic() + 2 * EVERY
        while time.monotonic() < until and not any(looks):
            time.sleep(EVERY / 10)
        if any(looks):  # an open page asked once more:
            time.sleep(EVERY / 2)  # let the answer arrive
        page.close(verbose=False)


def _is_here(host):
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def launch(page, host, port, browser):
    "Serve a page from a thread of its own."
    gr = gradio()
    try:
        page.launch(
            server_name=host,
            server_port=port,
            inbrowser=browser,
            theme=gr.themes.Base(**FONTS),
            footer_links=[],
            max_file_size=UPLOAD,
            prevent_thread_lock=True,
            quiet=True,
        )
    except OSError:
        raise FaststyleError(f"{host}:{port} cannot be had: choose another --port.") from None
    print(f"it is at http://{host}:{port}", file=sys.stderr)
    if not _is_here(host):
        print("anyone who can reach this address can see and use it.", file=sys.stderr)
