"Temporal consistency of painted videos: smoothed statistics, masks, brush strokes and places."

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..core.devices import finishing_device
from ..core.extras import extra
from ..images.files import to_picture
from ..images.sizes import resize_short, resized
from ..inference.people import edges, find_faces, find_people, likelihood, overlap
from ..inference.sight_painter import PLACE, UNIT
from ..models.normalization import mean_and_variance
from ..perceptual.coherence import NOWHERE

__all__ = ["FlowBlender", "FollowedMatches", "Scenes", "SmoothedStatistics", "SteadyPeople"]

FOLLOW = 4.0  # seconds, time constant of the smoothing
FAR = 1  # standard deviations that a channel's mean may be from the smoothed one
CUT = 0.12  # mean difference of two frames, in [0, 1], above which a new scene begins
LOOK, ZOOMS = 256, (1, 2)  # px of the short side at which people are sought, and their windows
STEADY, MOVED = 0.8, 0.3  # share of a small change that is dropped; a change that is motion
SAME_FACE, FASTER, FADE = 0.3, 0.5, 0.2  # least IoU; share of a move that is followed; each frame
SMALLEST = 12  # px of the longer side, for optical flow
SAME = 0.04  # difference in [0, 1] at which objects still count as the same
HIDDEN = 0.06  # difference of two frames in [0, 1] above which what was seen is gone
FEWEST = 0.2  # share of a frame that is seen again, for the grid of places to move with it


class Scenes:
    "Tells whether a new scene begins with a frame."

    def __init__(self):
        self.last: Tensor | None = None  # the previous frame, 16 x 16

    def __call__(
        self,
        x: Tensor,  # [1, 3, H, W] in [0, 1]
    ) -> bool:
        small = torch.nn.functional.adaptive_avg_pool2d(x.to(finishing_device(x.device)), 16).cpu()
        last, self.last = self.last, small
        return last is not None and bool((small - last).abs().mean() > CUT)


class SmoothedStatistics:
    """Smooths the normalization statistics of a network over the frames of a video.

    Otherwise, an object that enters on the left would change the colors on the right.
    """

    def __init__(self, net: Any):  # a TransformerNet
        self.keep, self.is_cut = 0.0, Scenes()
        for stage in net.stages():
            stage.norm.statistics = self.smoothed(mean_and_variance, near)

    def next_frame(
        self,
        x: Tensor,  # [1, 3, H, W] in [0, 1]
        seconds: float,  # since the previous frame
    ) -> None:
        "Set the smoothing for the next frame of the network."
        self.keep = 0.0 if self.is_cut(x) else math.exp(-seconds / FOLLOW)

    def smoothed(
        self,
        measure: Callable[[Tensor], Tensor],  # of a frame's features or colors
        limited: Callable[[Tensor, Tensor], Tensor] | None = None,  # by what is smoothed and now
    ) -> Callable[[Tensor], Tensor]:
        "The statistics of one normalization, or of the painted frames."
        last = None

        def smoothed(y):
            nonlocal last
            now = measure(y).float()
            last = now if last is None else torch.lerp(now, last, self.keep)
            return limited(last, now) if limited else last

        return smoothed


def near(
    smoothed: Tensor,  # [2, C], mean and variance of each channel
    now: Tensor,  # of this frame
) -> Tensor:
    "Smoothed statistics whose variance is large enough for this frame's mean."
    # A plain frame has no variance. If it is brighter than the one before, each normalization would
    # enlarge the difference some hundredfold, to infinity in the end.
    mean, variance = smoothed
    return torch.stack([mean, variance.clamp(min=((now[0] - mean) / FAR).square())])


class SteadyPeople:
    "The people in the frames of a video. They are found anew in each scene."

    def __init__(self):
        self.is_cut, self.known = Scenes(), False  # whether a face was seen in this scene
        self.faces: Any = None  # [n, 4], as from `find_faces`
        self.shares: Any = None  # [n], how visible each face is
        self.last: Tensor | None = None  # where people were likely in the previous frame

    def next_frame(
        self,
        photo: Tensor,  # [1, 3, H, W] in [0, 1]
    ) -> None:
        "Find the faces of a frame. They move smoothly, and fade in and out."
        self.small = resize_short(photo, min(LOOK, *photo.shape[-2:])).cpu()
        begins, found = self.is_cut(self.small), find_faces(self.small, ZOOMS)
        self.known = len(found) > 0 or (self.known and not begins)
        if begins or self.faces is None:
            self.faces, self.shares, self.last = found, torch.ones(len(found)), None
            return
        alike = overlap(self.faces, found) > SAME_FACE
        again, new = alike.any(1), found[~alike.any(0)]
        moved = [
            torch.lerp(face, found[row][0], FASTER) if row.any() else face
            for face, row in zip(self.faces, alike)
        ]
        shares = (self.shares + torch.where(again, FADE, -FADE)).clamp(max=1)
        faces = torch.stack([*moved, *new]) if moved or len(new) else self.faces
        shares = torch.cat([shares, torch.full((len(new),), FADE)])
        self.faces, self.shares = faces[shares > 0], shares[shares > 0]

    def area(
        self,
        photo: Tensor,  # [1, 3, H, W] in [0, 1], the frame
    ) -> Tensor:  # [1, 1, H, W], 1 where people are
        "The people of the frame, if a face was seen in its scene."
        if not self.known:
            return torch.zeros_like(photo[:, :1])
        found = find_people(self.small)
        if self.last is not None:  # small changes are noise, large ones motion
            change = found - self.last
            found = found - STEADY * torch.exp(-((change / MOVED) ** 2)) * change
        self.last = found
        sources = (x.to(photo.device) for x in edges(found, self.small))
        slope, offset = (resized(x, photo.shape[-2:]) for x in sources)
        return likelihood(slope, offset, photo)


class Motion:
    "How the frames of a video move, by optical flow."

    def __init__(self):
        self.cv2 = extra("cv2", "video")
        self.flow = self.cv2.DISOpticalFlow_create(self.cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self.last: Any = None

    def __call__(
        self,
        photo: np.ndarray,  # [H, W, 3] uint8
    ) -> tuple | None:
        """How far away each pixel was in the frame before, [H, W, 2], where, as `cv2.remap` takes
        it, and how different it was, [H, W] in [0, 1].

        None for a first frame, one of another size, and one too small.
        """
        cv2, gray = self.cv2, self.cv2.cvtColor(photo, self.cv2.COLOR_RGB2GRAY)
        photo = photo / np.float32(255)
        last, self.last = self.last, (gray, photo)
        if last is None or last[0].shape != gray.shape or max(gray.shape) < SMALLEST:
            return None
        flow = self.flow.calc(gray, last[0], None)
        rows, columns = np.indices(gray.shape, np.float32)
        where = columns + flow[..., 0], rows + flow[..., 1]
        moved = cv2.remap(last[1], *where, cv2.INTER_LINEAR, borderValue=(-1, -1, -1))
        return flow, where, np.abs(moved - photo).mean(-1)


class FlowBlender:
    "Blends each frame with the previous one, moved as the video moves."

    def __init__(
        self,
        kept: float,  # weight of the previous frame where it shows the same object
    ):
        self.kept, self.motion, self.last = kept, Motion(), np.empty(0)

    def __call__(
        self,
        photo: np.ndarray,  # [H, W, 3] uint8
        painted: np.ndarray,  # [H, W, 3] float32 in [0, 1]
    ) -> np.ndarray:  # [H, W, 3] float32
        if found := self.motion(photo):
            _, where, error = found
            cv2 = self.motion.cv2
            moved = cv2.remap(self.last, *where, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            same = np.exp(-((error[..., None] / SAME) ** 2))
            painted = painted + self.kept * same * (moved - painted)
        self.last = painted
        return painted


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
