"Serving of web pages with gradio (the extra `web`), and a page to watch an optimization."

import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import FaststyleError
from .answers import jpeg
from .gradio import gr
from .guard import Guard, guarded_blocks, is_local, page_folder
from .jobs import EVERY, OptimizationJob

__all__ = ["live_page", "served"]

FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["monospace"]}  # local fonts only
UPLOAD = "100mb"  # largest file
# In rem, so that they grow with a wide window as those of the page of photos.
TEXT = gr.themes.sizes.Size(
    ".6rem", ".7rem", ".85rem", "1rem", "1.05rem", "1.4rem", "1.7rem", name="text_rem"
)
# As the page that paints photos, and as dark as WCAG 2 asks for.
COLORS = {
    "body_background_fill": "#f5f3ef",
    "body_background_fill_dark": "#171512",
    "block_background_fill": "#fffdf9",
    "block_background_fill_dark": "#22201c",
    "button_primary_background_fill": "#9c3a1f",
    "button_primary_background_fill_hover": "#7d2d16",
    "button_primary_background_fill_dark": "#e58a66",
    "button_primary_background_fill_hover_dark": "#f0a585",
    "button_primary_text_color_dark": "#1c130e",
    "button_primary_border_color": "#9c3a1f",
    "button_primary_border_color_dark": "#e58a66",
    "checkbox_border_color": "#8f877b",
    "checkbox_border_color_dark": "#857d72",
    "button_secondary_background_fill": "#fffdf9",
    "button_secondary_background_fill_dark": "#22201c",
    "button_secondary_border_color": "#8f877b",
    "button_secondary_border_color_dark": "#857d72",
    "button_border_width": "1px",
    "button_large_radius": "8px",
    "block_radius": "8px",
    "input_radius": "8px",
    "input_background_fill": "#fffdf9",
    "input_background_fill_dark": "#22201c",
    "input_border_color": "#8f877b",
    "input_border_color_dark": "#857d72",
    "border_color_primary": "#8f877b",
    "border_color_primary_dark": "#857d72",
    "block_border_color": "#d9d3c9",
    "block_border_color_dark": "#3d3933",
    "input_border_width": "1px",
    "input_border_width_dark": "1px",
    "input_placeholder_color": "#6a6259",
    "input_placeholder_color_dark": "#aaa298",
    "block_title_text_color": "#6a6259",
    "block_title_text_color_dark": "#aaa298",
    "color_accent": "#9c3a1f",
    "slider_color": "#9c3a1f",
    "slider_color_dark": "#e58a66",
    "button_cancel_background_fill": "transparent",
    "button_cancel_border_color": "#b00020",
    "button_cancel_text_color": "#b00020",
    "button_cancel_text_color_dark": "#ff8a80",
}
# What gradio says of its own fields, as the page of photos says it.
WORDS = {
    "upload_text.drop_image": "Drop an image here",
    "upload_text.drop_file": "Drop a file here",
    "upload_text.click_to_upload": "or click to choose",
    "common.or": " ",
    "common.complete": "Done",
}


@contextmanager
def served(
    title: str,
    fill,  # function of the page and its PageFolder that builds the page
    host: str,
    port: int,
    browser: bool,  # open the page
    allow_hosts: list[str] | None = None,  # additional host names, for example of a proxy
    mount: Callable | None = None,  # adds routes of what `fill` returned to the app
):
    "Serve a page until the context ends and print its address; yields the result of `fill`."
    with page_folder() as folder:
        with guarded_blocks(folder, title=title) as page:
            filled = fill(page, folder)
            page.load(None, js=text_of("tabs.js"), api_name=False)
        folder.keep()
        try:
            _launch(page, host, port, browser, (Guard, host, tuple(allow_hosts or ()), folder))
            if mount:
                mount(filled, page.app)
            yield filled
        finally:
            page.close(verbose=False)


@contextmanager
def live_page(
    host: str = "127.0.0.1",
    port: int = 8080,
    browser: bool = False,  # open the page
    allow_hosts: list[str] | None = None,  # see `served`
):
    """Serve a page to watch and stop an optimization; `/image` is the image alone.

    Yields the callback for `optimize_style`; prints the address.
    """
    watch, looks, pages = OptimizationJob(), [], []

    def look():
        looks.append(watch.ended)
        return watch.picture, f"{watch.said()}\n\n{watch.details()}", watch.curve()

    def image():
        from starlette.responses import Response

        return Response("No image yet.", 404) if watch.picture is None else jpeg(watch.picture)

    def fill(page, folder):
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
            if any(looks):  # an open page asked again:
                time.sleep(EVERY / 2)  # let the answer arrive


def text_of(name):
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _launch(page, host, port, browser, guard):
    "Serve a page from its own thread, without gradio's sharing and monitoring."
    from starlette.middleware import Middleware
    from starlette.middleware.gzip import GZipMiddleware

    try:
        page.launch(
            server_name=host,
            server_port=port,
            inbrowser=browser,
            inline=False,
            share=False,
            theme=gr.themes.Base(**FONTS, text_size=TEXT).set(**COLORS),
            css=text_of("tabs.css"),
            i18n=gr.I18n(en=WORDS),
            footer_links=[],
            max_file_size=UPLOAD,
            enable_monitoring=False,
            run_history=False,
            ssr_mode=False,
            app_kwargs={"middleware": [Middleware(*guard), Middleware(GZipMiddleware)]},
            prevent_thread_lock=True,
            quiet=True,
        )
    except OSError:
        raise FaststyleError(f"{host}:{port} is not available: choose another --port.") from None
    print(f"Serving on http://{host}:{port}", file=sys.stderr)
    if not is_local(host):
        print("Warning: anyone who can reach this address can use the page.", file=sys.stderr)
