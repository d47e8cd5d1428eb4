"The commands that serve web pages."

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from ..core.assets import builtin_path
from ..core.errors import UsageError
from ..core.terminal import end_progress, progress, tell
from ..images.formats import is_painting
from . import options
from .checks import check_style
from .loading import load_stylizer
from .options import option

FOLDER = "Folder of trained styles and paintings to offer. New styles are saved there."
PHOTOS = "Folder of training photos to offer, along with its subfolders."
SHARED = "Let visitors change and remove each other's styles."
STYLE = "Style, as for video. Default: the built-in styles, in the slim network."
VIRTUAL = "Send the painted video to a virtual camera, for calls and broadcasts, instead of a page."


def web(
    folder: Annotated[Path, option("DIR", FOLDER)] = Path("faststyle-web"),
    photos: Annotated[Path | None, option("DIR", PHOTOS)] = None,
    megapixels: options.Megapixels = 50,
    host: options.Host = options.HOST,
    port: options.Port = options.PORT,
    browser: options.Browser = True,
    allow_host: options.AllowHosts = None,
    shared: Annotated[bool, Option("--shared", help=SHARED)] = False,
    device: options.Device = None,
    precision: options.Precision = "auto",
):
    "Serve a web page to paint, train, optimize and use the camera. Stop it with Ctrl-C."
    tell("Starting …")  # imports take seconds
    from ..web.app import web_page

    with web_page(
        folder, photos, host=host, port=port, browser=browser, megapixels=megapixels,
        device=device, precision=precision, allow_hosts=allow_host, shared=shared,
    ):  # fmt: skip
        until_interrupted()


@options.takes(options.paint_options("stroke", "size", "strokes", "tile", "exact"))
def camera(
    style: Annotated[str | None, option("STYLE", STYLE, callback=check_style)] = None,
    arch: options.SightArch = None,
    size: Annotated[int, option("PX", "Short side to paint at in px.", min=16)] = 240,
    virtual: Annotated[bool, Option("--virtual", help=VIRTUAL)] = False,
    number: Annotated[int, option("N", "Camera for --virtual, from 0.", "--camera", min=0)] = 0,
    host: options.Host = options.HOST,
    port: options.Port = options.PORT,
    browser: options.Browser = True,
    allow_host: options.AllowHosts = None,
    trust_pickle: options.TrustPickle = False,
    device: options.Device = None,
    precision: options.Precision = "auto",
    **given: Any,
):
    "Repaint the camera's video live on a web page, or for other programs. Stop it with Ctrl-C."
    how = options.painting(given)
    if virtual and (allow_host or not browser or (host, port) != (options.HOST, options.PORT)):
        raise UsageError(
            "--host, --port, --no-browser and --allow-host are only for the page. Remove them."
        )
    if number and not virtual:
        raise UsageError("--camera needs --virtual. On the page, the browser chooses.")
    if how.black and not style and is_painting(how.black):
        raise UsageError("A painting as --background-style needs a --style.")
    style = style or str(builtin_path("gallery", "slim"))
    also = [how.black] if how.black else []
    paint = load_stylizer(style, trust_pickle, device, precision, also, arch=arch)
    if virtual:
        from ..video.virtual import virtual_camera

        with suppress(KeyboardInterrupt):
            virtual_camera(paint, how, size, number, watch=show_rate)
        end_progress()
        return
    from ..web.camera import camera_page

    with camera_page(paint, host, port, browser, size, allow_host, how):
        until_interrupted()


def show_rate(rate, latency):
    "Print the rate and the delay on one line; silent outside a terminal."
    if sys.stderr.isatty():
        progress(f"{rate:.1f} frames/s, {1000 * latency:.0f} ms late")


def until_interrupted():
    "Wait for Ctrl-C or `kill`; both leave time to clean up, see `running.run`."
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(1)
