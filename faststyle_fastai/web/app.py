"The web page: paint, train, optimize and the camera (gradio, the extra `web`)."

from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from ..core.errors import FaststyleError
from ..images.discovery import picture_files
from ..images.files import limit_pixels
from .api import Api
from .gradio import gr
from .jobs import Queue
from .library import StyleLibrary
from .optimize import OptimizeTab
from .parts import PHOTO_STYLE, Site, style_update
from .server import served
from .studio import Studio
from .styles import ShelfTab
from .train import TrainTab
from .video import FilmTab

__all__ = ["web_page"]

# A film begins with the style of the photo.
LAST_STYLE = f"(_, called) => [{PHOTO_STYLE} ?? called, called]"
HEAD = """<h1 class='unseen-title'>faststyle</h1>
<style>@media (min-width: 110rem) { html { font-size: clamp(18px, .9vw, 28px); } }</style>"""
FRAME = (
    "<iframe id='studio' src='/studio' title='Paint a photo' "
    "allow='camera; clipboard-write; web-share'></iframe>"
)


@contextmanager
def web_page(
    folder: str | Path = "faststyle-web",  # trained styles to offer; new ones go there
    photos: str | Path | None = None,  # training photos to offer, with subfolders
    host: str = "127.0.0.1",
    port: int = 8080,
    browser: bool = False,  # open the page
    megapixels: float = 50,  # maximum size of an image
    device: str | None = None,
    precision: str = "auto",  # see devices.autocast_dtype
    allow_hosts: list[str] | None = None,  # additional host names, for example of a proxy
):
    """Serve the page until the context ends; print its address.

    Visitors can access only their uploads, `photos`, and the styles in `folder`. Uploads and
    results are kept in a private folder that is removed with the page.
    """
    if photos and Path(folder).resolve().is_relative_to(Path(photos).resolve()):
        raise FaststyleError(
            f"{folder} holds trained styles and lies within {photos}: choose another --folder."
        )
    shelf, queue = StyleLibrary(Path(folder).resolve(), device, precision), Queue()
    limit_pixels(megapixels)
    where = {"device": device, "precision": precision}
    folders = _folders(Path(photos).resolve()) if photos else {}

    def fill(page, folder):
        site = Site(page, folder.path, shelf, queue, where)
        studio = Studio(site)
        gr.HTML(HEAD)
        with gr.Tabs() as tabs:
            with gr.Tab("Photo", id="photo"):
                gr.HTML(FRAME)
            if find_spec("av"):
                with gr.Tab("Video", id="video") as films:
                    chosen = FilmTab(site).style
                    # The field itself would refuse a style that it does not offer yet.
                    last = gr.Textbox(visible=False)
                for event, script in ((page.load, None), (films.select, LAST_STYLE)):
                    event(shown_styles, [last, chosen], chosen, js=script, api_name=False)
            with gr.Tab("Teach", id="train") as training:
                TrainTab(site, tabs, folders).look_after(page.load, training.select)
            with gr.Tab("My styles", id="styles") as mine:
                own = ShelfTab(site, tabs)
                mine.select(own.look, None, own.shown, api_name=False)
            with gr.Tab("Finest", id="optimize") as finest:
                OptimizeTab(site, studio).begin_on(finest.select)
        return studio, Api(site)

    def mount(routes, app):
        for each in routes:
            each.mount(app)

    def shown_styles(last, called):
        return style_update(shelf.titles(), last or called)

    with served("faststyle: paint your photos", fill, host, port, browser, allow_hosts, mount):
        try:
            yield
        finally:
            queue.close()


def _folders(photos):
    "Name -> folder with images, for the folder itself and its direct subfolders."
    picture_files(photos)  # raises if it is not a folder
    below = sorted(path for path in photos.iterdir() if path.is_dir())
    found = [folder for folder in (photos, *below) if picture_files(folder)]
    return {str(folder.relative_to(photos.parent)): folder for folder in found}
