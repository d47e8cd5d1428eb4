"The commands that serve pages."

import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from .cli_stylize import painter
from .options import AllowHosts, Browser, Device, Host, Port, Precision, TrustPickle


def web(
    folder: Annotated[
        Path, typer.Option(help="Where trained styles lie; those there are offered.")
    ] = Path("faststyle-web"),
    photos: Annotated[
        Path | None,
        typer.Option(help="A folder that trainings may use, or a folder right below it."),
    ] = None,
    megapixels: Annotated[
        float, typer.Option("--max-megapixels", min=0.001, help="Refuse larger pictures.")
    ] = 50,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    browser: Browser = True,
    allow_host: AllowHosts = None,
    device: Device = None,
    precision: Precision = "auto",
):
    "A page to paint, train, optimise and use the camera on; Ctrl-C ends it."
    from .page import web_page

    place = host, port, browser
    with web_page(folder, photos, *place, megapixels, device, precision, allow_host):
        until_interrupted()


def camera(
    style: Annotated[
        str, typer.Option(help="As for video; light: all that ship, in the quicker network.")
    ] = "light",
    size: Annotated[int, typer.Option(min=16, help="Short side to paint at, px.")] = 240,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    browser: Browser = True,
    allow_host: AllowHosts = None,
    trust_pickle: TrustPickle = False,
    device: Device = None,
    precision: Precision = "auto",
):
    "Repaint what the camera sees, live on a page in the browser; Ctrl-C ends it."
    from .camera import camera_page

    paint = painter(style, trust_pickle, device, precision)
    with camera_page(paint, host, port, browser, size, allow_host):
        until_interrupted()


def until_interrupted():
    "Until Ctrl-C or a plain kill, which both leave time to tidy up."
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(1)
