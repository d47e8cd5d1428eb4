"Trained networks as ONNX files: exported, checked and run."

import gzip
import json
from copy import deepcopy
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..core.assets import ASSETS
from ..core.atomic import atomic_write
from ..core.errors import FaststyleError
from ..core.extras import extra
from ..core.values import known
from ..models.metadata import checked_info
from ..models.stylefile import FORMAT, select_styles
from ..models.transformer import TransformerNet, make_network

__all__ = ["OnnxNet", "export_onnx"]

INPUTS, OUTPUT = ("photo", "style"), "painted"
PROVIDERS = ["CUDAExecutionProvider", "CPUExecutionProvider"]  # in order of preference
TRIED = (1, 5, 9), (2, 41, 43), (1, 64, 97), (3, 75, 130), (1, 333, 200)  # batch, height, width
CLOSE = 0.5  # largest difference from PyTorch's output, in steps of 8 bits
SMALL_CLOSE = 2  # as above, but on average, for smaller weights


def export_onnx(
    source: Any,  # a Stylizer, or what makes one; FILE:NAME and built-in styles are exported alone
    path: str | Path,  # .onnx
    weights: str = "float32",  # float32, half or int8; half and int8 files are 1/2 and 1/3 as large
) -> Path:
    """Export a network to ONNX; requires the extra `onnx`.

    Inputs: `photo` [B, 3, H, W], RGB in [0, 1], H and W ≥ 5, and `style` [B, n_styles], weights
    over the styles. Output: `painted`, like `photo`, around [0, 1] and not clamped. B, H and W are
    dynamic. Arithmetic is float32 for all `weights`. The network is first run at five sizes. The
    file is discarded if its output differs from PyTorch's by more than half a step of 8 bits
    (float32), or by more than two steps on average (half, int8).

    Raises `ValueError` for another ending than .onnx or unknown `weights`, and `FaststyleError` if
    the extra is missing, if `source` is already an .onnx file, and if the output differs.
    """
    from .stylizer import stylizer_of  # which imports this module

    path, paint = Path(path), stylizer_of(source)
    known("type of weights", weights, ("float32", *SMALLER))
    if path.suffix.lower() != ".onnx":
        raise ValueError(f"{path}: the name of an ONNX file must end in .onnx.")
    extra("onnxruntime", "onnx")
    if not isinstance(paint.net, TransformerNet):
        raise FaststyleError(
            "This network is already an .onnx file. Export the network it was made from."
        )
    net, styles = deepcopy(paint.net).cpu(), paint.styles
    if paint.named is not None and not paint.at_sight:
        state = select_styles(net.state_dict(), [styles.index(paint.named)])
        net, styles = make_network(paint.info["arch"]).eval(), [paint.named]
        net.load_state_dict(state)
    program = filled(paint.info["arch"], net=net)
    program.graph.input[1].type.tensor_type.shape.dim[1].dim_value = net.n_styles
    said = {"format": FORMAT, **paint.info, "styles": styles, "base": ""}
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in said.items()}
    extra("onnx.helper", "onnx").set_model_props(program, texts)
    if weights in SMALLER:
        shrink(program, weights)
    with atomic_write(path) as temporary:
        temporary.write_bytes(program.SerializeToString())
        written = OnnxNet(temporary, ["CPUExecutionProvider"])
        off = 255 * torch.cat([away(written, net, *shape).flatten() for shape in TRIED])
        found, most = (off.mean(), SMALL_CLOSE) if weights in SMALLER else (off.max(), CLOSE)
        if not found <= most:
            raise FaststyleError(
                f"{path} was not written: its output differs from PyTorch's by {found:.2g} of 255 "
                f"{'on average' if weights in SMALLER else 'at most'}, and {most} is allowed. "
                f"Another version of onnxruntime may help."
            )
    return path


def filled(graph: str, **modules: nn.Module):
    "A graph of `assets/graphs`, an onnx.ModelProto, with the weights of the modules it names."
    onnx = extra("onnx", "onnx")
    file = ASSETS / "graphs" / f"{graph}.onnx.gz"
    program = onnx.load_from_string(gzip.decompress(file.read_bytes()))
    used = {name for node in program.graph.node for name in node.input}
    for module, net in modules.items():
        for name, weight in chain(net.named_parameters(module), net.named_buffers(module)):
            if name in used:
                values = np.ascontiguousarray(weight.numpy(force=True))
                program.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    return program


def packed(program, weights: str = "half") -> bytes:
    "The bytes of an .onnx file with smaller weights, see `shrink`."
    shrink(program, weights)
    return program.SerializeToString()


def halved(kernel):
    "Store a kernel in float16."
    return [kernel.astype(np.float16)], "Cast", {"to": 1}  # to float32


def in_8_bits(kernel):
    "Store a kernel as integers from -127 to 127, scaled by output channel."
    scale = np.abs(kernel).max((1, 2, 3), keepdims=True) / 127
    return [np.rint(kernel / scale).astype(np.int8), scale.ravel()], "DequantizeLinear", {"axis": 0}


SMALLER = {"half": halved, "int8": in_8_bits}


def shrink(program, weights):
    "Store kernels in a smaller type, a row of `SMALLER`; the program converts them when it runs."
    from onnx import TensorProto, helper, numpy_helper

    graph = program.graph
    # One of scales, [1, C, 1, 1], would have the same scale for all of them.
    kernels = [x for x in graph.initializer if len(x.dims) == 4 and x.dims[0] > 1]
    for kernel in (x for x in kernels if x.data_type == TensorProto.FLOAT):
        small, enlarge, said = SMALLER[weights](numpy_helper.to_array(kernel))
        names = [f"{kernel.name}.{i}" for i in range(len(small))]
        graph.initializer.remove(kernel)
        graph.initializer.extend(map(numpy_helper.from_array, small, names))
        graph.node.insert(0, helper.make_node(enlarge, names, [kernel.name], **said))


@torch.inference_mode()
def away(written, net, batch, height, width):
    "Absolute difference between the images that two networks paint, in [0, 1]."
    photo = torch.rand(batch, 3, height, width)
    style_weights = torch.softmax(torch.rand(batch, net.n_styles), 1)
    ours, theirs = (paint(photo, style_weights).clamp(0, 1) for paint in (net, written))
    return (theirs - ours).abs()


class OnnxNet(nn.Module):
    "A network in an .onnx file, run by ONNX Runtime; paints images without tiles."

    def __init__(
        self,
        path: str | Path,  # written by export_onnx
        providers: list[str] | None = None,  # of ONNX Runtime; None: CUDA if it is there, and CPU
    ):
        super().__init__()
        runtime = extra("onnxruntime", "onnx")
        if not Path(path).is_file():
            raise FileNotFoundError(f"Style file not found: {path}.")
        try:
            # TensorRT and CoreML would first compile the network for each size of image.
            there = [name for name in PROVIDERS if name in runtime.get_available_providers()]
            self.session = runtime.InferenceSession(path, providers=providers or there)
        except Exception as error:  # the error classes of ONNX Runtime are not public
            raise ValueError(f"{path} is not an ONNX network or is damaged ({error}).") from None
        said = self.session.get_modelmeta().custom_metadata_map
        try:
            if said.pop("format", None) != FORMAT:
                raise ValueError("it does not list its styles")
            self.info = checked_info(said)
            self.n_styles = max(1, len(self.info["styles"]))
            inputs = {one.name: one.shape for one in self.session.get_inputs()}
            if inputs.keys() != {*INPUTS} or inputs["style"][1:] != [self.n_styles]:
                raise ValueError(f"its inputs are not a photo and {self.n_styles} styles")
        except ValueError as error:
            why = str(error).rstrip(".")
            raise ValueError(f"{path} was not written by `faststyle export`: {why}.") from None

    def to(self, device: torch.device) -> "OnnxNet":  # type: ignore[override]
        "Run on this device, if ONNX Runtime can."
        if device.type == "cpu":
            self.session.set_providers(["CPUExecutionProvider"])
        elif device.type == "cuda" and "CUDAExecutionProvider" in self.session.get_providers():
            self.session.set_providers(PROVIDERS, [{"device_id": device.index or 0}, {}])
        return self

    def forward(
        self,
        x: Tensor,  # [B, 3, H, W] RGB in [0, 1], H and W ≥ 5
        style: Tensor,  # [B, n_styles], weights over the styles
    ) -> Tensor:  # [B, 3, H, W]
        values = (value.float().contiguous().cpu().numpy() for value in (x, style))
        painted = self.session.run([OUTPUT], dict(zip(INPUTS, values)))[0]
        return torch.from_numpy(painted).to(x.device)
