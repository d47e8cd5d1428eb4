"The web page: paint, train, optimize and the camera (gradio, the extra `web`)."

import shutil
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from ..images.discovery import picture_files
from ..images.files import limit_pixels
from ..inference.live import live_gallery
from ..inference.stylizer import Stylizer
from ..training.demo import sample_photos
from .camera import camera_tab
from .jobs import Queue
from .library import StyleLibrary
from .optimize import optimize_tab
from .paint import paint_tab
from .server import served
from .styles import shelf_tab
from .train import train_tab
from .video import film_tab

__all__ = ["web_page"]

HEAD = """# Turn your photos into paintings
Choose a photo and a style, or add a painting of your own.
Photos stay on the computer that serves this page.
"""


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
    shelf, queue = StyleLibrary(Path(folder).resolve(), device, precision), Queue()
    limit_pixels(megapixels)
    how = {"device": device, "precision": precision}
    folders = _folders(Path(photos).resolve()) if photos else {}

    def fill(gr, page, scratch):
        # The page may show only files in its own folder.
        copies = shutil.copytree(sample_photos()[0], scratch.path / "samples")
        samples = sorted(copies.glob("*.jpg"))
        gr.Markdown(HEAD)

        def shown_styles(called):
            "A field of the current styles that shows `called` if it still exists."
            names = shelf.styles()
            return gr.Dropdown(
                shelf.titles(), value=called if called in names else next(iter(names))
            )

        with gr.Tabs() as tabs:
            with gr.Tab("Paint", id="paint"):
                paint = paint_tab(gr, page, shelf, scratch.path, samples)
            with gr.Tab("Train", id="train") as training:
                look, seen, outputs = train_tab(
                    gr, shelf, scratch.path, paint, folders=folders, where=how, tabs=tabs,
                    queue=queue,
                )  # fmt: skip
            with gr.Tab("My styles") as mine:
                find, styles = shelf_tab(gr, shelf, scratch.path, paint, where=how, queue=queue)
            if find_spec("av"):
                with gr.Tab("Video") as films:
                    chosen = film_tab(gr, page, shelf, scratch.path, queue)
                looks = [page.load, films.select]
                gr.on(looks, shown_styles, chosen, chosen, api_name=False)
            with gr.Tab("Optimize"):
                optimize_tab(gr, page, scratch.path, how, queue)
            with gr.Tab("Camera"):
                camera_tab(gr, page, scratch.path, Stylizer(live_gallery(**how), **how))
        gr.on([page.load, training.select], look, seen, outputs, api_name=False)
        mine.select(find, outputs=styles, api_name=False)

    with served("faststyle: paint your photos", fill, host, port, browser, allow_hosts):
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
