"""Trace the networks that are exported, as ONNX graphs without weights:

    python tools/make_graphs.py

Writes `faststyle_fastai/assets/graphs/`. Tracing takes half a minute a network; to put weights into
a graph takes a moment, and none of the libraries that trace. A weight's name in a graph is that in
the modules of this file. Run it again when the computation of a network changes.
"""

import gzip
import logging
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.func import functional_call
from torch.nn import functional as F

from faststyle_fastai.core.assets import ASSETS
from faststyle_fastai.inference.first_sight import LAYERS, any_style, inner_moments, lite
from faststyle_fastai.inference.onnx import INPUTS, OUTPUT
from faststyle_fastai.inference.people import edges
from faststyle_fastai.inference.sight_painter import (
    PLACE,
    UNIT,
    around,
    backbone,
    described,
    taken,
)
from faststyle_fastai.models.decoder import SEEN, light, load_decoder
from faststyle_fastai.models.normalization import affine_widths
from faststyle_fastai.models.people import FaceNet, PersonNet, people_net
from faststyle_fastai.models.predictor import AnyStyleNet
from faststyle_fastai.models.transformer import ARCHS, SMALLEST, make_network
from faststyle_fastai.perceptual.coherence import coherent

LEAST = 128  # px of a painting's side; the studio enlarges smaller ones
SIDES = 9, 256  # of a photo or a painting that places are matched in, in units of `UNIT`


def main():
    folder = ASSETS / "graphs"
    folder.mkdir(exist_ok=True)
    for name, trace in GRAPHS.items():
        file = folder / f"{name}.onnx.gz"
        file.write_bytes(gzip.compress(trace().SerializeToString(), mtime=0))
        print(f"{file.relative_to(ASSETS)}  {file.stat().st_size:,} bytes", flush=True)


def graph_of(net: nn.Module, example, inputs, outputs, **how):
    "A module as an ONNX graph without its weights, an onnx.ModelProto."
    import onnxscript.optimizer
    from onnx import helper

    program = program_of(net, example, inputs, outputs, optimize=False, **how)
    graph, given = program.graph, len(inputs)
    named = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    for weight in [each for each in graph.initializer if each.name in named]:
        graph.initializer.remove(weight)  # an input is not folded into others
        what = helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims)
        graph.input.append(what)
    program = onnxscript.optimizer.optimize(program)
    del program.graph.input[given:], program.graph.value_info[:]
    return without_paths(program)


def program_of(net: nn.Module, example, inputs, outputs, **how):
    "A module as an ONNX program, an onnx.ModelProto."
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.onnx.export(
            net.eval(), example, dynamo=True, input_names=inputs, output_names=outputs,
            verbose=False, **how,
        )  # fmt: skip
        assert exported is not None  # with dynamo
    return without_paths(exported.model_proto)


def without_paths(program):
    "A program whose nodes don't name source files of this machine."
    for node in program.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del program.graph.metadata_props[:]
    return program


class Network(nn.Module):
    "A TransformerNet."

    def __init__(self, arch: str):
        super().__init__()
        self.n_styles = 1 if arch == "tarun" else 3  # of any number
        self.net = make_network(arch, self.n_styles)

    def forward(self, photo: Tensor, style: Tensor) -> Tensor:
        return self.net(photo, style)


class Painter(nn.Module):
    "A network whose scales and shifts are its second input."

    def __init__(self, arch: str):
        super().__init__()
        self.net = make_network(arch)
        self.widths = affine_widths(self.net)

    def forward(
        self,
        photo: Tensor,  # [1, 3, H, W] in [0, 1]
        style: Tensor,  # [1, n]
    ) -> Tensor:  # [1, 3, H, W]
        parts = style.split([*self.widths.values()], 1)
        return functional_call(self.net, dict(zip(self.widths, parts)), (photo,))


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


class People(nn.Module):
    "The people in a photo, and its faces."

    def __init__(self):
        super().__init__()
        self.person, self.face = people_net("person"), people_net("face")

    def forward(
        self,
        stretched: Tensor,  # [1, 3, 256, 256] in [0, 1], the photo as a square
        padded: Tensor,  # likewise, with its own proportions at the left or the top of the square
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # as of `edges`; [n] and [n, 4], shares of `padded`
        whole, side = PersonNet.side, FaceNet.side
        starts = range(0, whole - side + 1, side // 2)
        windows = [padded[..., y : y + side, x : x + side] for y in starts for x in starts]
        scores, boxes = self.face(torch.cat([F.avg_pool2d(padded, 2), *windows]))
        corners = torch.tensor([(0, 0)] + [(x, y) for y in starts for x in starts]) / whole
        scales = torch.tensor([1.0] + [side / whole] * len(windows))[:, None, None]
        boxes = boxes * scales + corners.repeat(1, 2)[:, None]
        found = edges(self.person(stretched), stretched)
        return *found, scores.flatten(), boxes.flatten(0, 1)


def features_of(backbone, x, layers):
    "The features of an image, without the backbone's hooks."
    x, found = (x - backbone.mean) / backbone.std, {}
    for name, module in backbone.net.named_children():
        x = module.forward(x)
        if name in layers:
            found[name] = x
    return found


def network(net, trace=graph_of, **more: Tensor):
    "A network whose inputs are photos, weights over its styles, and `more`."
    batch = Dim("batch", min=1)
    example = torch.rand(2, 3, 41, 43), torch.rand(2, net.n_styles), *more.values()
    shapes = {0: batch, **image_sides(SMALLEST)}, {0: batch}, *[None for _ in more]
    return trace(net, example, [*INPUTS, *more], [OUTPUT], dynamic_shapes=shapes)


def painter(arch: str):
    paint = Painter(arch)
    example = torch.rand(1, 3, 41, 43), torch.zeros(1, sum(paint.widths.values()))
    return graph_of(
        paint, example, INPUTS, [OUTPUT], dynamic_shapes=(image_sides(SMALLEST), None)
    )  # fmt: skip


def reader(arch: str):
    return graph_of(
        Reader(any_style(arch)), (torch.rand(1, 3, 400, 496),), ["painting"],
        ["style", "palette"], dynamic_shapes=(image_sides(LEAST),),
    )  # fmt: skip


def places(trace=graph_of):
    high, wide = (UNIT * side for side in units("photo"))
    return trace(
        Places(), (torch.rand(1, 3, 208, 240),), ["image"], ["keys", "blocks"],
        dynamic_shapes=({2: high, 3: wide},),
    )  # fmt: skip


@torch.inference_mode()
def neighbors(
    arch: str,
    alike: bool = False,  # the likeness to the photo, [1], is another input
    trace=graph_of,
):
    n = UNIT // PLACE
    photo, painting = units("photo"), units("painting")
    sizes: list[Any] = [{2: k * high, 3: k * wide} for k, (high, wide) in (
        (UNIT, photo), (n, photo), (n, painting), (n, painting)
    )]  # fmt: skip
    seen, images = Places(), [torch.rand(1, 3, 208, 240), torch.rand(1, 3, 176, 272)]
    (own, _), (other, blocks) = (seen(x) for x in images)
    inputs = {INPUTS[0]: images[0], "own": own, "keys": other, "blocks": blocks}
    if alike:
        inputs, sizes = inputs | {"likeness": torch.ones(1)}, [*sizes, None]
    return trace(
        Neighbors(arch), tuple(inputs.values()), [*inputs], [OUTPUT], dynamic_shapes=tuple(sizes)
    )


def solved(a: Tensor, b: Tensor) -> Tensor:  # [..., 3, 3], [..., 3] -> [..., 3]
    "Solve three equations by Cramer's rule: ONNX has no operation for it."
    columns = a.unbind(-1)
    others = [torch.linalg.cross(columns[i - 2], columns[i - 1]) for i in range(3)]
    parts = torch.stack([(b * other).sum(-1) for other in others], -1)
    return parts / (columns[0] * others[0]).sum(-1, keepdim=True)


@mock.patch("torch.linalg.solve", solved)
def people():
    square = torch.rand(1, 3, PersonNet.side, PersonNet.side)
    return graph_of(
        People(), (square, square.flip(3)), ["stretched", "padded"],
        ["slope", "offset", "scores", "boxes"],
    )  # fmt: skip


def image_sides(least):
    return {2: Dim("height", min=least), 3: Dim("width", min=least)}


def units(name):
    "An image's height and width, in units."
    return [Dim(f"{name}_{i}", min=SIDES[0], max=SIDES[1]) for i in range(2)]


GRAPHS: dict[str, Callable] = {
    "people": people,
    "places": places,
    "neighbors-slim": partial(neighbors, "slim"),
    "reader-slim": partial(reader, "slim"),
    "painter-slim": partial(painter, "slim"),
} | {arch: lambda arch=arch: network(Network(arch)) for arch in ARCHS}

if __name__ == "__main__":
    main()
