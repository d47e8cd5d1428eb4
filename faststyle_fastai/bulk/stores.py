"Folders, buckets and other stores of files."

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

from ..core.atomic import hidden_name
from ..core.errors import FaststyleError, format_error
from ..core.extras import extra
from ..images.discovery import CASELESS, output_name, picture_files
from ..images.formats import is_picture

__all__ = ["check_puts", "file_system", "names_to_do", "placed", "put"]

OTHER = "Choose another folder."
WHOLE_PUTS = "s3", "gcs", "abfs"  # stores that write files atomically


def files_below(
    store: Any,  # a file system of pyarrow
    root: str,
    missing: str | None = None,  # the error if the folder does not exist; None: it is empty
) -> list[PurePosixPath]:
    "All files below a folder; of a local one, the images, those in linked folders once."
    from pyarrow.fs import FileSelector, FileType

    if store.type_name == "local":
        if not os.path.isdir(root) and missing is None:
            return []
        try:
            return [PurePosixPath(path.as_posix()) for path in picture_files(root, stop)]
        except FileNotFoundError:
            raise FileNotFoundError(missing) from None
    selector = FileSelector(root, recursive=True, allow_not_found=missing is None)
    try:
        entries = store.get_file_info(selector)
    except FileNotFoundError:
        raise FileNotFoundError(missing) from None
    except OSError as error:
        raise FaststyleError(f"Cannot list {root}: {format_error(error)}") from None
    return [PurePosixPath(info.path) for info in entries if info.type == FileType.File]


def names_to_do(
    source: str,  # of `placed`, as `out`
    out: str,
    force: bool,  # also those that are painted
) -> list[str]:
    """The names of the images to paint, relative to `source`.

    Raises `FaststyleError` if a painting would replace an image or another painting.
    """
    store, root = file_system(source)
    target, place = file_system(out)
    local = store.type_name == target.type_name == "local"
    id_of: Callable[..., Any] = lru_cache(local_id) if local else str
    places: Callable[..., Any] = lru_cache(real_place) if local else PurePosixPath
    begin, end = places(root), places(place)

    def lies_in(inner, outer):
        return id_of(outer) in map(id_of, (inner, *inner.parents))

    if target == store and lies_in(begin, end):
        raise FaststyleError(f"{out} is or contains {source}. {OTHER}")
    caseless = target.type_name == "local" and sys.platform in CASELESS
    letters: Callable[[object], str] = (lambda p: str(p).casefold()) if caseless else str
    taken, originals = dict[str, str](), set[Any]()  # an output's letters -> its image; all images
    for path in files_below(store, root, f"No folder {source}."):
        below = path.relative_to(root)
        folder = places(path.parent)
        if target == store and lies_in(folder, end):
            written = (PurePosixPath(root, parent) for parent in below.parents)
            if lies_in(end, begin) or id_of(end) in map(id_of, written):
                continue  # painted before
            raise FaststyleError(f"{out} contains {folder}, which {source} links to. {OTHER}")
        if is_picture(below):
            name = str(below)
            output = output_name(name).as_posix()
            if (other := taken.setdefault(letters(output), name)) != name:
                raise FaststyleError(f"{other} and {name} would both become {output}.")
            originals |= {local_id(path), local_id(path, False)} if local else {str(path)}
    if not taken:
        raise FileNotFoundError(f"No images in {source}.")
    outputs = (PurePosixPath(place, output_name(name)) for name in taken.values())
    # A painting takes the place of a link, and leaves what it links to.
    kept: Callable[..., Any] = partial(local_id, follow=False) if local else str
    if target == store and any(kept(output) in originals for output in outputs):
        raise FaststyleError(f"{out} links to images of {source}. {OTHER}")
    painted = [] if force else files_below(target, place)
    existing = {letters(path.relative_to(place).as_posix()) for path in painted}
    return sorted(name for output, name in taken.items() if output not in existing)


def real_place(path: PurePosixPath | str) -> PurePosixPath:
    "A local path without links."
    return PurePosixPath(Path(os.path.realpath(path)).as_posix())


def local_id(path: PurePosixPath, follow: bool = True) -> tuple[int, int] | str:
    "What a local file or folder is, whichever links, mounts or capitals lead to it."
    try:
        info = os.stat(path, follow_symlinks=follow)
    except OSError:  # it does not exist yet
        return str(path)
    return info.st_dev, info.st_ino


def stop(error: OSError):
    "A folder that cannot be listed must not be left out in silence."
    raise FaststyleError(f"Cannot list {error.filename}: {format_error(error)}") from None


def placed(address: str | Path) -> str:
    "A URL, or an absolute path, because workers have another current folder."
    return str(address) if "://" in str(address) else os.path.abspath(address)


def file_system(
    address: str,  # of `placed`
) -> tuple[Any, str]:
    "The file system of an address, pyarrow's or else fsspec's, and the path in it."
    fs = extra("pyarrow.fs", "bulk")
    if "://" not in address:
        return fs.LocalFileSystem(), Path(address).as_posix()
    try:
        return fs.FileSystem.from_uri(address)
    except ValueError:
        import fsspec

        try:
            store, root = fsspec.core.url_to_fs(address)
        except (ValueError, ImportError) as error:
            raise FaststyleError(f"{address}: {error}") from None
        return fs.PyFileSystem(fs.FSSpecHandler(store)), root


def check_puts(place: str) -> None:
    "Raise `OSError` if no file can be written there, before hours of work."
    store, root = file_system(place)
    trial = f"{root}/{hidden_name('trial', f'-{os.getpid()}')}"
    put(store, trial, b"")
    with suppress(OSError):  # some stores take files, and let nobody delete them
        store.delete_file(trial)


def put(store: Any, path: str, data: bytes) -> None:
    "Write a file atomically."
    parent, name = path.rsplit("/", 1)
    if store.type_name in WHOLE_PUTS:
        with store.open_output_stream(path) as file:
            file.write(data)
        return
    store.create_dir(parent, recursive=True)
    temporary = f"{parent}/{hidden_name(name, f'-{os.getpid()}')}"
    try:
        with store.open_output_stream(temporary) as file:
            file.write(data)
        store.move(temporary, path)
    except OSError:
        with suppress(OSError):  # it may not exist
            store.delete_file(temporary)
        raise
