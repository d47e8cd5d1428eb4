"""The networks that find people and faces: MediaPipe's, by Google, under the Apache license 2.0.

tools/convert_people.py converts their weights.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.assets import ASSETS
from ..core.weights import read_weights

__all__ = ["FaceNet", "NETS", "PersonNet", "people_net"]

# Of PersonNet: channels in, inside and out, kernel, stride, channels of the squeeze (0: none).
BLOCKS = [
    (16, 16, 16, 3, 2, 8, nn.ReLU),
    (16, 72, 24, 3, 2, 0, nn.ReLU),
    (24, 88, 24, 3, 1, 0, nn.ReLU),
    (24, 96, 32, 5, 2, 24, nn.Hardswish),
    (32, 128, 32, 5, 1, 32, nn.Hardswish),
    (32, 128, 32, 5, 1, 32, nn.Hardswish),
    (32, 96, 32, 5, 1, 24, nn.Hardswish),
    (32, 96, 32, 5, 1, 24, nn.Hardswish),
]
# Of FaceNet: channels of the blocks; the first block of each row but the first halves the size.
WIDTHS = [[24, 28], [32, 36, 42], [48, 56, 64, 72, 80, 88], [96, 96, 96, 96, 96]]
FIRST = 24  # channels
BOXES = 2, 6  # at each place of the last two sizes
NUMBERS = 16  # of a box: center and size, then six points of the face


class PersonNet(nn.Module):
    """Finds people: a MobileNetV3 (Howard et al. 2019) and a decoder of three steps.

    It was trained on people within two meters of the camera.
    """

    side = 256  # px of its input

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(SameConv2d(3, 16, 3, 2), nn.Hardswish())
        self.blocks = nn.ModuleList(Inverted(*row) for row in BLOCKS)
        self.features = nn.Sequential(nn.Conv2d(32, 128, 1), nn.ReLU())
        self.context = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(32, 128, 1), nn.Sigmoid())
        self.steps = nn.ModuleList([Step(128, 24), Step(24, 16), Step(16, 16)])
        self.last = nn.ConvTranspose2d(16, 1, 2, 2)

    def forward(
        self,
        x: Tensor,  # [B, 3, 256, 256] RGB in [0, 1]
    ) -> Tensor:  # [B, 1, 256, 256], how likely each pixel shows a person
        seen = [self.stem(x.contiguous(memory_format=torch.channels_last))]
        for block in self.blocks:
            seen.append(block(seen[-1]))
        y = self.features(seen[-1]) * self.context(seen[-1])
        for step, skip in zip(self.steps, (seen[3], seen[1], seen[0])):
            y = step(y, skip)
        return self.last(y).sigmoid()


class FaceNet(nn.Module):
    "Finds faces: BlazeFace for short range (Bazarevsky et al. 2019)."

    side = 128  # px of its input

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(SameConv2d(3, FIRST, 5, 2), nn.ReLU())
        rows, width = [], FIRST
        for i, row in enumerate(WIDTHS):
            first = BlazeBlock(width, row[0], 2 if i else 1)
            rows.append(nn.Sequential(first, *(BlazeBlock(*pair, 1) for pair in pairwise(row))))
            width = row[-1]
        self.rows = nn.ModuleList(rows)
        widths = [row[-1] for row in WIDTHS[-2:]]
        self.scores = nn.ModuleList(nn.Conv2d(w, n, 1) for w, n in zip(widths, BOXES))
        self.boxes = nn.ModuleList(nn.Conv2d(w, n * NUMBERS, 1) for w, n in zip(widths, BOXES))

    def forward(
        self,
        x: Tensor,  # [B, 3, 128, 128] RGB in [0, 1]
    ) -> tuple[Tensor, Tensor]:
        "Scores, [B, 896] in [0, 1], and boxes, [B, 896, 4]: left, top, right, bottom in [0, 1]."
        y, seen = self.stem((2 * x - 1).contiguous(memory_format=torch.channels_last)), []
        for row in self.rows:
            y = row(y)
            seen.append(y)
        scores, boxes = [], []
        for y, score, box in zip(seen[-2:], self.scores, self.boxes):
            scores.append(score(y).permute(0, 2, 3, 1).flatten(1))
            numbers = box(y).permute(0, 2, 3, 1).unflatten(3, (-1, NUMBERS)) / self.side
            height, width = y.shape[-2:]
            rows, columns = (torch.arange(n, device=y.device) + 0.5 for n in (height, width))
            place = torch.stack(torch.meshgrid(columns / width, rows / height, indexing="xy"), 2)
            center = place[None, :, :, None] + numbers[..., :2]
            half = numbers[..., 2:4] / 2
            boxes.append(torch.cat([center - half, center + half], 4).flatten(1, 3))
        return torch.cat(scores, 1).sigmoid(), torch.cat(boxes, 1)


class SameConv2d(nn.Conv2d):
    "A convolution padded as by TensorFlow: at stride 2, one pixel more at the far edges."

    def __init__(self, n_in, n_out, kernel, stride=1, groups=1):
        near, more = divmod(kernel - stride, 2)
        super().__init__(n_in, n_out, kernel, stride, near, groups=groups)
        self.edge = (0, more) * 2

    def forward(self, x):
        return super().forward(F.pad(x, self.edge) if self.edge[1] else x)


class SqueezeExcitation(nn.Module):
    "Weigh each channel by the means of all (Hu et al. 2018); torchvision's takes long to import."

    def __init__(self, channels, inside):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, inside, 1), nn.Conv2d(inside, channels, 1)

    def weights(self, x):
        return self.fc2(self.fc1(x.mean((2, 3), keepdim=True)).relu()).sigmoid()

    def forward(self, x):
        return self.weights(x) * x


class Inverted(nn.Module):
    "Widen, filter each channel, weigh the channels, narrow (Sandler et al. 2018)."

    def __init__(self, n_in, inside, n_out, kernel, stride, squeeze, activation):
        super().__init__()
        weigh = [SqueezeExcitation(inside, squeeze)] if squeeze else []
        self.layers = nn.Sequential(
            nn.Conv2d(n_in, inside, 1),
            activation(),
            SameConv2d(inside, inside, kernel, stride, groups=inside),
            activation(),
            *weigh,
            nn.Conv2d(inside, n_out, 1),
        )
        self.residual = stride == 1 and n_in == n_out

    def forward(self, x):
        return self.layers(x) + x if self.residual else self.layers(x)


class Step(nn.Module):
    "Double the size, and add features of the encoder, each channel weighed by both."

    def __init__(self, n_in, n_out):
        super().__init__()
        self.narrow = nn.Conv2d(n_in, n_out, 1)
        self.weigh = SqueezeExcitation(n_out, n_out)
        self.mix = nn.Sequential(nn.Conv2d(n_out, n_out, 1), nn.ReLU())
        self.smooth = nn.Sequential(SameConv2d(n_out, n_out, 3, groups=n_out), nn.ReLU())

    def forward(self, x, skip):
        y = self.narrow(F.interpolate(x, scale_factor=2, mode="bilinear"))
        y = self.mix(skip * self.weigh.weights(skip + y) + y)
        return y + self.smooth(y)


class BlazeBlock(nn.Module):
    "A separable convolution added to its input, which is halved and widened where needed."

    def __init__(self, n_in, n_out, stride):
        super().__init__()
        filters = SameConv2d(n_in, n_in, 3, stride, groups=n_in)
        self.layers = nn.Sequential(filters, nn.Conv2d(n_in, n_out, 1))
        self.stride, self.more = stride, n_out - n_in

    def forward(self, x):
        own = F.max_pool2d(x, self.stride) if self.stride > 1 else x
        own = F.pad(own, (0, 0, 0, 0, 0, self.more)) if self.more else own
        return (self.layers(x) + own).relu_()


NETS = {"person": PersonNet, "face": FaceNet}


# New modules draw random weights. That must not change the results of a seed.
@lru_cache
@torch.random.fork_rng([])
def people_net(
    name: str,  # a key of `NETS`
) -> Any:  # one of them
    "A built-in network. Its features are channels-last, which makes it four times faster on a CPU."
    net = NETS[name]()
    net.load_state_dict(read_weights(ASSETS / f"{name}.safetensors"))
    return net.to(memory_format=torch.channels_last).eval().requires_grad_(False)
