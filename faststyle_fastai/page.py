"The page: paint, train, optimise and the camera (gradio, the extra `web`)."

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .camera import camera_tab
from .folders import picture_files
from .images import limit_pixels
from .shelf import Shelf
from .stylefile import shipped_path
from .stylizer import Stylizer
from .tabs import optimize_tab, paint_tab, train_tab
from .web import gradio, launch

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
):
    """Serves the page until the context ends; prints its address.

    Visitors read and write nothing but what they upload, `photos`, and new styles in `folder`.
    """
    gr, shelf = gradio(), Shelf(folder, device)
    limit_pixels(megapixels)
    folders = _folders(Path(photos)) if photos else []
    with TemporaryDirectory() as scratch:
        head = {"title": "faststyle", "analytics_enabled": False, "delete_cache": (3600, 86400)}
        with gr.Blocks(**head) as page:
            with gr.Tab("Paint"):
                gallery, style = paint_tab(gr, shelf, Path(scratch))
            with gr.Tab("Train"):
                trainings = train_tab(gr, shelf, Path(scratch), folders, device, gallery, style)
            with gr.Tab("Optimise"):
                optimizations = optimize_tab(gr, Path(scratch), device)
            with gr.Tab("Camera"):
                camera_tab(gr, page, Stylizer(shipped_path("gallery", "light"), device))
            page.load(
                lambda: (shelf.pictures(), gr.Dropdown(list(shelf.styles()))),
                outputs=[gallery, style], api_name=False,
            )  # fmt: skip
        try:
            launch(page, host, port, browser)
            yield
        finally:
            for watch in [*trainings.values(), *optimizations.values()]:
                watch.stop.set()  # what is under way ends with what it has
            page.close(verbose=False)


def _folders(photos):
    "Those with pictures: the folder itself and the ones right below it."
    picture_files(photos)  # says if it is none
    below = sorted(path for path in photos.iterdir() if path.is_dir())
    return [folder for folder in (photos, *below) if picture_files(folder)]
