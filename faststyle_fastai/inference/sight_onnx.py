"The networks of the first sight as two ONNX programs, for the studio."

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.func import functional_call

from ..models.predictor import AnyStyleNet
from ..models.transformer import SMALLEST
from .first_sight import LAYERS, any_style, inner_moments, lite
from .onnx import INPUTS, OUTPUT, program_of, shrink

__all__ = ["painter_program", "reader_program"]

READ, FOUND = ["painting"], ["style", "palette"]
LEAST = 128  # px of a painting's side; the studio enlarges smaller ones


class Reader(nn.Module):
    "Reads the style of a painting: all scales and shifts, and the moments of its colors."

    def __init__(self, net: AnyStyleNet):
        super().__init__()
        self.any_style, self.backbone = net, lite()

    def forward(
        self,
        painting: Tensor,  # [1, 3, H, W] in [0, 1], as of `first_sight.painting_moments`
    ) -> tuple[Tensor, Tensor]:  # [1, n] and [1, 4, 4]
        x, seen = (painting - self.backbone.mean) / self.backbone.std, []
        for name, module in self.backbone.net.named_children():
            x = module.forward(x)  # without the backbone's hooks
            if name in LAYERS:
                seen.append(inner_moments(x))
        return torch.cat([*self.any_style.styles(seen).values()], 1), inner_moments(painting)


class Painter(nn.Module):
    "A network whose scales and shifts are its second input."

    def __init__(self, net: AnyStyleNet):
        super().__init__()
        self.net, self.widths = net.net, net.widths

    def forward(
        self,
        photo: Tensor,  # [1, 3, H, W] in [0, 1]
        style: Tensor,  # [1, n]
    ) -> Tensor:  # [1, 3, H, W]
        parts = style.split([*self.widths.values()], 1)
        return functional_call(self.net, dict(zip(self.widths, parts)), (photo,))


def reader_program(arch: str = "slim") -> bytes:
    "The program that reads a painting's style, as an .onnx file with weights in float16."
    height, width = (Dim(name, min=LEAST) for name in ("height", "width"))
    program = program_of(
        Reader(any_style(arch)), (torch.rand(1, 3, 400, 496),), READ, FOUND,
        dynamic_shapes=({2: height, 3: width},),
    )  # fmt: skip
    shrink(program, "half")
    return program.SerializeToString()


def painter_program(arch: str = "slim") -> bytes:
    "The program that paints in a style that was read, as an .onnx file with weights in float16."
    net = any_style(arch)
    height, width = (Dim(name, min=SMALLEST) for name in ("height", "width"))
    style = torch.zeros(1, sum(net.widths.values()))
    program = program_of(
        Painter(net), (torch.rand(1, 3, 41, 43), style), INPUTS, [OUTPUT],
        dynamic_shapes=({2: height, 3: width}, None),
    )  # fmt: skip
    shrink(program, "half")
    return program.SerializeToString()
