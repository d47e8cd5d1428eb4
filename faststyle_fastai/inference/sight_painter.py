"Painting at sight: each place of a photo takes a place of the painting, and a network decodes it."

import math
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import torch
from fastcore.basics import listify
from torch import Tensor
from torch.nn import functional as F

from ..core.devices import computing
from ..core.errors import FaststyleError
from ..images.files import read_picture, warn_if_small
from ..images.remote import Work, digest
from ..images.sizes import short_tensor
from ..models.decoder import (
    PLACE,
    REACH,
    SEEN,
    cells,
    features_of_places,
    keys,
    light,
    load_decoder,
)  # fmt: skip
from ..perceptual.backbones import perceptual_backbone
from ..perceptual.coherence import NOWHERE, coherent

__all__ = ["SightPainter", "look_at", "with_painting", "works_of"]

SIDE, AREA, LEAST = 512, 2**19, 64  # px of a painting's short side, at most, its area, and least
UNIT = 16  # px; the features of an image with other sides would not fit together
TILE = 1024  # px of what is seen and decoded at once
EDGE = 24  # px of its own reflection around an image: zeros would be seen as an edge
SMALL = 128  # px of a painting's short side; smaller ones show no brush strokes
KEPT = 8  # paintings
ROOM = KEPT * AREA  # px of all works of a canvas; more of them are seen smaller


@dataclass(frozen=True)
class SightPainter:
    "Repaints tensors, [B, 3, H, W] in [0, 1], like a `Painter`, in bounded memory."

    works: list[list[Any]]  # of each style: files or addresses
    shares: list[float]  # of the styles
    strength: float  # the rest is the photo
    arch: str  # full or slim
    device: torch.device
    dtype: torch.dtype | None  # see devices.autocast_dtype
    watch: Callable[[float], None] | None = None  # gets the finished share
    follow: Any = None  # a film's FollowedMatches
    likeness: float = 1.0  # from 0, the painting's light in its places, to 1, the photo's

    @torch.inference_mode()
    def __call__(self, x: Tensor) -> Tensor:  # [B, 3, H, W] in [0, 1]
        painted = torch.cat([self.painted(one.to(self.device)) for one in x.split(1)])
        return torch.lerp(x.to(painted), painted, self.strength)

    def painted(self, x: Tensor) -> Tensor:
        "Match the places of one photo, then decode them."
        height, width = x.shape[-2:]
        left, top = self.follow.next_frame(x) if self.follow else (0, 0)
        room = left, -(left + width) % UNIT, top, -(top + height) % UNIT
        x = F.pad(x, room, mode="replicate")
        other, palette, styles = self.canvas
        tiles = [(y, x_) for y in range(0, x.shape[2], TILE) for x_ in range(0, x.shape[3], TILE)]
        own = keys(self.seen(x, tiles)).to(other)
        held = self.follow.held(own.shape[2:], self.device) if self.follow else None
        found = coherent(own, other, styles, self.shares, held)[0]
        if self.follow:
            self.follow.keep(found)
        net, bright, out = decoder(self.arch, self.device), light(x), torch.empty_like(x)
        for i, (y0, x0) in enumerate(tiles):
            if self.watch:
                self.watch((i + 1) / (len(tiles) + 1))
            rows, across = (reached(*each) for each in zip((y0, x0), x.shape[2:]))
            with computing(self.device, self.dtype):
                given = taken(palette, found[cut(rows, PLACE)][:, cut(across, PLACE)])
                y = net(given, bright[..., cut(rows, 4), cut(across, 4)], self.likeness).float()
            y = y[..., y0 - rows.start :, x0 - across.start :][..., :TILE, :TILE]
            out[..., y0 : y0 + TILE, x0 : x0 + TILE] = y
        if self.watch:
            self.watch(1)
        return out[..., top : top + height, left : left + width].clamp(0, 1)

    @cached_property
    def canvas(self) -> tuple:
        "As of `of_works`; the files are read once for all frames of a film."
        return of_works(self.works, self.device, self.dtype)

    def seen(self, x, tiles):
        "The features of places, tile by tile."
        padded, grid = around(x), [n // PLACE for n in x.shape[2:]]
        found = None
        for tile in tiles:
            spans = [reached(start + EDGE, n) for start, n in zip(tile, padded.shape[2:])]
            with computing(self.device, self.dtype):
                parts = features_of_places(backbone(self.device)(padded[..., spans[0], spans[1]]))
            if found is None:
                found = [each.new_empty(1, each.shape[1], *grid) for each in parts]
            top, left = (start // PLACE for start in tile)
            down, across = ((s + EDGE - span.start) // PLACE for s, span in zip(tile, spans))
            for whole, each in zip(found, parts):
                room = whole[..., top : top + TILE // PLACE, left : left + TILE // PLACE]
                h, w = room.shape[2:]
                room.copy_(each[..., down : down + h, across : across + w])
        return found


def reached(start, length):
    "The part of an image that a tile depends on."
    return slice(max(0, start - REACH), min(length, start + TILE + REACH))


def cut(part, unit):
    return slice(part.start // unit, part.stop // unit)


def taken(blocks, found):
    "The cells and light of a painting, [1, C, 2h, 2w], in the places found, [h, w]."
    given = blocks.index_select(1, found.flatten()).unflatten(1, found.shape)
    return F.pixel_shuffle(given[None], 2).contiguous(memory_format=torch.channels_last)


def around(x):
    "An image with its own surroundings."
    mode = "reflect" if min(x.shape[2:]) > EDGE else "replicate"
    return F.pad(x, (EDGE,) * 4, mode=mode)


def described(features, painting):
    "Keys, [1, C, H, W], and cells and light as blocks, [4 * C, H * W], of what has surroundings."
    seen = torch.cat([inside(cells(features), 4), light(painting)], 1)
    blocks = F.pixel_unshuffle(seen, 2)[0].flatten(1)
    return keys([inside(part, PLACE) for part in features_of_places(features)]), blocks


def inside(x, unit):
    n = EDGE // unit
    return x[..., n:-n, n:-n]


def of_works(works, device, dtype):
    "The canvas of the works of each style."
    seen = tuple((kind, Work.of(work)) for kind, style in enumerate(works) for work in style)
    if len(seen) == 1:
        return *of_painting(seen[0][1], device, dtype), None
    return _of_works(seen, device, dtype)


@lru_cache(maxsize=1)
def _of_works(works, device, dtype):
    area = min(AREA, ROOM // len(works))
    seen = [(kind, *of_painting(work, device, dtype, area)) for kind, work in works]
    width = max(other.shape[3] for _, other, _ in seen)
    others, blocks, styles = [], [], []
    for kind, other, block in seen:
        h, w = other.shape[2:]
        room = 0, width - w, 0, 1  # and a row of nowhere, so that no strokes lead on
        others.append(F.pad(other, room))
        blocks.append(F.pad(block.unflatten(1, (h, w)), room).flatten(1))
        styles.append(F.pad(torch.full((h, w), kind, device=device), room, value=NOWHERE))
    return torch.cat(others, 2), torch.cat(blocks, 1), torch.cat(styles)


@lru_cache(maxsize=KEPT)
@torch.inference_mode()
def of_painting(work, device, dtype, area=AREA):
    "Keys of a painting, [1, C, H, W], and its cells and light as blocks, [4 * C, H * W]."
    image = read_picture(work.source)
    shorter, longer = sorted(image.size)
    short = min(SIDE, shorter, int(math.sqrt(area * shorter / longer)))
    painting = short_tensor(image, max(LEAST, short), device)
    height, width = (n // UNIT * UNIT for n in painting.shape[2:])
    painting = painting[..., :height, :width]
    with computing(device, dtype):
        features = backbone(device)(around(painting))
    return tuple(part.to(dtype or torch.float32) for part in described(features, painting))


def works_of(
    paint: Any,  # a Stylizer
    style: Any,  # as for `Stylizer.__call__`
) -> tuple[list[list[Any]], list[float]]:
    "The works of each style of a mix, and the styles' shares."
    shares = paint.shares(style)
    if not shares:
        raise FaststyleError("An autoencoder has no style, and so no painting.")
    if missing := [name for name in shares if name not in paint.paintings]:
        raise FaststyleError(f"{missing[0]} needs its painting here (painting=).")
    mixed = [(listify(paint.paintings[name]), share) for name, share in shares.items()]
    mixed.sort(key=lambda each: digest(each[0]))  # the same in any order
    works, parts = map(list, zip(*mixed))
    return works, parts


def with_painting(
    paint: Any,  # a Stylizer
    painting: Any,
    style: Any = None,  # as for `Stylizer.__call__`
) -> Any:
    "A copy that knows the painting of a style; of a mix, of the named one and unknown ones."
    shares, other = paint.shares(style), copy(paint)
    unknown = [name for name in shares if name not in paint.paintings]
    named = paint.named if paint.named in shares else next(iter(shares), None)
    other.paintings = paint.paintings | dict.fromkeys([named, *unknown], painting)
    return other


def look_at(
    paintings: Iterable[Any],  # each a file or an address, or several works
    device: torch.device,
    dtype: torch.dtype | None,
) -> None:
    "Read paintings, so that a wrong one fails here, and remember the last of them."
    for style in map(listify, paintings):
        of_works([style], device, dtype)
        for work in style:
            warn_if_small(work, SMALL)


@lru_cache
def backbone(device):
    return perceptual_backbone("lite", layers=list(SEEN), pooling="l2").to(device)


@lru_cache
def decoder(arch, device):
    return load_decoder(arch).to(device)
