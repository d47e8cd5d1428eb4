"Painting at sight as ONNX programs, for the studio."

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.func import functional_call

from ..models.decoder import SEEN, features_of_places, keys, light, load_decoder
from ..models.predictor import AnyStyleNet
from ..models.transformer import SMALLEST
from ..perceptual.coherence import coherent
from .first_sight import LAYERS, any_style, inner_moments, lite
from .onnx import INPUTS, OUTPUT, program_of, shrink
from .sight_painter import PLACE, UNIT, around, backbone, described, inside, taken

__all__ = ["neighbors_program", "painter_program", "reader_program"]

READ, FOUND = ["painting"], ["style", "palette"]
LEAST = 128  # px of a painting's side; the studio enlarges smaller ones
SIDES = 9, 256  # of a photo or a painting that places are matched in, in units of `UNIT`


class Reader(nn.Module):
    "Reads the style of a painting: all scales and shifts, and the moments of its colors."

    def __init__(self, net: AnyStyleNet):
        super().__init__()
        self.any_style, self.backbone = net, lite()

    def forward(
        self,
        painting: Tensor,  # [1, 3, H, W] in [0, 1], as of `first_sight.painting_moments`
    ) -> tuple[Tensor, Tensor]:  # [1, n] and [1, 4, 4]
        seen = [inner_moments(x) for x in features_of(self.backbone, painting, LAYERS).values()]
        return torch.cat([*self.any_style.styles(seen).values()], 1), inner_moments(painting)


class Neighbors(nn.Module):
    "Paints with places of a painting, as `SightPainter` does."

    def __init__(self, arch: str):
        super().__init__()
        self.backbone, self.net = backbone(torch.device("cpu")), load_decoder(arch)

    def forward(
        self,
        photo: Tensor,  # [1, 3, H, W] in [0, 1], sides divisible by `UNIT`
        painting: Tensor,  # likewise
    ) -> Tensor:  # [1, 3, H, W]
        other, palette = described(features_of(self.backbone, around(painting), SEEN))
        parts = features_of_places(features_of(self.backbone, around(photo), SEEN))
        found = coherent(keys([inside(part, PLACE) for part in parts]), other)[0]
        return self.net(taken(palette, found), light(photo))


def features_of(backbone, x, layers):
    "The features of an image, without the backbone's hooks."
    x, found = (x - backbone.mean) / backbone.std, {}
    for name, module in backbone.net.named_children():
        x = module.forward(x)
        if name in layers:
            found[name] = x
    return found


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


def neighbors_program(arch: str = "slim") -> bytes:
    "The program that paints with places of a painting, as an .onnx file with weights in 8 bits."
    sides = [UNIT * Dim(f"side{i}", min=SIDES[0], max=SIDES[1]) for i in range(4)]
    program = program_of(
        Neighbors(arch), (torch.rand(1, 3, 208, 240), torch.rand(1, 3, 176, 272)),
        [INPUTS[0], *READ], [OUTPUT],
        dynamic_shapes=({2: sides[0], 3: sides[1]}, {2: sides[2], 3: sides[3]}),
    )  # fmt: skip
    shrink(program, "int8")
    return program.SerializeToString()


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
