"Folders of photos as fastai DataLoaders; each photo is its own target."

import math
import os
import random
import sys
import warnings
from collections.abc import Sequence
from copy import copy
from itertools import cycle, islice
from multiprocessing.context import get_spawning_popen
from pathlib import Path
from typing import Any

import fastai.vision.learner  # noqa: F401  what it registers must come before ours, see below
import torch
from fastai.data.core import DataLoaders, Datasets
from fastai.data.transforms import IntToFloatTensor, Normalize, ToTensor
from fastai.torch_core import defaults
from fastai.vision.augment import Brightness, Contrast, FlipItem, RandTransform
from fastai.vision.core import PILImage, TensorImage
from fastai.vision.data import get_grid
from fastcore.basics import listify, num_cpus
from fastcore.foundation import L
from fasttransform import ItemTransform, Transform
from PIL import Image
from plum import dispatch

from ..core.devices import use_device
from ..core.errors import FaststyleError
from ..core.values import check_numbers, check_range, count
from ..images.discovery import check_pictures, picture_files
from ..images.files import read_picture
from ..images.shapes import LONGEST
from ..models.normalization import grained

__all__ = ["PhotoCrop", "StyleDataLoaders", "StyledImage"]

TRIES = 100  # photos in a row that may be missing
SMALLEST = 32  # px per side; VGG's five poolings reduce them to 1


class StyledImage(TensorImage):
    "The photo as the target; `show_results` shows the repainted image beside it."


class PhotoIsTarget(ItemTransform):
    "Turn a batch (photos,) into (photos, photos): one tensor with two types, decoded once."

    order = 99

    def encodes(self, batch):
        photos = grained(batch[0])
        return photos, photos.as_subclass(StyledImage)


class PhotoCrop(RandTransform):
    "Crop a random square in training, the center square in validation, and resize it to `size` px."

    split_idx, order = None, 1

    def __init__(
        self,
        size: int,  # px of the crop
        min_scale: float = 0.5,  # smallest crop, as a share of the largest square's area
        **kwargs,  # of fastai's RandTransform
    ):
        super().__init__(**kwargs)
        self.size, self.min_scale = size, min_scale

    def before_call(self, b, split_idx):
        width, height = b[0].size
        side = min(width, height)
        if not split_idx:
            side = max(1, round(side * math.sqrt(random.uniform(self.min_scale, 1))))
        at = (lambda room: room // 2) if split_idx else (lambda room: random.randint(0, room))
        left, top = at(width - side), at(height - side)
        self.box = left, top, left + side, top + side

    def encodes(self, photo: Image.Image):
        return photo.resize((self.size, self.size), Image.Resampling.BICUBIC, box=self.box)


class OpenPhoto(Transform):
    """Open a path, image or array as fastai's PILImage; JPEGs are decoded no larger than needed.

    If one of `photos` has been deleted or damaged, others replace it, so that all batches are full.
    """

    def __init__(self, shortest=None, photos=()):
        super().__init__()
        self.shortest, self.photos, self.gone = shortest, list(photos), set()

    def encodes(self, source):
        for tries in range(TRIES):
            if self.gone and source in self.gone:
                source = random.choice(self.photos)
            try:
                return PILImage(read_picture(source, self.shortest))
            except (FaststyleError, OSError, ValueError) as error:
                if source not in self.photos or len(self.photos) < 2 or tries == TRIES - 1:
                    raise
                if not self.gone:  # say it once in each process
                    warnings.warn(f"{error} The training continues without it.", stacklevel=2)
                self.photos.remove(source)
                self.gone.add(source)

    def __getstate__(self):  # a process that loads photos needs their paths, an export doesn't
        photos = self.photos if get_spawning_popen() else []
        return {**self.__dict__, "photos": photos, "gone": set()}


NOT_NORMALIZED = "Photos must be in [0, 1]. Leave out Normalize: the network does it itself."


class WithoutTensors:
    "A transform that is copied to workers without the last batch's values, which are on a GPU."

    fs: L  # of the transform, what draws and changes

    def __getstate__(self):
        fs = L(copy(f) for f in self.fs)
        for f in fs:
            f.__dict__.pop("change", None)
        return {**self.__dict__, "fs": fs}


class PhotoBrightness(WithoutTensors, Brightness):
    "fastai's Brightness, for loaders with workers."


class PhotoContrast(WithoutTensors, Contrast):
    "fastai's Contrast, for loaders with workers."


class StyleDataLoaders(DataLoaders):
    """fastai's DataLoaders of photos: a batch is (photos, photos), the input and the target.

    Each is [bs, 3, size, size] in [0, 1]. `from_folder` makes them.
    """

    @classmethod
    def from_folder(
        cls,
        path: str | Path | Sequence[Path],  # folder of photos, searched recursively, or their files
        size: int = 256,  # px per side of the square crops
        bs: int = 16,  # photos per step
        images: int | None = None,  # photos per epoch: a subset, or drawn repeatedly; None: all
        valid_pct: float = 0.02,  # share held out; with 0 or one photo, validate on center crops
        max_valid: int = 64,  # maximum number of held-out photos
        min_scale: float = 0.5,  # smallest training crop, as a share of the largest square's area
        max_lighting: float = 0.4,  # maximum change in brightness and contrast of training photos
        item_tfms=None,  # more transforms of each photo, after the crop
        batch_tfms=None,  # more transforms of each batch, before photos become targets
        seed: int = 42,  # for the split and the choice of `images`
        num_workers: int | None = None,  # processes to load photos; None: 0, on CUDA ≤ 16
        device: torch.device | str | None = None,
    ) -> "StyleDataLoaders":
        """DataLoaders over the readable images below `path`; a warning names the others.

        Raises `FileNotFoundError` if the folder or images in it are missing, and `ValueError` if
        there are fewer photos than a batch needs.
        """
        check_numbers(size=size, bs=bs, images=images, valid_pct=valid_pct)
        if not isinstance(size, int):
            raise ValueError(f"size={size}: crops are square. Give one number of pixels.")
        check_range("size", size, SMALLEST, LONGEST)
        check_range("bs", bs, 1)
        if any(isinstance(transform, Normalize) for transform in listify(batch_tfms)):
            raise ValueError(NOT_NORMALIZED)
        most = None if images is None else images + max_valid
        good, n = _readable(path, most, seed)  # of about how many
        n_valid = min(max(1, round(n * valid_pct)), max_valid, len(good) - 1)
        photos, train, valid = _split(good, images, valid_pct and n_valid, max_valid)
        if len(train) < bs:
            raise ValueError(
                f"{where_of(path)} leaves {count(len(train), 'photo')} to train on but bs={bs}: "
                f"add photos, lower bs=, or set images= to draw the same photos repeatedly."
            )
        device = use_device("cpu" if device is None and defaults.use_cuda is False else device)
        if num_workers is None:
            num_workers = default_workers(device)
        check_range("min_scale", min_scale, 0.01, 1)
        shortest = math.ceil(size / math.sqrt(min_scale))
        changes = (PhotoBrightness, PhotoContrast) if max_lighting else ()
        opened = OpenPhoto(shortest, dict.fromkeys(photos))
        dls = Datasets(photos, [[opened]], splits=(train, valid)).dataloaders(
            bs=bs,
            after_item=[PhotoCrop(size, min_scale), FlipItem(0.5), *listify(item_tfms), ToTensor()],
            after_batch=[
                IntToFloatTensor(),
                *(c(max_lighting) for c in changes),
                *listify(batch_tfms),
                PhotoIsTarget(),
            ],
            num_workers=num_workers,
            device=device,
            path=".",
        )
        loaders = cls(*dls.loaders, path=".", device=device)
        loaders.size, loaders.photos = size, {*photos}
        return loaders

    def test_dl(
        self,
        test_items,  # files, or images
        rm_type_tfms=None,  # fastai's
        **kwargs,  # of fastai's test_dl
    ):
        "Load whole images, one at a time and without a target, for inference."
        whole = [OpenPhoto(), ToTensor()]
        alone = {"bs": 1, "after_item": whole, "after_batch": [IntToFloatTensor()]}
        return super().test_dl(test_items, rm_type_tfms=1, **alone | kwargs)


def checked_loaders(dls: DataLoaders) -> DataLoaders:
    "Any DataLoaders of photos and photos, with the `size` of their crops."
    if not isinstance(dls, StyleDataLoaders):
        if not hasattr(dls.train, "one_batch"):
            raise ValueError("Give fastai's DataLoader(dataset, bs=…) instead of torch's.")
        if dls.device is None:
            dls.to(use_device(None))
        photo, *target = dls.one_batch()
        if len(target) != 1 or getattr(target[0], "shape", None) != photo.shape:
            raise ValueError(
                "A batch must be photos and the same photos as targets. Use StyleDataLoaders, or "
                "DataBlock(blocks=(ImageBlock, ImageBlock), …)."
            )
        if not 0 <= photo.min() <= photo.max() <= 1:
            raise ValueError(NOT_NORMALIZED)
        if not hasattr(dls, "size"):
            dls.size = min(photo.shape[-2:])
    return dls


# Of methods that match, plum takes the one registered last if others have arguments of any type.
@dispatch
def show_batch(x: TensorImage, y: StyledImage, samples, ctxs=None, max_n=9, **kwargs):
    "Show the photos; the target is the same image and is not shown."
    photos = samples.itemgot(0)
    ctxs = ctxs or get_grid(min(len(samples), max_n), **kwargs)
    return [photo.show(ctx=ctx) for photo, ctx, _ in zip(photos, ctxs, range(max_n))]


# The second signature is that of a test loader, which has no targets.
@dispatch.multi((TensorImage, StyledImage, Any, Any), (TensorImage, None, Any, Any))
def show_results(x, y, samples, outs, ctxs=None, max_n=9, **kwargs):
    "Show the photo and the repainted image, one pair per row."
    titles = {"title": "Photo | Repainted", "double": True, **kwargs}
    ctxs = ctxs or get_grid(min(len(samples), max_n), **titles)
    for i, pictures in enumerate((samples, outs)):
        column = zip(pictures.itemgot(0), ctxs[i::2], range(max_n))
        ctxs[i::2] = [picture.show(ctx=ctx) for picture, ctx, _ in column]
    return ctxs


def default_workers(device: torch.device) -> int:
    """Processes to load photos for a GPU: one per core that this process may use, at most 16.

    It is 0 on a CPU, which trains more slowly than it loads, and on Windows, where CUDA's memory
    cannot be passed to another process (PyTorch's "error 801").
    """
    if device.type != "cuda" or sys.platform == "win32":
        return 0
    return max(1, min(num_cpus() // int(os.environ.get("LOCAL_WORLD_SIZE", 1)), 16))


def _readable(path, most: int | None, seed: int) -> tuple[list[Path], float]:
    "Up to `most` readable photos in random order, and an estimate of how many there are."
    files = picture_files(path) if isinstance(path, (str, Path)) else list(map(Path, path))
    random.Random(seed).shuffle(files)
    good, bad = check_pictures(files, most)
    if bad:
        names = ", ".join(sorted(p.name for p in bad)[:5]) + (", …" if len(bad) > 5 else "")
        warnings.warn(
            f"{len(bad)} of {len(good) + len(bad)} files in {where_of(path)} are not readable "
            f"images and are skipped: {names}.",
            stacklevel=3,
        )
    if not good:
        where = where_of(path)
        raise FileNotFoundError(f"No readable photos in {where}: give a folder of JPEGs or PNGs.")
    return good, len(files) * len(good) / (len(good) + len(bad))


def where_of(path):
    return path if isinstance(path, (str, Path)) else "the list"


def _split(photos, images, n_valid, max_valid):
    "The photos, and the indices of those for training and for validation."
    if n_valid == 0 or len(photos) == 1:
        held_out, pool = photos[:max_valid], photos
    else:
        held_out, pool = photos[:n_valid], photos[n_valid:]
    drawn = list(islice(cycle(pool), len(pool) if images is None else images))
    return drawn + held_out, range(len(drawn)), range(len(drawn), len(drawn) + len(held_out))
