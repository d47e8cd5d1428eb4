"Folders, buckets and other stores of files."

import os
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from ..core.atomic import hidden_name
from ..core.errors import FaststyleError, format_error
from ..core.extras import extra
from ..images.discovery import picture_files

__all__ = ["file_system", "files_below", "placed", "put", "real_folder"]

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


def stop(error: OSError):
    "A folder that cannot be listed must not be left out in silence."
    raise FaststyleError(f"Cannot list {error.filename}: {format_error(error)}") from None


def placed(address: str | Path) -> str:
    "A URL, or an absolute path, because workers have another current folder."
    return str(address) if "://" in str(address) else os.path.abspath(address)


def real_folder(path: PurePosixPath) -> PurePosixPath:
    "The path of a local folder without links."
    return PurePosixPath(Path(os.path.realpath(path)).as_posix())


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
