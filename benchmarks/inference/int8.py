"""Painting with 8-bit integers: time per image, error, and pictures to judge.

    python -m benchmarks.inference.int8 --photos DIR --paint DIR --pictures OUT [--styles NAME …]

ONNX Runtime quantizes the convolutions of the full network but the first and the last, weights and
features, with statistics of 40 photos that it does not paint. The table compares it with PyTorch
and ONNX Runtime in float32.
OUT/int8 and OUT/float32 get the pictures of both, for `python -m benchmarks.perceptual.jury`.
Without VNNI, integers are hardly faster than float32.
"""

import argparse
import tempfile
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from benchmarks.report import in_turns, report
from faststyle_fastai.all import Stylizer, export_onnx, picture_files, read_picture, save_picture
from faststyle_fastai.images.sizes import resized_tensor

SIZES = {"512 px": (512, 512), "1080p": (1920, 1080)}
CALIBRATION, SIDE, ROUNDS = 40, 256, 5
STYLES = "great_wave", "the_scream", "udnie", "composition_vii"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="Folder to calibrate with.")
    parser.add_argument("--paint", required=True, help="Folder of photos to paint.")
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--styles", nargs="+", default=STYLES)
    args = parser.parse_args()
    photos = picture_files(Path(args.photos))[:CALIBRATION]
    with tempfile.TemporaryDirectory() as folder:
        for style in args.styles:
            exact = Stylizer(style, "cpu", "float32")
            plain = export_onnx(exact, Path(folder) / f"{style}.onnx")
            small = quantized(plain, photos)
            painters = {"float32": exact, "int8": Stylizer(small, "cpu")}
            for file in picture_files(Path(args.paint)):
                for name, paint in painters.items():
                    save_picture(paint(file), args.pictures / name / style / f"{file.stem}.png")
        runs = {
            "PyTorch, float32": exact.paint,
            "ONNX Runtime, float32": Stylizer(plain, "cpu").paint,
            "ONNX Runtime, int8": painters["int8"].paint,
        }
        picture, rows = read_picture(file), []
        for size, shape in SIZES.items():
            x = resized_tensor(picture, shape)
            seconds = in_turns(runs, x, ROUNDS)
            wanted = exact.paint(x)
            for name, run in runs.items():
                row = {"picture": size, "runtime": name, "s": seconds[name]}
                row["error, of 255"] = (run(x) - wanted).abs().mean().item() * 255
                rows.append(row)
    report("int8", rows, per_cpu=True)


def quantized(path, photos):
    "The network with 8-bit weights and features in all convolutions but the first and the last."
    ready, out = path.with_suffix(".ready.onnx"), path.with_suffix(".int8.onnx")
    quant_pre_process(path, ready, skip_symbolic_shape=True)
    layers = [node.name for node in onnx.load(ready).graph.node if node.op_type == "Conv"]
    quantize_static(
        ready, out, Photos(photos), op_types_to_quantize=["Conv"], per_channel=True,
        nodes_to_exclude=[layers[0], layers[-1]],
        # With signed weights, sums of products overflow on CPUs without VNNI.
        weight_type=QuantType.QUInt8, activation_type=QuantType.QUInt8,
    )  # fmt: skip
    return out


class Photos(CalibrationDataReader):
    def __init__(self, files):
        self.files = iter(files)

    def get_next(self):
        if (file := next(self.files, None)) is None:
            return None
        photo = resized_tensor(read_picture(file), (SIDE, SIDE))
        return {"photo": photo.numpy(), "style": torch.ones(1, 1).numpy()}


if __name__ == "__main__":
    main()
