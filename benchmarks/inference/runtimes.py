"""One style in several runtimes: seconds per image, and the error against PyTorch in float32.

    python -m benchmarks.inference.runtimes PHOTO

PyTorch runs as in `Stylizer`, in float32 and bfloat16, and compiled. ONNX Runtime runs the exported
file with weights in float32, half and int8. OpenVINO, if installed, runs it in float32 and
bfloat16. All take turns in one process. The table shows medians.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path

import torch

from benchmarks.report import in_turns, report
from faststyle_fastai.all import Stylizer, export_onnx, read_picture
from faststyle_fastai.core.devices import computing
from faststyle_fastai.images.sizes import resized_tensor

SIZES = {"256 px": (256, 256), "512 px": (512, 512), "1080p": (1920, 1080)}
STYLE, ROUNDS = "great_wave", 5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo")
    args = parser.parse_args()
    exact, usual = Stylizer(STYLE, precision="float32"), Stylizer(STYLE)
    for paint in (exact, usual):
        paint.info = paint.info | {"palettes": {}}  # not all runtimes have them
    picture, rows = read_picture(args.photo), []
    runs = {"PyTorch, float32": exact.paint, "PyTorch, bfloat16": usual.paint}
    runs["PyTorch, bfloat16, torch.compile"] = compiled(STYLE)
    megabytes = dict.fromkeys(runs, "")
    with tempfile.TemporaryDirectory() as folder:
        for weights in ("float32", "half", "int8"):
            name = f"ONNX Runtime, {weights}"
            path = export_onnx(exact, Path(folder) / f"{weights}.onnx", weights)
            runs[name], megabytes[name] = Stylizer(path).paint, path.stat().st_size / 1e6
        runs |= openvino(Path(folder) / "float32.onnx")
    for size, shape in SIZES.items():
        x = resized_tensor(picture, shape)
        seconds = in_turns(runs, x, ROUNDS)
        wanted = exact.paint(x)
        for name, run in runs.items():
            row = {"picture": size, "runtime": name, "file, MB": megabytes.get(name, "")}
            row["s"] = seconds[name]
            row["error, of 255"] = (run(x) - wanted).abs().mean().item() * 255
            rows.append(row)
    report("runtimes", rows, rounds=ROUNDS)


def compiled(style):
    "The compiled network of a style."
    paint = Stylizer(style)
    net = paint.network([None])
    net.compile(dynamic=False)  # compile for each shape: dynamic shapes take many minutes

    @torch.inference_mode()
    def run(x):
        with computing(paint.device, paint.dtype):
            return net(x).clamp(0, 1)

    return run


def openvino(path):
    "OpenVINO's runs of the file, one per type, or none if it is not installed."
    try:
        from openvino import Core
    except ImportError:
        print("OpenVINO is not installed: its rows are left out.")
        return {}
    core = Core()

    def run(network, x):
        return torch.from_numpy(network([x.numpy(), torch.ones(1, 1).numpy()])[0]).clamp(0, 1)

    hints = {"float32": "f32", "bfloat16": "bf16"}
    return {
        f"OpenVINO, {name}": partial(
            run, core.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": hint})
        )
        for name, hint in hints.items()
    }


if __name__ == "__main__":
    main()
