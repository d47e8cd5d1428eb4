"Stylization of millions of images on a Ray cluster (the extra `bulk`)."

import csv
import io
import logging
import math
import os
import socket
import time
from itertools import groupby
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import torch

from ..core.errors import FaststyleError, format_error
from ..core.extras import extra
from ..images.discovery import output_name
from ..images.files import image_size, read_exif, read_tensor, save_picture
from ..images.formats import file_name, is_painting, is_picture
from ..images.remote import download, is_address
from ..inference.builtin import find_style
from ..inference.options import PaintOptions
from ..inference.stylizer import Stylizer
from ..models.stylefile import MODEL
from .stores import file_system, files_below, placed, put

__all__ = ["paint_bulk"]

REPORT = "failures.csv"
MOST_PIECES = 20_000  # Ray tasks at most
SETTINGS = {"enable_progress_bars": False, "max_errored_blocks": -1}  # of Ray Data, in a call
PATIENCE = 10  # seconds to wait for a cluster's answer
PAUSE = 5  # seconds until a cluster notices a dead machine
TOGETHER = 2**23  # most pixels in a batch
PER_GPU = 6  # workers
TRIES = 4  # the first in pieces; then images lost with their worker, one by one


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
    watch=None,  # called with the numbers of finished, failed and all images
    trust_pickle: bool = False,  # allow a .pkl as `style`, which can run code when loaded
    **options,  # other fields of PaintOptions
) -> list[tuple[str, str]]:  # the name and error of each failed image
    """Repaint all images below `source` to one output each; existing outputs are skipped.

    Outputs are written atomically, so the same call continues after an interruption. The work of a
    machine that dies is repeated elsewhere. Failed images are listed in failures.csv beside the
    results. All machines of a cluster must share local folders.
    """
    ray = extra("ray", "bulk")
    extra("ray.data", "bulk")
    source, out = placed(source), placed(out)
    how = vars(PaintOptions(strength=strength, **options))
    Stylizer(style, "cpu", precision, trust_pickle)  # fail early on a bad style
    weights = *sent(style), precision
    names = _to_do(source, out, force)
    if not names:
        return _report(out, [])
    mine = not ray.is_initialized()
    if mine:
        _connect(ray, address)
    context = ray.data.DataContext.get_current()
    before = {key: getattr(context, key) for key in SETTINGS}
    try:
        for key, value in SETTINGS.items():
            setattr(context, key, value)
        found = {}  # name -> error, or an empty string
        for attempt in range(TRIES):
            if left := [name for name in names if name not in found]:
                step = 1 if attempt else batch
                try:
                    for some in _painted(ray, left, (source, out, weights, how), workers, step):
                        found |= some
                        if watch:
                            watch(len(found), sum(map(bool, found.values())), len(names))
                except ray.exceptions.RayActorError:  # on a machine not yet known to be dead
                    time.sleep(PAUSE)
    finally:
        for key, value in before.items():
            setattr(context, key, value)
        if mine:
            ray.shutdown()
    found = {name: f"The worker died {TRIES} times." for name in names} | found
    return _report(out, [(name, why) for name, why in found.items() if why])


def sent(style):
    "What the workers need of a style: a file's name and content, and the style's name in it."
    if is_address(style):
        return file_name(style), download(style), None
    path, name = (Path(style), None) if is_painting(style) else find_style(style)
    path = path / MODEL if path.is_dir() else path
    return path.name, path.read_bytes(), name


def _connect(ray, address):
    # Long reports of deaths that are handled here, in C++ and in Python.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    # Ray's 15 leaves a worker nothing beside the loop in which this process waits for it.
    os.environ.setdefault("RAY_worker_niceness", "0")
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    try:
        if port.isdigit():  # Ray would keep trying for minutes
            socket.create_connection((host, int(port)), PATIENCE).close()
        ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR)
    except OSError as error:
        raise FaststyleError(f"No Ray cluster at {address}: {format_error(error)}") from None


def _painted(ray, names, work, workers, batch):
    "Yield {name: error} for some images at a time; images whose worker dies are missing."
    there = ray.cluster_resources()
    room, gpus = shares(workers, there.get("GPU", 0), there["CPU"])
    pieces = min(math.ceil(len(names) / batch), MOST_PIECES)
    results = ray.data.from_items(names, override_num_blocks=pieces).map_batches(
        Worker,
        batch_size=None,  # one piece
        fn_constructor_args=(*work, None if gpus else "cpu"),
        compute=ray.data.ActorPoolStrategy(size=min(room, pieces)),
        num_cpus=1,
        num_gpus=gpus,
        max_restarts=-1,  # a pool never replaces a worker that is dead, and may wait for it forever
        max_task_retries=0,
    )
    for rows in results.iter_batches(batch_size=None):
        yield dict(zip(rows["name"].tolist(), rows["error"].tolist()))


def shares(
    workers: int | None,  # as asked for
    gpus: float,  # of the cluster
    cpus: float,
) -> tuple[int, float]:
    """The number of workers and each one's share of a GPU.

    Reading and writing a photo takes a core much longer than painting it takes a GPU.
    """
    if not gpus:
        return workers or max(1, int(cpus)), 0
    each = math.ceil(workers / gpus) if workers else max(1, min(PER_GPU, int(cpus / gpus)))
    return workers or int(each * gpus), math.floor(1e4 / each) / 1e4  # as exact as Ray counts


def _to_do(source, out, force):
    "The names of the images that are not painted yet."
    store, root = file_system(source)
    target, place = file_system(out)
    inside = PurePosixPath(place) if target == store else None
    if inside in (PurePosixPath(root), *PurePosixPath(root).parents):
        raise FaststyleError(f"{out} is or contains {source}: choose another folder.")
    names, taken = [], {}
    for path in files_below(store, root, f"No folder {source}."):
        if is_picture(path.relative_to(root)) and inside not in path.parents:
            name = str(path.relative_to(root))
            if (other := taken.setdefault(output_name(name), name)) != name:
                raise FaststyleError(f"{other} and {name} would both become {output_name(name)}.")
            names.append(name)
    if not names:
        raise FileNotFoundError(f"No images in {source}.")
    painted = [] if force else files_below(target, place)
    there = {str(path.relative_to(place)) for path in painted}
    return sorted(name for name in names if output_name(name).as_posix() not in there)


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

    def __init__(self, source, out, weights, how, device):
        self.source, self.out = file_system(source), file_system(out)
        name, data, style, precision = weights
        with TemporaryDirectory() as folder:
            (Path(folder) / name).write_bytes(data)
            self.paint = Stylizer(Path(folder) / name, device, precision)
        self.how = how | {"style": style}

    def __call__(self, rows):
        "Paint the images of these names."
        with TemporaryDirectory() as folder:
            read = {name: Path(folder) / f"{i}" for i, name in enumerate(rows["item"].tolist())}
            errors = dict.fromkeys(read, "")
            jobs = [job for name, path in read.items() if (job := self._fetch(name, path, errors))]
            jobs.sort(key=lambda job: job[1])
            for (width, height), alike in groupby(jobs, lambda job: job[1]):
                names = [name for name, _ in alike]
                step = max(1, TOGETHER // (width * height))
                for i in range(0, len(names), step):
                    self._repaint({n: read[n] for n in names[i : i + step]}, errors)
        return {"name": list(errors), "error": list(errors.values())}

    def _fetch(self, name, path, errors):
        "Copy an image to this machine; return its name and size."
        store, root = self.source
        try:
            with store.open_input_stream(f"{root}/{name}") as file:
                path.write_bytes(file.readall())
            return name, image_size(path)
        except Exception as error:
            errors[name] = format_error(error).replace(str(path), name)

    def _repaint(self, pictures, errors):
        "Paint images of one shape in a batch; if that fails, one by one."
        try:
            photos = [read_tensor(path) for path in pictures.values()]
            if len({photo.shape for photo in photos}) > 1:
                raise ValueError("Some images are rotated or transparent.")
            how = self.how if len(photos) == 1 else {**self.how, "tile": None}
            painted = self.paint(torch.cat(photos), **how, tensor=True)
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
        local = save_picture(x, path.with_suffix(target.suffix), exif=read_exif(path))
        put(store, f"{root}/{target.as_posix()}", local.read_bytes())
