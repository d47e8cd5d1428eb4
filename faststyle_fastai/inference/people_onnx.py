"The networks that find people as one ONNX program, for the exported page."

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..models.people import FaceNet, PersonNet, people_net
from .onnx import packed, program_of
from .people import edges

__all__ = ["people_program"]

SIDE = PersonNet.side  # px of both inputs
INPUTS, OUTPUTS = ("stretched", "padded"), ("slope", "offset", "sure")


class People(nn.Module):
    "The people in a photo, and how sure it is that a face can be seen."

    def __init__(self):
        super().__init__()
        self.person, self.face = people_net("person"), people_net("face")

    def forward(
        self,
        stretched: Tensor,  # [1, 3, 256, 256] in [0, 1], the photo as a square
        padded: Tensor,  # likewise, with its own proportions at the left or the top of the square
    ) -> tuple[Tensor, Tensor, Tensor]:  # as of `edges`, and [1]
        starts, side = range(0, SIDE - FaceNet.side + 1, FaceNet.side // 2), FaceNet.side
        windows = [padded[..., y : y + side, x : x + side] for y in starts for x in starts]
        scores, _ = self.face(torch.cat([F.avg_pool2d(padded, 2), *windows]))
        return *edges(self.person(stretched), stretched), scores.max().view(1)


@cache  # all pages have it, and it takes seconds
def people_program() -> bytes:
    "The program as an .onnx file, with weights in float16; requires the extra `onnx`."
    square = torch.rand(1, 3, SIDE, SIDE)
    program = program_of(People().eval(), (square, square.flip(3)), INPUTS, OUTPUTS)
    return packed(program, "half")
