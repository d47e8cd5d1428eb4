"Trained networks for other programs: ONNX, written, checked and run."

import json
import logging
import warnings
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim

from .errors import FaststyleError, extra
from .files import whole_file
from .stylefile import FIELDS, FORMAT, take_rows
from .transformer import SMALLEST, TransformerNet

__all__ = ["OnnxNet", "export_onnx"]

INPUTS, OUTPUT = ("photo", "style"), "painted"
TRIED = (1, 5, 9), (2, 41, 43), (1, 64, 97), (3, 75, 130), (1, 333, 200)  # batch, height, width
CLOSE = 1e-4  # how far from PyTorch's the pictures may be, in [0, 1]


def export_onnx(
    paint,  # a Stylizer; of FILE:NAME, or a style that ships, that style alone
    path: str | Path,  # .onnx
) -> Path:
    """Write a network for ONNX Runtime and its kind; the extra `onnx` brings what it takes.

    Inputs: `photo` [B, 3, H, W], RGB in [0, 1], H and W ≥ 5, and `style` [B, n_styles], weights
    over the styles. Output: `painted`, like `photo`, around [0, 1] and not clamped. B, H and W are
    free. The file is run at five odd sizes first; one that is more than 1e-4 off is not written.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise ValueError(f"{path}: an ONNX file ends in .onnx.")
    for library in ("onnxscript", "onnxruntime"):
        extra(library, "onnx")
    if not isinstance(paint.net, TransformerNet):
        raise FaststyleError("it is an .onnx file already: export the network it came from.")
    net, styles = deepcopy(paint.net).cpu(), paint.styles
    if paint.named is not None:
        state = take_rows(net.state_dict(), [styles.index(paint.named)])
        net, styles = TransformerNet(1, net.width).eval(), [paint.named]
        net.load_state_dict(state)
    program = traced(net)
    said = {"format": FORMAT, **paint.info, "styles": styles, "base": ""}
    for key, value in said.items():
        program.model.metadata_props[key] = value if isinstance(value, str) else json.dumps(value)
    with whole_file(path) as temporary:
        program.save(temporary)
        written = OnnxNet(temporary)
        for batch, *shape in TRIED:
            photo, rows = torch.rand(batch, 3, *shape), torch.rand(batch, net.n_styles)
            with torch.inference_mode():
                off = (written(photo, rows) - net(photo, rows)).abs().max().item()
            if not off <= CLOSE:
                raise FaststyleError(f"{path} is not kept: its pictures are {off:.2g} off.")
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


class OnnxNet(nn.Module):
    "A network in an .onnx file, run by ONNX Runtime; it paints pictures as a whole."

    def __init__(
        self,
        path: str | Path,  # of export_onnx's
    ):
        super().__init__()
        runtime = extra("onnxruntime", "onnx")
        if not Path(path).is_file():
            raise FileNotFoundError(f"no style file {path}.")
        try:
            self.session = runtime.InferenceSession(
                path, providers=runtime.get_available_providers()
            )
        except Exception as error:  # its classes are not public
            raise ValueError(f"{path} is no ONNX network, or a damaged one: {error}.") from None
        said = self.session.get_modelmeta().custom_metadata_map
        if said.pop("format", None) != FORMAT or not said.keys() >= FIELDS:
            raise ValueError(f"{path} is not of `faststyle export`: it does not say its styles.")
        self.info = {**said, "styles": json.loads(said["styles"]), "size": int(said["size"])}
        self.n_styles = max(1, len(self.info["styles"]))

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
