"The web page: paint, teach and use the camera (the extra `web`)."

import math
from contextlib import contextmanager
from pathlib import Path

from ..core.devices import autocast_dtype, use_device
from ..core.errors import FaststyleError
from ..images.discovery import picture_files
from ..images.files import limit_pixels
from ..inference.html import REMOTE
from .api import Api
from .films import Films
from .guard import is_local
from .jobs import Queue
from .library import StyleLibrary
from .mine import Mine
from .photos import Photos
from .refining import refining
from .server import served
from .visits import Owners, Site, Visitors
from .window import page_route
from .work import Work

__all__ = ["web_page"]

JOBS = 8  # of a visitor that run or wait, on a page for others


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
    shared: bool = False,  # visitors may change each other's styles, as on a page for this machine
):
    """Serve the page until the context ends; print its address.

    Visitors can access only their uploads, `photos`, and the styles in `folder`. Uploads and
    results are kept in a private folder that is removed with the page.
    """
    if photos and Path(folder).resolve().is_relative_to(Path(photos).resolve()):
        raise FaststyleError(
            f"{folder} holds trained styles and lies within {photos}: choose another --folder."
        )
    autocast_dtype(use_device(device), precision)  # fail early
    shelf = StyleLibrary(Path(folder).resolve(), device, precision)
    alone = is_local(host) and not allow_hosts
    owners, queue = Owners(shared or alone, shelf), Queue(math.inf if alone else JOBS)
    limit_pixels(megapixels)
    where = {"device": device, "precision": precision}
    folders = _folders(Path(photos).resolve()) if photos else {}

    def routes(scratch):
        return page_routes(Site(scratch, shelf, queue, where, folders, owners))

    with served(routes, host, port, browser, allow_hosts):
        try:
            yield
        finally:
            queue.close()


def page_routes(site: Site) -> list:
    "All that the page answers."
    photos, work, visitors = Photos(site), Work(site.queue, site.owners), Visitors()
    films, mine = Films(photos), Mine(photos, visitors)
    looks = [
        photos.styles, photos.source, photos.progress, films.original, mine.mine,
        mine.work, mine.example, mine.losses, work.jobs, work.picture, work.curve, work.result,
    ]  # fmt: skip
    acts = [
        photos.photo, photos.paint, photos.mask, photos.thumbnail, photos.frame,
        photos.finish, photos.stop, photos.style, photos.plain,
        films.film, films.frame_at, films.paint_film, refining(site), mine.learn,
        mine.teach, mine.resume, mine.discard, mine.rename, mine.remove, mine.packed,
        mine.studio_file, mine.link, mine.linked, work.end,
    ]  # fmt: skip
    page = page_route(REMOTE, photos.window.facts)
    called = visitors.routes("GET", *looks) + visitors.routes("POST", *acts)
    return [page, *called, *Api(site).routes()]


def _folders(photos):
    "Name -> folder with images, for the folder itself and its direct subfolders."
    picture_files(photos)  # raises if it is not a folder
    below = sorted(path for path in photos.iterdir() if path.is_dir())
    found = [folder for folder in (photos, *below) if picture_files(folder)]
    return {str(folder.relative_to(photos.parent)): folder for folder in found}
