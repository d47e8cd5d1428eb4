"Stylization of millions of images on a Ray cluster (the extra `bulk`)."

import csv
import io
import logging
import math
import os
import socket
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import torch
from fastcore.basics import chunked

from ..core.assets import ASSETS, MODEL
from ..core.errors import FaststyleError, format_error
from ..core.extras import extra
from ..core.terminal import utf8
from ..core.values import with_kinds
from ..images.discovery import output_name, works_of
from ..images.files import image_size
from ..images.formats import file_name, is_painting, named_works
from ..images.masks import read_mask
from ..images.metadata import read_metadata
from ..images.remote import download, is_address, is_link
from ..images.saving import save_picture
from ..images.tensors import read_tensor
from ..inference.builtin import find_style
from ..inference.options import PaintOptions
from ..inference.stylizer import Stylizer
from .stores import check_puts, file_system, names_to_do, placed, put

__all__ = ["paint_bulk"]

REPORT = "failures.csv"
MOST_TASKS = 20_000  # of Ray
SETTINGS = {"enable_progress_bars": False, "max_errored_blocks": -1}  # of Ray Data, in a call
TIMEOUT = 10  # seconds to wait for a cluster's answer
PAUSE = 5  # seconds until a cluster notices a dead machine
BATCH_PIXELS = 2**23  # most pixels in a batch
PER_GPU = 6  # workers
TRIES = 4  # the first in groups; then images lost with their worker, one by one


class NoProcessors(FaststyleError):
    "A cluster that has none, now."


@with_kinds
def paint_bulk(
    source: str | Path,  # a folder, or a URL: s3://…, gs://…, or any that fsspec supports
    out: str | Path,  # likewise; mirrors the folders of `source`
    style: str | Path,  # as Stylizer accepts it; its file is sent to the workers
    strength: float = 1.0,
    address: str | None = None,  # of a Ray cluster, or "auto"; None: this machine only
    workers: int | None = None,  # each with its own network; None: one per core, at most 6 per GPU
    batch: int = 16,  # images that a worker receives at once
    force: bool = False,  # overwrite existing outputs
    precision: str = "auto",  # see devices.autocast_dtype
    watch: Callable[[int, int, int], Any] | None = None,  # gets n finished, n failed, n in all
    trust_pickle: bool = False,  # allow a .pkl as `style`, which can run code when loaded
    **options: Any,  # other fields of PaintOptions
) -> list[tuple[str, str]]:  # the name and error of each failed image
    """Repaint all images below `source` to one output each; existing outputs are skipped.

    Outputs are written atomically, so the same call continues after an interruption. The work of a
    machine that dies is repeated elsewhere. Failed images are listed in failures.csv beside the
    results. All machines of a cluster must share local folders.

    Raises `FileNotFoundError` for a folder without images, `ValueError` for options out of their
    range, and `FaststyleError` if there is no cluster, if `out` is `source` or contains it, and if
    two images would get the same name.
    """
    ray = extra("ray", "bulk")
    extra("ray.data", "bulk")
    source, out = placed(source), placed(out)
    if options.get("mask") is not None:  # read once, where the file is
        options["mask"] = read_mask(options["mask"])
    paint_options = vars(PaintOptions(strength=strength, **options))
    Stylizer(style, "cpu", precision, trust_pickle)  # fail early on a bad style
    work = source, out, (*content_of(style), precision), paint_options
    names = names_to_do(source, out, force)
    if not names:
        return _report(out, [])
    check_puts(out)
    # Name -> error, or an empty string. Ray takes no other names.
    errors = {name: "Its name is not UTF-8: rename it." for name in names if utf8(name) != name}
    failed = len(errors)
    with _connected(ray, address):
        for attempt in range(TRIES):
            if left := [name for name in names if name not in errors]:
                try:
                    for part in _painted(ray, left, work, workers, 1 if attempt else batch):
                        errors |= part
                        failed += sum(map(bool, part.values()))
                        if watch:
                            watch(len(errors), failed, len(names))
                except (ray.exceptions.RayActorError, NoProcessors) as error:
                    if isinstance(error, NoProcessors) and not attempt:
                        raise
                    if getattr(error, "actor_init_failed", False):
                        why = str(error).strip().splitlines()[-1]
                        raise FaststyleError(f"The workers cannot start: {why}") from None
                    time.sleep(PAUSE)  # it was on a machine not yet known to be dead
    lost = f"The worker died {TRIES} times."
    errors = {name: errors.get(name, lost) for name in names}
    return _report(out, [(utf8(name), error) for name, error in errors.items() if error])


def content_of(style):
    """What the workers need of a style: its files' names and contents, the style's name in a file,
    and the name that the works of one style are given. Without files, the name is all of it.
    """
    if is_painting(style):
        given = named_works(style)
        return [content(work) for work in works_of(style)], None, given and given[0]
    if not is_link(style):
        path, name = find_style(style)
        if path.parent != ASSETS or str(path) in str(style):
            return [content(path / MODEL if path.is_dir() else path)], name, None
    return [], style, None  # a link, or what comes with the package


def content(file):
    data = download(file) if is_address(file) else Path(file).read_bytes()
    return file_name(file), data


@contextmanager
def _connected(ray, address):
    "Connect to a cluster, unless the caller is connected, with quiet settings."
    mine = not ray.is_initialized()
    if mine:
        _connect(ray, address)
    context = ray.data.DataContext.get_current()
    before = {key: getattr(context, key) for key in SETTINGS}
    try:
        vars(context).update(SETTINGS)
        yield
    finally:
        vars(context).update(before)
        if mine:
            ray.shutdown()


def _connect(ray, address):
    # Deaths are handled here: Ray need not report them, from C++ or from Python.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    # With Ray's default, 15, the loop that waits for the workers would starve them.
    os.environ.setdefault("RAY_worker_niceness", "0")
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    try:
        if port.isdigit():  # Ray would keep trying for minutes
            socket.create_connection((host, int(port)), TIMEOUT).close()
        ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR)
    except OSError as error:
        raise FaststyleError(f"No Ray cluster at {address}: {format_error(error)}") from None


def _painted(ray, names, work, workers, batch):
    "Yield {name: error} for some images at a time; images whose worker dies are missing."
    resources = ray.cluster_resources()
    if not resources.get("CPU"):  # which Ray leaves out
        raise NoProcessors("The Ray cluster has no CPUs now. Start a worker, then try again.")
    n, gpus = shares(workers, resources.get("GPU", 0), resources["CPU"])
    tasks = min(math.ceil(len(names) / batch), MOST_TASKS)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`ray_remote_args`")  # the last two have no other place
        results = ray.data.from_items(names, override_num_blocks=tasks).map_batches(
            Worker,
            batch_size=None,  # all images of a task
            fn_constructor_args=(*work, None if gpus else "cpu"),
            compute=ray.data.ActorPoolStrategy(size=min(n, tasks)),
            num_cpus=1,
            num_gpus=gpus,
            max_restarts=-1,  # a pool replaces no dead worker, and may wait for it forever
            max_task_retries=0,
        )
    for rows in results.iter_batches(batch_size=None):
        yield dict(zip(rows["name"].tolist(), rows["error"].tolist()))


def shares(
    workers: int | None,  # None: the default
    gpus: float,  # of the cluster
    cpus: float,
) -> tuple[int, float]:
    """The number of workers and each one's share of a GPU.

    Reading and writing a photo takes a core much longer than painting it takes a GPU.
    """
    if not gpus:
        return workers or max(1, int(cpus)), 0
    each = math.ceil(workers / gpus) if workers else max(1, min(PER_GPU, int(cpus / gpus)))
    return workers or int(each * gpus), math.floor(1e4 / each) / 1e4  # Ray's precision


def _report(out, failed):
    "List failures beside the results, replacing those of an earlier call."
    store, place = file_system(out)
    path = f"{place}/{REPORT}"
    if failed:
        text = io.StringIO()
        csv.writer(text).writerows([("picture", "error"), *failed])
        put(store, path, text.getvalue().encode())
    elif store.get_file_info(path).is_file:
        store.delete_file(path)
    return failed


class Worker:
    "A network on a machine of the cluster, with its settings."

    def __init__(self, source, out, weights, options, device):
        self.source, self.out = file_system(source), file_system(out)
        files, style, works, precision = weights
        self.folder, paths = TemporaryDirectory(), []  # a painting is read when it is first used
        for i, (name, data) in enumerate(files):
            paths.append(Path(self.folder.name, str(i), name))
            paths[-1].parent.mkdir()
            paths[-1].write_bytes(data)
        source = {works: paths} if works else paths[0] if paths else style
        self.paint = Stylizer(source, device, precision)
        self.options = options | {"style": style if paths else None}

    def __call__(self, rows):
        "Paint the images of these names."
        with TemporaryDirectory() as folder:
            # Only their endings tell the photos of cameras (RAW) apart.
            items = enumerate(rows["item"].tolist())
            paths = {k: Path(folder) / f"{i}{PurePosixPath(k).suffix}" for i, k in items}
            errors = dict.fromkeys(paths, "")
            sizes = {name: self._fetch(name, path, errors) for name, path in paths.items()}
            fetched = sorted((name for name in sizes if sizes[name]), key=sizes.__getitem__)
            for (width, height), names in groupby(fetched, sizes.__getitem__):
                for group in chunked(names, max(1, BATCH_PIXELS // (width * height))):
                    self._repaint({name: paths[name] for name in group}, errors)
        return {"name": list(errors), "error": list(errors.values())}

    def _fetch(self, name, path, errors):
        "Copy an image to this machine; return its size, or None and note the error."
        store, root = self.source
        try:
            with store.open_input_stream(f"{root}/{name}") as file:
                path.write_bytes(file.readall())
            return image_size(path)
        except Exception as error:
            errors[name] = format_error(error).replace(str(path), name)

    def _repaint(self, pictures, errors):
        "Paint images of one shape in a batch; if that fails, one by one."
        try:
            photos = [read_tensor(path) for path in pictures.values()]
            if len({photo.shape for photo in photos}) > 1:
                raise ValueError("Some images are rotated or transparent.")
            options = self.options if len(photos) == 1 else {**self.options, "tile": None}
            painted = self.paint(torch.cat(photos), **options, tensor=True)
            for (name, path), x in zip(pictures.items(), painted):
                self._write(name, path, x[None])
        except Exception as error:
            for name, path in pictures.items():
                if len(pictures) > 1:
                    self._repaint({name: path}, errors)
                else:
                    errors[name] = format_error(error).replace(str(path), name)

    def _write(self, name, path, x):
        store, root = self.out
        target = output_name(name)
        local = path.with_name(f"painted-{path.stem}{target.suffix}")
        save_picture(x, local, **read_metadata(path))
        put(store, f"{root}/{target.as_posix()}", local.read_bytes())
