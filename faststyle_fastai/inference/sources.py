"What a Stylizer is made of: a style file, another program's network, a Learner, or paintings."

import os
import pathlib
import sys
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fastcore.basics import listify
from fastcore.foundation import L

from ..core.assets import ASSETS, builtin_path
from ..core.errors import FaststyleError
from ..core.values import known
from ..images.formats import is_painting
from ..images.remote import is_image, is_link
from ..models.metadata import check_names
from ..models.predictor import HIDDEN
from ..models.stylefile import builtin_weights, card_of, load_style, plain_net
from .builtin import find_style, style_thumbnail
from .first_sight import first_sight, paintings_by_name
from .links import network_in, read_link

__all__ = ["source_of"]


@dataclass
class Source:
    "A network that is not loaded yet."

    load: Callable[[], tuple]  # gives the network, its metadata and its base weights
    named: str | None = None  # the style given with the file
    paintings: dict = field(default_factory=dict)  # style name -> its painting or works, if known
    at_sight: bool = False
    arch: str | None = None  # of paintings


def source_of(
    source: Any,  # as Stylizer takes it
    trust_pickle: bool = True,  # False: refuse a .pkl, which can run code when loaded
    arch: str | None = None,  # network for paintings: full (the default) or slim
) -> Source:
    "Raises what a Stylizer does."
    if isinstance(source, (list, tuple, L, dict)) or is_image(source) or is_painting(source):
        paintings = source if isinstance(source, dict) else paintings_by_name(listify(source))
        if not paintings or not all(len(listify(works)) for works in paintings.values()):
            raise ValueError("There is no painting: the list is empty.")
        check_names([*paintings])
        arch = known("arch", arch or "full", HIDDEN)
        load = partial(first_sight, paintings, arch)
        return Source(load, next(iter(paintings)), paintings, at_sight=True, arch=arch)
    if arch is not None:
        raise FaststyleError(f"{source} has its own network. arch= chooses one for a painting.")
    if hasattr(source, "model"):
        return Source(partial(_from_learner, source))
    if is_link(source):
        if len(held := read_link(source)) == 1:  # a built-in style
            return source_of(f"{builtin_path('gallery', 'full')}:{next(iter(held))}")
        linked = network_in(source)
        return Source(lambda: linked, *linked[1]["styles"])
    path, named = find_style(source)
    if (kind := path.suffix.lower()) == PICKLE and not trust_pickle:
        raise FaststyleError(
            f"{path} is a pickle, which can run code when loaded. Use its .safetensors "
            "file, or trust_pickle=True if you trust it."
        )
    found = LOADERS.get(kind, load_style)(path)
    ships = path.parent == ASSETS
    paintings = {name: style_thumbnail(name) for name in found[1]["styles"]} if ships else {}
    return Source(lambda: found, named, paintings)


def _from_onnx(path):
    from .onnx import OnnxNet

    net = OnnxNet(path)
    return net, net.info, None


def _from_pickle(path):
    from unittest.mock import patch

    from fastai.learner import load_learner

    theirs = pathlib.PosixPath if os.name == "nt" else pathlib.WindowsPath  # of another system
    with warnings.catch_warnings(), ExitStack() as patches:
        for place in {pathlib, sys.modules[theirs.__module__]}:  # pathlib._local in Python 3.13
            patches.enter_context(patch.object(place, theirs.__name__, type(pathlib.Path())))
        warnings.simplefilter("ignore")  # fastai warns that pickles run code; this one is trusted
        try:
            return _from_learner(load_learner(path))
        except Exception as error:  # nearly any, in unpickling
            why = f"{type(error).__name__}: {error}"
            raise ValueError(f"{path} cannot be loaded as a style's learner ({why}).") from error


def _from_learner(learn):
    info, base = card_of(learn)
    net = deepcopy(plain_net(learn.model))  # what is trained on does not change it
    return net, info, base or builtin_weights(info)


PICKLE = ".pkl"  # no other file is ever unpickled
LOADERS = {PICKLE: _from_pickle, ".onnx": _from_onnx}  # loaders of other formats, by extension
