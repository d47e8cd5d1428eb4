"""Make assets/person.safetensors and assets/face.safetensors from MediaPipe's networks.

    npm pack @mediapipe/selfie_segmentation @mediapipe/face_detection
    pip install tflite
    python tools/convert_people.py selfie_segmentation.tflite face_detection_short_range.tflite

Unpack both packages first.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tflite
import torch
import typer
from safetensors.torch import save_file

from faststyle_fastai.core.assets import ASSETS
from faststyle_fastai.models.people import NETS

# The order of the axes of a layer's weights, as [out, in, height, width], or [in, out, height,
# width] for the transposed convolution, the only custom layer.
AXES = {"CONV_2D": (0, 3, 1, 2), "DEPTHWISE_CONV_2D": (3, 0, 1, 2), "CUSTOM": (3, 0, 1, 2)}


def main(person: Path, face: Path):
    "Write the weights of both networks under the names of ours, as float16."
    for name, file in {"person": person, "face": face}.items():
        net = NETS[name]()
        # Modules are registered in the order of their computation.
        layers = [layer for layer in net.modules() if hasattr(layer, "weight")]
        for layer, (weight, bias) in zip(layers, convolutions(file), strict=True):
            layer.weight.data = torch.from_numpy(weight).reshape(layer.weight.shape)
            layer.bias.data = torch.from_numpy(bias)
        save_file(
            {k: v.contiguous() for k, v in net.state_dict().items()}, ASSETS / f"{name}.safetensors"
        )


def convolutions(model: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    "Weights and biases of the convolutions in the order of their computation, float16."
    file = tflite.Model.GetRootAs(model.read_bytes())
    graph, stored = file.Subgraphs(0), {}  # tensor in float32 -> the same in float16
    kinds = {code: name for name, code in vars(tflite.BuiltinOperator).items()}
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        kind = kinds[file.OperatorCodes(operator.OpcodeIndex()).DeprecatedBuiltinCode()]
        first, *others = operator.InputsAsNumpy()
        if kind == "DEQUANTIZE":
            stored[operator.Outputs(0)] = first
        elif kind in AXES:
            weight, bias = (values(file, graph.Tensors(stored[n])) for n in others)
            yield weight.transpose(AXES[kind]).copy(), bias.copy()


def values(file, tensor) -> np.ndarray:
    data = file.Buffers(tensor.Buffer()).DataAsNumpy()
    return np.frombuffer(data, np.float16).reshape(tensor.ShapeAsNumpy())


if __name__ == "__main__":
    typer.run(main)
