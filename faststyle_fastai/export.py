"Trained networks for other programs: ONNX, written, checked and run."

import json
import logging
import warnings
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim

from .errors import FaststyleError, extra
from .files import whole_file
from .stylefile import FIELDS, FORMAT, take_rows
from .transformer import SMALLEST, TransformerNet, make_network

__all__ = ["OnnxNet", "export_onnx"]

INPUTS, OUTPUT = ("photo", "style"), "painted"
TRIED = (1, 5, 9), (2, 41, 43), (1, 64, 97), (3, 75, 130), (1, 333, 200)  # batch, height, width
CLOSE, SMALL_CLOSE = 1e-4, 2 / 255  # how far pictures may be from PyTorch's, in [0, 1]


def export_onnx(
    paint,  # a Stylizer; of FILE:NAME, or a style that ships, that style alone
    path: str | Path,  # .onnx
    weights: str = "float32",  # how they are kept; half and int8 are files of a half and a third
) -> Path:
    """Write a network for ONNX Runtime and its kind; the extra `onnx` brings what it takes.

    Inputs: `photo` [B, 3, H, W], RGB in [0, 1], H and W ≥ 5, and `style` [B, n_styles], weights
    over the styles. Output: `painted`, like `photo`, around [0, 1] and not clamped. B, H and W are
    free. Arithmetic is that of float32, however weights are kept. The file is run at five odd sizes
    first, and is not kept when a picture is more than 1e-4 away from PyTorch's (float32), or 2/255
    on the mean (half, int8).
    """
    path = Path(path)
    if weights not in ("float32", *SMALLER):
        raise ValueError(f"weights='{weights}': float32, {', '.join(SMALLER)}.")
    if path.suffix != ".onnx":
        raise ValueError(f"{path}: an ONNX file ends in .onnx.")
    for library in ("onnxscript", "onnxruntime"):
        extra(library, "onnx")
    if not isinstance(paint.net, TransformerNet):
        raise FaststyleError("it is an .onnx file already: export the network it came from.")
    net, styles = deepcopy(paint.net).cpu(), paint.styles
    if paint.named is not None:
        state = take_rows(net.state_dict(), [styles.index(paint.named)])
        net, styles = make_network(paint.info["arch"]).eval(), [paint.named]
        net.load_state_dict(state)
    program = traced(net).model_proto
    said = {"format": FORMAT, **paint.info, "styles": styles, "base": ""}
    for key, value in said.items():
        program.metadata_props.add(
            key=key, value=value if isinstance(value, str) else json.dumps(value)
        )
    for node in program.graph.node:
        del node.metadata_props[:]  # where on this machine its source lies
    if weights in SMALLER:
        shrink(program, SMALLER[weights])
    with whole_file(path) as temporary:
        temporary.write_bytes(program.SerializeToString())
        written = OnnxNet(temporary, ["CPUExecutionProvider"])
        off = torch.cat([away(written, net, *shape).flatten() for shape in TRIED])
        if not (off.max() <= CLOSE or (weights in SMALLER and off.mean() <= SMALL_CLOSE)):
            raise FaststyleError(
                f"{path} is not kept: its pictures are {off.max():.2g} away at the most, "
                f"{off.mean():.2g} on the mean."
            )
    return path


def traced(net):
    "The network as an ONNX program of free batch, height and width."
    batch = Dim("batch", min=1)
    height, width = (Dim(name, min=SMALLEST) for name in ("height", "width"))
    photo, rows = torch.rand(2, 3, 41, 43), torch.rand(2, net.n_styles)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.onnx.export(
            net,
            (photo, rows),
            dynamo=True,
            dynamic_shapes=({0: batch, 2: height, 3: width}, {0: batch}),
            input_names=INPUTS,
            output_names=[OUTPUT],
            verbose=False,
        )


def halved(kernel):
    "In float16."
    return [kernel.astype(np.float16)], "Cast", {"to": 1}  # to float32


def in_8_bits(kernel):
    "In whole numbers, -127 to 127 of the largest value of each channel that comes out."
    scale = np.abs(kernel).max((1, 2, 3), keepdims=True) / 127
    return [np.rint(kernel / scale).astype(np.int8), scale.ravel()], "DequantizeLinear", {"axis": 0}


SMALLER = {"half": halved, "int8": in_8_bits}


def shrink(program, how):
    "Keep a program's kernels smaller; it enlarges them when it is loaded."
    from onnx import helper, numpy_helper

    graph = program.graph
    for kernel in [one for one in graph.initializer if len(one.dims) == 4]:
        small, enlarge, said = how(numpy_helper.to_array(kernel))
        names = [f"{kernel.name}.{i}" for i in range(len(small))]
        graph.initializer.remove(kernel)
        graph.initializer.extend(map(numpy_helper.from_array, small, names))
        graph.node.insert(0, helper.make_node(enlarge, names, [kernel.name], **said))


@torch.inference_mode()
def away(written, net, batch, height, width):
    "How far two networks' pictures of the same photos are apart, everywhere."
    photo = torch.rand(batch, 3, height, width)
    rows = torch.softmax(torch.rand(batch, net.n_styles), 1)
    return (written(photo, rows) - net(photo, rows)).abs()


class OnnxNet(nn.Module):
    "A network in an .onnx file, run by ONNX Runtime; it paints pictures as a whole."

    def __init__(
        self,
        path: str | Path,  # of export_onnx's
        providers: list[str] | None = None,  # ONNX Runtime's; None: all that are there
    ):
        super().__init__()
        runtime = extra("onnxruntime", "onnx")
        if not Path(path).is_file():
            raise FileNotFoundError(f"no style file {path}.")
        try:
            self.session = runtime.InferenceSession(
                path, providers=providers or runtime.get_available_providers()
            )
        except Exception as error:  # its classes are not public
            raise ValueError(f"{path} is no ONNX network, or a damaged one: {error}.") from None
        said = self.session.get_modelmeta().custom_metadata_map
        if said.pop("format", None) != FORMAT or not said.keys() >= FIELDS:
            raise ValueError(f"{path} is not of `faststyle export`: it does not say its styles.")
        self.info = {**said, "styles": json.loads(said["styles"]), "size": int(said["size"])}
        self.n_styles = max(1, len(self.info["styles"]))

    def to(self, device: torch.device) -> "OnnxNet":
        "On a processor when that is asked for, wherever else it could run."
        if device.type == "cpu":
            self.session.set_providers(["CPUExecutionProvider"])
        return self

    def forward(
        self,
        x: Tensor,  # [B, 3, H, W] RGB in [0, 1], H and W ≥ 5
        style: Tensor,  # [B, n_styles], weights over the styles
    ) -> Tensor:  # [B, 3, H, W]
        if style.dim() != 2:
            raise FaststyleError("an .onnx network has one mix of styles a picture: no black=.")
        values = (value.float().contiguous().cpu().numpy() for value in (x, style))
        painted = self.session.run([OUTPUT], dict(zip(INPUTS, values)))[0]
        return torch.from_numpy(painted).to(x.device)
