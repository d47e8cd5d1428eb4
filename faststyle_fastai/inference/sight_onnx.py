"Painting at sight as ONNX programs, for the studio."

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.func import functional_call

from ..models.decoder import SEEN, light, load_decoder
from ..models.normalization import affine_widths
from ..models.predictor import AnyStyleNet
from ..models.transformer import SMALLEST, TransformerNet
from ..perceptual.coherence import coherent
from .first_sight import LAYERS, any_style, inner_moments, lite
from .onnx import INPUTS, OUTPUT, packed, program_of
from .sight_painter import PLACE, UNIT, around, backbone, described, taken

__all__ = ["neighbors_programs", "painter_program", "reader_program"]

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


class Places(nn.Module):
    "Sees the places of an image."

    def __init__(self):
        super().__init__()
        self.backbone = backbone(torch.device("cpu"))

    def forward(
        self,
        image: Tensor,  # [1, 3, H, W] in [0, 1], sides divisible by `UNIT`
    ) -> tuple[Tensor, Tensor]:  # keys and blocks of cells, [1, C, H / PLACE, W / PLACE]
        found, blocks = described(features_of(self.backbone, around(image), SEEN), image)
        return found, blocks.unflatten(1, found.shape[2:])[None]


class Neighbors(nn.Module):
    "Paints with places of a painting, as `SightPainter` does."

    def __init__(self, arch: str):
        super().__init__()
        self.net = load_decoder(arch)

    def forward(
        self,
        photo: Tensor,  # [1, 3, H, W] in [0, 1], sides divisible by `UNIT`
        own: Tensor,  # its keys
        other: Tensor,  # a painting's keys
        blocks: Tensor,  # and its blocks
        likeness: float | Tensor = 1.0,  # as of `models.decoder.Decoder`
    ) -> Tensor:  # [1, 3, H, W]
        given = taken(blocks[0].flatten(1), coherent(own, other)[0])
        return self.net(given, light(photo), likeness)


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

    def __init__(self, net: TransformerNet):
        super().__init__()
        self.net, self.widths = net, affine_widths(net)

    def forward(
        self,
        photo: Tensor,  # [1, 3, H, W] in [0, 1]
        style: Tensor,  # [1, n]
    ) -> Tensor:  # [1, 3, H, W]
        parts = style.split([*self.widths.values()], 1)
        return functional_call(self.net, dict(zip(self.widths, parts)), (photo,))


def neighbors_programs() -> dict[str, Callable]:
    "The functions that make what a page needs to paint with places of a painting, by their names."
    return {"places": places_program, "neighbors": neighbors_program}


@cache
def places_program(weights: str = "int8") -> bytes:
    "The program that sees the places of an image, as an .onnx file."
    high, wide = (UNIT * side for side in sides("photo"))
    program = program_of(
        Places(), (torch.rand(1, 3, 208, 240),), ["image"], ["keys", "blocks"],
        dynamic_shapes=({2: high, 3: wide},),
    )  # fmt: skip
    return packed(program, weights)


@cache
@torch.inference_mode()
def neighbors_program(
    arch: str = "slim",
    alike: bool = False,  # the likeness to the photo, [1], is another input
) -> bytes:
    "The program that paints with places of a painting, as an .onnx file with weights in 8 bits."
    n = UNIT // PLACE
    photo, painting = sides("photo"), sides("painting")
    sizes: list[Any] = [{2: k * high, 3: k * wide} for k, (high, wide) in (
        (UNIT, photo), (n, photo), (n, painting), (n, painting)
    )]  # fmt: skip
    seen, images = Places(), [torch.rand(1, 3, 208, 240), torch.rand(1, 3, 176, 272)]
    (own, _), (other, blocks) = (seen(x) for x in images)
    inputs = {INPUTS[0]: images[0], "own": own, "keys": other, "blocks": blocks}
    if alike:
        inputs, sizes = inputs | {"likeness": torch.ones(1)}, [*sizes, None]
    program = program_of(
        Neighbors(arch), tuple(inputs.values()), [*inputs], [OUTPUT], dynamic_shapes=tuple(sizes)
    )
    return packed(program, "int8")


def sides(name):
    "An image's height and width, in units."
    return [Dim(f"{name}_{i}", min=SIDES[0], max=SIDES[1]) for i in range(2)]


def reader_program(arch: str = "slim") -> bytes:
    "The program that reads a painting's style, as an .onnx file with weights in float16."
    height, width = (Dim(name, min=LEAST) for name in ("height", "width"))
    program = program_of(
        Reader(any_style(arch)), (torch.rand(1, 3, 400, 496),), READ, FOUND,
        dynamic_shapes=({2: height, 3: width},),
    )  # fmt: skip
    return packed(program, "half")


def painter_program(net: TransformerNet) -> bytes:
    "The program that paints with any scales and shifts, as an .onnx file with weights in float16."
    paint = Painter(net)
    height, width = (Dim(name, min=SMALLEST) for name in ("height", "width"))
    style = torch.zeros(1, sum(paint.widths.values()))
    program = program_of(
        paint, (torch.rand(1, 3, 41, 43), style), INPUTS, [OUTPUT],
        dynamic_shapes=({2: height, 3: width}, None),
    )  # fmt: skip
    return packed(program, "half")
