"Serving of web pages with gradio (the extra `web`), and a page to watch an optimization."

import sys
import time
from collections.abc import Callable
from contextlib import contextmanager

from ..core.errors import FaststyleError
from .answers import jpeg
from .gradio import gr
from .guard import Guard, guarded_blocks, is_local, page_folder
from .jobs import EVERY, OptimizationJob

__all__ = ["live_page", "served"]

FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["monospace"]}  # local fonts only
UPLOAD = "100mb"  # largest file
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
# Names for screen readers, where gradio has none.
NAMED = """() => {
  const name = () => {
    document.querySelectorAll(".empty[aria-label]").forEach((e) => e.setAttribute("role", "img"));
    document.querySelectorAll(".styles .thumbnail-item").forEach((e) => {
      e.setAttribute("aria-label", e.querySelector(".caption-label")?.innerText ?? "");
      e.querySelector("img")?.setAttribute("alt", "");
    });
    document.querySelectorAll("button:has(> .image-frame):not([aria-label])").forEach((e) => {
      e.setAttribute("aria-label", "The picture");
    });
  };
  name();
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
}"""
# A hidden line tells screen readers how jobs go on, at every tenth.
HEARD = """() => {
  const line = document.body.appendChild(document.createElement("p")), last = {};
  line.className = "unseen-title";
  line.setAttribute("role", "status");
  const look = () => {
    for (const id of ["trained", "shelved", "filmed", "optimized"]) {
      const said = document.getElementById(id)?.innerText.trim() ?? "";
      const short = said.replace(/\\d%.*/g, "0%").replace(/iteration .*/, "");
      if (short !== last[id] && last[id] !== undefined) line.textContent = said;
      last[id] = short;
    }
  };
  new MutationObserver(look).observe(document.querySelector(".main") ?? document.body,
    { childList: true, subtree: true, characterData: true });
}"""
# The address names the tab, so that a reload and the back button keep it.
TABS = """() => {
  const named = (tab) => "#" + tab.innerText.trim().toLowerCase().replaceAll(" ", "-");
  const open = () => [...document.querySelectorAll("[role=tab]")]
    .find((tab) => named(tab) === location.hash && tab.ariaSelected !== "true")?.click();
  addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab && named(tab) !== location.hash) history.pushState(null, "", named(tab));
  });
  addEventListener("popstate", open);
  addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const tab = event.target.closest?.("[role=tab]");
    if (!tab || !step) return;
    const all = [...document.querySelectorAll("[role=tab]")].filter((one) => one.offsetParent);
    const next = all[(all.indexOf(tab) + step + all.length) % all.length];
    next.click();
    next.focus();
  });
  open();
}"""
CSS = """
#trained, #shelved, #filmed, #optimized { overflow: visible !important; }
:is(button, input, textarea, [role="tab"], [tabindex="0"]):focus-visible,
label:has(input:not([type="range"]):focus-visible), .wrap:has(> input[type="range"]:focus-visible) {
  outline: 3px solid #1d6fd1 !important; outline-offset: 2px;
}
.dark :is(button, input, textarea, [role="tab"], [tabindex="0"]):focus-visible {
  outline-color: #7ab8ff !important;
}
.or, .info-text, .min_value, .max_value { color: var(--body-text-color) !important; }
/* A message says what is wrong; the field stays as it is. */
[data-testid="status-tracker"]:has(.error) { display: none !important; }
.unseen { display: none !important; }
.unseen-title { position: absolute; clip-path: inset(50%); width: 1px; }
/* The page of photos fills the window below the tabs. */
.main.fillable:has(#studio) { max-width: none !important; margin: 0; padding: 0 !important; }
.block:has(> * .unseen-title) { position: absolute; }
.column:has(> .tabs) { gap: 0; }
.html-container:has(#studio) { padding: 0 !important; }
.tabs:has(#studio) { gap: 0; }
.tab-wrapper { padding: 0 1rem !important; margin: 0 !important; }
.tab-wrapper::before {
  content: "faststyle"; margin: auto 1rem auto 0; font: 600 1.1rem Georgia, serif;
}
input[type="range"]::-webkit-slider-thumb { background: #9c3a1f !important; }
.dark input[type="range"]::-webkit-slider-thumb { background: #e58a66 !important; }
.block:has([data-testid="file-upload"], .icon-wrap) { border-color: #8f877b !important; }
[role="tab"].selected { color: #9c3a1f !important; }
.dark [role="tab"].selected { color: #e58a66 !important; }
.tabitem:has(#studio) { padding: 0 !important; }
.main:has(#studio) .tabitem:not(:has(#studio)) { max-width: 80rem; margin: auto; padding: 1rem; }
#studio { display: block; width: 100%; height: calc(100dvh - 2.1rem); border: 0; }
.styles .grid-wrap { max-height: none; overflow: hidden; }
.styles .grid-container { display: flex; overflow-x: auto; gap: 8px; padding: 4px; height: 100%; }
.styles .gallery-item { flex: 0 0 128px; }
.styles .thumbnail-item { width: 128px; height: 128px; }
.styles .caption-label {
  white-space: normal; inset: auto 0 0 0; max-width: none; border-radius: 0; font-size: 11px;
  background: var(--background-fill-secondary) !important; opacity: 1 !important;
}
"""


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
            for script in (NAMED, HEARD, TABS):
                page.load(None, js=script, api_name=False)
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
            theme=gr.themes.Base(**FONTS).set(**COLORS),
            css=CSS,
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
