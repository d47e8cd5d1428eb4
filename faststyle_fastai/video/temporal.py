"Temporal consistency of painted videos: smoothed statistics, and strokes that follow the motion."

import math

import numpy as np
import torch
from torch import Tensor

from ..core.devices import finishing_device
from ..core.extras import extra
from ..models.layers import mean_and_variance, through
from ..models.transformer import TransformerNet

__all__ = ["SmoothedStatistics", "FlowBlender"]

FOLLOW = 4.0  # seconds, time constant of the smoothing
CUT = 0.12  # mean difference of two frames, in [0, 1], above which a new scene begins
KEPT = 0.8  # weight of the previous frame where it shows the same object
SAME = 0.04  # difference in [0, 1] at which objects still count as the same


class SmoothedStatistics:
    """A network whose normalization statistics are smoothed over frames.

    With the statistics of each frame alone, an object that enters on the left would change the
    colors on the right.
    """

    def __init__(self, net: TransformerNet):
        self.net, self.found, self.before = net, [], None

    def __call__(
        self,
        x: Tensor,  # [1, 3, H, W] in [0, 1]
        seconds: float,  # since the previous frame
        style: Tensor | None = None,  # as in TransformerNet
    ) -> Tensor:  # [1, 3, H, W]
        keep = 0.0 if self.is_cut(x) else math.exp(-seconds / FOLLOW)
        before, self.found = iter(self.found), []

        def normalized(norm, y, styling):
            now = mean_and_variance(y).float()
            norm.known = torch.lerp(now, next(before, now), keep)
            self.found.append(norm.known)
            return norm(y, styling)

        return through(self.net.steps(x, style), normalized)

    def is_cut(self, x):
        "Whether a new scene begins."
        small = torch.nn.functional.adaptive_avg_pool2d(x.to(finishing_device(x.device)), 16).cpu()
        before, self.before = self.before, small
        return before is not None and (small - before).abs().mean() > CUT


class FlowBlender:
    "Blends each frame with the previous one, warped by optical flow."

    def __init__(self):
        self.cv2 = extra("cv2", "video")
        self.flow = self.cv2.DISOpticalFlow_create(self.cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self.before = None

    def __call__(
        self,
        photo: np.ndarray,  # [H, W, 3] uint8
        painted: np.ndarray,  # [H, W, 3] float32 in [0, 1]
    ) -> np.ndarray:  # [H, W, 3] float32
        cv2, gray = self.cv2, self.cv2.cvtColor(photo, self.cv2.COLOR_RGB2GRAY)
        photo = photo / np.float32(255)
        if self.before is not None and self.before[0].shape == gray.shape:
            last_gray, last_photo, last = self.before
            flow = self.flow.calc(gray, last_gray, None)
            rows, columns = np.indices(gray.shape, np.float32)
            where = columns + flow[..., 0], rows + flow[..., 1]
            moved_photo = cv2.remap(last_photo, *where, cv2.INTER_LINEAR, borderValue=(-1, -1, -1))
            moved = cv2.remap(last, *where, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            off = np.abs(moved_photo - photo).mean(-1, keepdims=True)
            painted = painted + KEPT * np.exp(-((off / SAME) ** 2)) * (moved - painted)
        self.before = gray, photo, painted
        return painted
