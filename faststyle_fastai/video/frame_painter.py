"Repaints the frames of one video."

from copy import copy
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ..core.devices import finishing_device
from ..core.moments import moments
from ..images.files import to_picture
from ..images.masks import fit_mask, gray, read_mask
from ..images.shapes import short_shape
from ..images.sizes import resize_short
from ..images.tensors import to_tensor
from ..inference.faces import with_faces
from ..inference.finish import filled
from ..inference.layers import painted_at
from ..inference.options import PaintOptions, painting_shape
from ..inference.stylizer import Stylizer
from .reader import VideoFrame
from .temporal import FOLLOW, FlowBlender, FollowedMatches, SmoothedStatistics, SteadyPeople

__all__ = ["FramePainter"]

KEPT, HALF = 0.8, 0.5  # weights of the frame before, with `smooth`, and with `painterly` alone
BLENDED = 1.0  # seconds until little is left of a frame in those that follow


class FramePainter:
    "Repaints the frames of one video, in order."

    def __init__(
        self,
        paint: Stylizer,
        options: PaintOptions,  # its `size` is not used
        size: int | None = None,  # px of the short side of the frames; None: unchanged
        smooth: bool = False,  # brush strokes follow the motion
        painterly: bool = False,  # with places of the painting
    ):
        self.paint, self.options, self.size, self.painterly = copy(paint), options, size, painterly
        self.paint.decodes = False  # each frame would be painted anew
        steady = not painterly and not paint.onnx
        styles = [options.style] if options.black is None else [options.style, options.black]
        self.painters: list[Any] = [
            paint.sight_painter(style, options.strength, follow=FollowedMatches())
            if painterly
            else paint.painter(style, options.strength, private=steady)
            for style in styles
        ]
        self.statistics = [SmoothedStatistics(p.net) for p in self.painters if steady]
        for i, statistics in enumerate(self.statistics):
            self.painters[i] = replace(self.painters[i], measure=statistics.smoothed(moments))
        self.blender = FlowBlender(KEPT if smooth else HALF) if smooth or painterly else None
        self.masks = self.blender is not None and options.black is None  # tiles, once blended
        self.device = finishing_device(paint.device)
        mask = None if options.mask is None else read_mask(options.mask)
        self.mask_of = lru_cache(1)(lambda shape: gray(fit_mask(mask, shape[::-1])).to(self.device))
        finds = options.area != "all" or options.faces == "natural"
        self.people = SteadyPeople() if finds else None
        self.sides: dict = {}  # frame shape -> tile side, fixed because free memory changes
        self.last: tuple[VideoFrame, np.ndarray] | None = None  # a frame and its painted image

    @torch.inference_mode()
    def __call__(self, frame: VideoFrame) -> VideoFrame:
        seconds = 0.0
        if self.last:
            before, painted = self.last
            if frame.picture is before.picture:  # a repeated frame
                return replace(frame, picture=painted)
            seconds = float(frame.time - before.time)
        photo = to_tensor(frame.picture, self.device)
        photo, opacity = photo[:, :3], photo[:, 3:]
        photo = filled(photo, opacity) if opacity.numel() else photo
        side, photo = self.side(frame.picture.shape[:2]), self._reduced(photo)
        mask = None
        if side is None:
            x, mask = self._whole(photo, seconds)
        else:
            options = replace(self.options, size=None, tile=side)
            if self.masks:
                if self.people and self.options.area != "all":
                    self.people.next_frame(photo)
                mask, options = self._area(photo), replace(options, mask=None, area="all")
            x = to_tensor(self.paint(to_picture(photo), **vars(options)))
        if self.blender:
            x = x[0].permute(1, 2, 0).numpy(force=True)
            x = self.blender(np.asarray(to_picture(photo)), x)
            x = torch.from_numpy(x).permute(2, 0, 1)[None]
        if mask is not None:  # after blending, which would soften what is not painted
            x = torch.lerp(photo, x.to(photo), mask)
        if opacity.numel():
            x = torch.cat([x, self._reduced(opacity).to(x.device)], 1)
        painted = np.asarray(to_picture(x))
        self.last = frame, painted
        return replace(frame, picture=painted)

    def memory(self, shape: tuple[int, int]) -> float:
        "Seconds of earlier frames that show in the next one, for frames of this height and width."
        smoothed = self.statistics and self.side(shape) is None
        alone = self.side(shape) and not self.masks  # its tiles find people anew
        followed = self.people and self.options.area != "all" and not alone
        return 3 * FOLLOW if smoothed or followed else BLENDED if self.blender else 0.0

    def _whole(self, full, seconds):
        "A frame painted at once with smoothed statistics, and where it replaces the photo."
        shape = painting_shape(full.shape[-2:], self.options.stroke, None)
        x = full if shape == full.shape[-2:] else resize_short(full, min(shape))
        for statistics in self.statistics:
            statistics.next_frame(x, seconds)
        if self.people:
            self.people.next_frame(full)
        layers, mask = [full], self._area(full)
        for painter in reversed(self.painters):
            painted = painted_at(painter, x, full, self.options.keep_colors)
            if self.people and self.options.faces == "natural":
                shares = self.options.strength * self.people.shares
                painted = with_faces(painted, full, self.people.faces.tolist(), shares.tolist())
            layers.append(painted)
        *_, back, front = layers
        if self.options.black is None:
            return front, mask
        return torch.lerp(back, front, mask), None

    def _area(self, photo):
        "What to paint of a frame, [1, 1, H, W]; None: all."
        mask = None if self.options.mask is None else self.mask_of(photo.shape[-2:])
        if self.people is None or self.options.area == "all":
            return mask
        area = self.people.area(photo)
        area = 1 - area if self.options.area == "background" else area
        return area if mask is None else area * mask

    def side(self, shape: tuple[int, int]) -> int | None:
        "Side in px of the tiles that frames of this height and width are painted in; None: whole."
        if self.painterly:
            return None
        if shape not in self.sides:
            reduced = short_shape(shape, self.size) if self.size else shape
            painting = painting_shape(reduced, self.options.stroke, None)
            tile = self.options.tile
            self.sides[shape] = self.paint.tile_side(reduced[::-1], painting, tile)
        return self.sides[shape]

    def _reduced(self, x):
        return resize_short(x, self.size) if self.size else x
