"The web page: paint, train, optimize and the camera (gradio, the extra `web`)."

from contextlib import contextmanager
from pathlib import Path

from ..images.discovery import picture_files
from ..images.files import limit_pixels
from ..inference.stylizer import Stylizer
from ..models.stylefile import builtin_path
from .camera import camera_tab
from .library import StyleLibrary
from .server import served
from .tabs import optimize_tab, paint_tab, train_tab

__all__ = ["web_page"]


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
    shelf, watches = StyleLibrary(Path(folder).resolve(), device, precision), []
    limit_pixels(megapixels)
    how = {"device": device, "precision": precision}
    folders = _folders(Path(photos).resolve()) if photos else {}

    def fill(gr, page, scratch):
        with gr.Tabs() as tabs:
            with gr.Tab("Paint"):
                gallery, style, finer = paint_tab(gr, shelf, scratch.path)
            with gr.Tab("Train", id="train"):
                both = gallery, style, finer
                watches.append(train_tab(gr, shelf, scratch.path, folders, how, tabs, *both))
            with gr.Tab("Optimize"):
                watches.append(optimize_tab(gr, scratch.path, how))
            with gr.Tab("Camera"):
                camera_tab(gr, page, scratch.path, Stylizer(builtin_path("gallery", "slim"), **how))
        page.load(
            lambda: (shelf.pictures(), gr.Dropdown(list(shelf.styles()))),
            outputs=[gallery, style], api_name=False,
        )  # fmt: skip

    with served("faststyle", fill, host, port, browser, allow_hosts):
        try:
            yield
        finally:
            for watch in [watch for visitors in watches for watch in visitors.values()]:
                watch.stop.set()  # running jobs stop and keep their result


def _folders(photos):
    "Name -> folder with images, for the folder itself and its direct subfolders."
    picture_files(photos)  # raises if it is not a folder
    below = sorted(path for path in photos.iterdir() if path.is_dir())
    found = [folder for folder in (photos, *below) if picture_files(folder)]
    return {str(folder.relative_to(photos.parent)): folder for folder in found}
