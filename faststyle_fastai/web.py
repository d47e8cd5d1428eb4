"Pages in the browser, on gradio (the extra `web`): how they are served, and the one to watch on."

import os
import sys
import time
from contextlib import contextmanager
from io import BytesIO

from .errors import FaststyleError, extra
from .guard import Guard, guarded_blocks, is_local, page_folder

__all__ = ["live_page", "served"]

FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["monospace"]}  # from nowhere else
UPLOAD = "100mb"  # a file at the most


@contextmanager
def served(
    title: str,
    fill,  # of gradio, its page and the PageFolder: builds what the page shows
    host: str,
    port: int,
    browser: bool,  # open it
    allow_hosts: list[str] | None = None,  # other names that the page goes by, as behind a proxy
):
    "Serves a page until the context ends, prints its address, gives what `fill` returns."
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when it is imported
    gr = extra("gradio", "web")
    with page_folder() as folder:
        with guarded_blocks(gr, folder, title=title) as page:
            filled = fill(gr, page, folder)
        folder.keep()
        try:
            _launch(gr, page, host, port, browser, (Guard, host, tuple(allow_hosts or ()), folder))
            yield filled
        finally:
            page.close(verbose=False)


@contextmanager
def live_page(
    host: str = "127.0.0.1",
    port: int = 8080,
    browser: bool = False,  # open it
    allow_hosts: list[str] | None = None,  # see `served`
):
    """A page to watch an optimization on and to stop it; `/image` is the picture alone.

    Gives the callback for `optimize_style`; prints the address.
    """
    from .watched import EVERY, WatchedOptimization

    watch, looks, pages = WatchedOptimization(), [], []

    def look():
        looks.append(watch.ended)
        return watch.picture, watch.said(), watch.curve()

    def image():
        from starlette.responses import Response

        if watch.picture is None:
            return Response("There is no picture yet.", 404)
        jpeg = BytesIO()
        watch.picture.save(jpeg, "JPEG", quality=95)
        return Response(jpeg.getvalue(), media_type="image/jpeg")

    def fill(gr, page, folder):
        pages.append(page)
        status = gr.Markdown()
        with gr.Row():
            buttons = ["download", "fullscreen"]
            picture = gr.Image(show_label=False, interactive=False, format="png", buttons=buttons)
            curve = gr.Plot(show_label=False)
        views = {"outputs": [picture, status, curve], "show_progress": "hidden"}
        gr.Button("Stop and save", variant="stop").click(watch.stop.set, api_name="stop")
        gr.Timer(EVERY).tick(look, api_name="look", **views)
        page.load(look, api_name=False, **views)

    with served("faststyle optimize", fill, host, port, browser, allow_hosts):
        pages[0].app.add_api_route("/image", image)
        try:
            yield watch
        finally:
            watch.ended, until = True, time.monotonic() + 2 * EVERY
            while time.monotonic() < until and not any(looks):
                time.sleep(EVERY / 10)
            if any(looks):  # an open page asked once more:
                time.sleep(EVERY / 2)  # let the answer arrive


def _launch(gr, page, host, port, browser, guard):
    "Serve a page from a thread of its own, to nobody but its visitors."
    from starlette.middleware import Middleware

    try:
        page.launch(
            server_name=host,
            server_port=port,
            inbrowser=browser,
            inline=False,
            share=False,
            theme=gr.themes.Base(**FONTS),
            footer_links=[],
            max_file_size=UPLOAD,
            enable_monitoring=False,
            run_history=False,
            ssr_mode=False,
            app_kwargs={"middleware": [Middleware(*guard)]},
            prevent_thread_lock=True,
            quiet=True,
        )
    except OSError:
        raise FaststyleError(f"{host}:{port} cannot be had: choose another --port.") from None
    print(f"it is at http://{host}:{port}", file=sys.stderr)
    if not is_local(host):
        print("anyone who can reach this address can see and use it.", file=sys.stderr)
