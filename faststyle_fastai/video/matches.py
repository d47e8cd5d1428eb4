"Films painted with places of a painting: strokes stay on what they paint."

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..core.extras import extra
from ..images.files import to_picture
from ..inference.sight_painter import PLACE, UNIT
from ..perceptual.coherence import NOWHERE
from .temporal import comparable

__all__ = ["FollowedMatches"]

HIDDEN = 0.06  # difference of two frames in [0, 1] above which what was seen is gone
FEWEST = 0.2  # share of a frame that is seen again, for the grid of places to move with it


class FollowedMatches:
    "The places of a painting that a film's last frame took, moved as the film moves."

    def __init__(self):
        self.cv2 = extra("cv2", "video")
        self.flow = self.cv2.DISOpticalFlow_create(self.cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self.moved = np.zeros(2)  # px, how far the scene was to the right and below: x, y
        self.room, self.frame, self.motion = np.zeros(2, int), None, None
        self.found: Any = None  # [h, w], what the last frame took
        self.rest: Any = None  # [h, w, 2], how far what it shows is beside its places, in places

    def next_frame(
        self,
        photo: Tensor,  # [1, 3, H, W] in [0, 1]
    ) -> tuple[int, int]:
        "Room in px on a frame's left and at its top, so that its grid moves with the scene."
        cv2, picture, last = self.cv2, np.asarray(to_picture(photo)), self.frame
        gray, self.motion = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), None
        picture = picture / np.float32(255)
        self.before, self.frame = self.room, (gray, picture)
        if last is None or not comparable(last[0], gray):
            self.moved, self.room = np.zeros(2), np.zeros(2, int)
            return 0, 0
        flow = self.flow.calc(gray, last[0], None)
        rows, columns = np.indices(gray.shape, np.float32)
        source = columns + flow[..., 0], rows + flow[..., 1]
        moved = cv2.remap(last[1], *source, cv2.INTER_LINEAR, borderValue=(-1, -1, -1))
        error = np.abs(moved - picture).mean(-1)
        again = error < HIDDEN
        if again.mean() > FEWEST:
            self.moved += np.median(flow[again], 0)
        self.room = np.rint(self.moved).astype(int) % UNIT
        self.motion = flow, error
        return int(self.room[0]), int(self.room[1])

    def held(
        self,
        shape: tuple[int, int],  # of the grid of places
        device: torch.device,
    ) -> Tensor | None:  # [1, h, w], indices or `NOWHERE`
        "What the places of this frame took in the last one."
        self.rest, rest = np.zeros((*shape, 2)), self.rest
        self.taken = np.full(shape, NOWHERE)
        if self.motion is None:
            return None
        flow, error = (self._of_places(part, shape) for part in self.motion)
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
