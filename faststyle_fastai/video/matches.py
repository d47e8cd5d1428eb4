"Films painted with places of a painting: strokes stay on what they paint."

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..images.files import to_picture
from ..inference.sight_painter import PLACE, UNIT
from ..perceptual.coherence import NOWHERE
from .temporal import Motion

__all__ = ["FollowedMatches"]

HIDDEN = 0.06  # difference of two frames in [0, 1] above which what was seen is gone
FEWEST = 0.2  # share of a frame that is seen again, for the grid of places to move with it


class FollowedMatches:
    "The places of a painting that a film's last frame took, moved as the film moves."

    def __init__(self):
        self.motion, self.seen = Motion(), None  # and what it said of this frame
        self.moved = np.zeros(2)  # px, how far the scene was to the right and below: x, y
        self.room = np.zeros(2, int)
        self.found: Any = None  # [h, w], what the last frame took
        self.rest: Any = None  # [h, w, 2], how far what it shows is beside its places, in places

    def next_frame(
        self,
        photo: Tensor,  # [1, 3, H, W] in [0, 1]
    ) -> tuple[int, int]:
        "Room in px on a frame's left and at its top, so that its grid moves with the scene."
        self.before, self.seen = self.room, self.motion(np.asarray(to_picture(photo)))
        if self.seen is None:
            self.moved = np.zeros(2)
        else:
            flow, _, error = self.seen
            again = error < HIDDEN
            if again.mean() > FEWEST:
                self.moved += np.median(flow[again], 0)
        self.room = np.rint(self.moved).astype(int) % UNIT
        return int(self.room[0]), int(self.room[1])

    def held(
        self,
        shape: tuple[int, int],  # of the grid of places
        device: torch.device,
    ) -> Tensor | None:  # [1, h, w], indices or `NOWHERE`
        "What the places of this frame took in the last one."
        self.rest, rest = np.zeros((*shape, 2)), self.rest
        self.taken = np.full(shape, NOWHERE)
        if self.seen is None:
            return None
        flow, _, error = self.seen
        flow, error = (self._of_places(part, shape) for part in (flow, error))
        y, x = np.indices(shape)
        at = np.stack([x, y], -1) + (flow + self.before - self.room) / PLACE
        x, y = self._inside(at)
        at += rest[y, x]
        x, y = self._inside(at)
        near = np.rint(at)
        known = (near == np.stack([x, y], -1)).all(-1) & (error < HIDDEN)
        self.rest[known] = (at - near)[known]
        self.taken = np.where(known, self.found[y, x], NOWHERE)
        return torch.from_numpy(self.taken)[None].to(device)

    def keep(
        self,
        found: Tensor,  # [h, w]
    ) -> None:
        "Remember what this frame took."
        self.found = found.numpy(force=True)
        self.rest[self.found != self.taken] = 0

    def _of_places(self, part, shape):
        "Means of what pixels have, for each place."
        (height, width), (left, top) = part.shape[:2], self.room
        down, right = shape[0] * PLACE - height - top, shape[1] * PLACE - width - left
        part = np.pad(part.reshape(height, width, -1), ((top, down), (left, right), (0, 0)), "edge")
        means = part.reshape(shape[0], PLACE, shape[1], PLACE, -1).mean((1, 3))
        return means if means.shape[2] > 1 else means[..., 0]

    def _inside(self, at):
        "Where positions are in the last frame's grid."
        height, width = self.found.shape
        near = np.rint(at).astype(int)
        return near[..., 0].clip(0, width - 1), near[..., 1].clip(0, height - 1)
