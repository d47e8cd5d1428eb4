"""Build the wheel of the light distribution, which paints without PyTorch:

    python tools/make_light.py OUT

Its networks are exported to ONNX here. What needs no PyTorch is copied from the package, so that
nothing is written twice.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import make_graphs
import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.func import functional_call

from faststyle_fastai.core.assets import ASSETS
from faststyle_fastai.inference.onnx import packed
from faststyle_fastai.inference.stylizer import Stylizer
from faststyle_fastai.models.people import people_net

program_of = make_graphs.program_of
ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "faststyle_fastai"
SHARED = {  # rooms of the package -> what the light distribution takes of them
    "core": "assets atomic errors extras interrupts prefetch terminal values",
    "images": "color discovery files formats metadata named_colors odd opening remote "
    "saving shapes sheets",
    "inference": "builtin options",
    "cli": "checks doctor help loading options pipes plans running stylize",
}
LESS = b"LESS"  # see light/faststyle/inference/networks.py


def main(out: Path):
    with TemporaryDirectory() as scratch:
        tree = Path(scratch) / "light"
        gather(tree)
        for name, program in PROGRAMS.items():
            (tree / "faststyle" / "assets" / f"{name}.onnx").write_bytes(program())
        build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
        subprocess.run([*build, "-w", out, tree], check=True)
    print(*out.glob("faststyle-*.whl"))


def gather(tree: Path):
    "Copy the light distribution's own files, and those that it shares with the package."
    shutil.copytree(ROOT / "light", tree, ignore=shutil.ignore_patterns("tests"))
    for room, names in SHARED.items():
        (tree / "faststyle" / room).mkdir(exist_ok=True)
        for name in ["__init__", *names.split()]:
            shutil.copy(PACKAGE / room / f"{name}.py", tree / "faststyle" / room / f"{name}.py")
    shutil.copy(PACKAGE / "__init__.py", tree / "faststyle" / "version.py")
    (tree / "faststyle" / "assets").mkdir()
    shutil.copytree(ASSETS / "gallery", tree / "faststyle" / "assets" / "gallery")
    palettes = Stylizer("gallery", "cpu").info["palettes"]
    (tree / "faststyle" / "assets" / "palettes.json").write_text(json.dumps(palettes))
    for name in ("LICENSE", "THIRD_PARTY_LICENSES.txt"):
        shutil.copy(ROOT / name, tree / name)


class Gallery(nn.Module):
    "The network of the built-in styles, between its base and itself."

    def __init__(self, paint: Stylizer):
        super().__init__()
        assert paint.base
        self.net, self.n_styles = paint.net, paint.net.n_styles
        own = dict(self.net.named_parameters())
        for i, (name, weight) in enumerate(paint.base.items()):
            self.register_buffer(f"more{i}", own[name].detach() - weight)
        self.names = [*paint.base]

    def forward(self, photo: Tensor, style: Tensor, less: Tensor) -> Tensor:
        own = dict(self.net.named_parameters())
        for i, name in enumerate(self.names):
            own[name] = own[name] - less * getattr(self, f"more{i}")
        return functional_call(self.net, own, (photo, style))


def gallery_program():
    """The network of the built-in styles, as an .onnx file.

    `less`, 1 - strength, is a constant of the program, so that ONNX Runtime computes the kernels
    only once, when it loads it. Its bytes, `LESS`, are there once, for others to be put in.
    """
    from onnx import numpy_helper

    net = Gallery(Stylizer("gallery", "cpu", "float32"))
    program = make_graphs.network(net, program_of, less=torch.zeros(1))
    inputs = program.graph.input
    inputs.remove(next(each for each in inputs if each.name == "less"))
    mark = np.frombuffer(LESS, np.float32)
    program.graph.initializer.append(numpy_helper.from_array(mark, "less"))
    found = packed(program)
    assert found.count(LESS) == 1
    return found


def people_program(name, given, found):
    net, batch = people_net(name), Dim("batch", min=1)
    example = torch.rand(2, 3, net.side, net.side)
    return packed(program_of(net, (example,), [given], found, dynamic_shapes=({0: batch},)))


PROGRAMS: dict[str, Callable[[], bytes]] = {
    "places": lambda: packed(make_graphs.places(program_of)),
    "neighbors": lambda: packed(make_graphs.neighbors("full", True, program_of), "int8"),
    "gallery": gallery_program,
    "face": partial(people_program, "face", "windows", ["scores", "boxes"]),
    "person": partial(people_program, "person", "photo", ["likely"]),
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
