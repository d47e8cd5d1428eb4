"The page: paint, train, optimise and the camera (gradio, the extra `web`)."

from contextlib import contextmanager
from pathlib import Path

from .camera import camera_tab
from .folders import picture_files
from .images import limit_pixels
from .shelf import Shelf
from .stylefile import shipped_path
from .stylizer import Stylizer
from .tabs import optimize_tab, paint_tab, train_tab
from .web import served

__all__ = ["web_page"]


@contextmanager
def web_page(
    folder: str | Path = "faststyle-web",  # where trained styles lie; what lies there is offered
    photos: str | Path | None = None,  # a folder that trainings may use, or any right below it
    host: str = "127.0.0.1",
    port: int = 8080,
    browser: bool = False,  # open it
    megapixels: float = 50,  # of a picture at the most
    device: str | None = None,
    precision: str = "auto",  # see devices.uses_bfloat16
    allow_hosts: list[str] | None = None,  # other names that the page goes by, as behind a proxy
):
    """Serves the page until the context ends; prints its address.

    Visitors read and write nothing but what they upload, `photos`, and new styles in `folder`. What
    they upload and get lies in a private folder that goes with the page.
    """
    shelf, watches = Shelf(Path(folder).resolve(), device, precision), []
    limit_pixels(megapixels)
    how = {"device": device, "precision": precision}
    folders = _folders(Path(photos).resolve()) if photos else {}

    def fill(gr, page, scratch):
        with gr.Tab("Paint"):
            gallery, style = paint_tab(gr, shelf, scratch.path)
        with gr.Tab("Train"):
            watches.append(train_tab(gr, shelf, scratch.path, folders, how, gallery, style))
        with gr.Tab("Optimise"):
            watches.append(optimize_tab(gr, scratch.path, how))
        with gr.Tab("Camera"):
            camera_tab(gr, page, scratch.path, Stylizer(shipped_path("gallery", "light"), **how))
        page.load(
            lambda: (shelf.pictures(), gr.Dropdown(list(shelf.styles()))),
            outputs=[gallery, style], api_name=False,
        )  # fmt: skip

    with served("faststyle", fill, host, port, browser, allow_hosts):
        try:
            yield
        finally:
            for watch in [watch for visitors in watches for watch in visitors.values()]:
                watch.stop.set()  # what is under way ends with what it has


def _folders(photos):
    "What the page calls those with pictures: the folder itself and the ones right below it."
    picture_files(photos)  # says if it is none
    below = sorted(path for path in photos.iterdir() if path.is_dir())
    found = [folder for folder in (photos, *below) if picture_files(folder)]
    return {str(folder.relative_to(photos.parent)): folder for folder in found}
