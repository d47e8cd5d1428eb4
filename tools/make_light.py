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

import torch
from torch.export import Dim

from faststyle_fastai.core.assets import ASSETS
from faststyle_fastai.inference.onnx import packed, program_of, traced
from faststyle_fastai.inference.sight_onnx import neighbors_program, places_program
from faststyle_fastai.inference.stylizer import Stylizer
from faststyle_fastai.models.people import people_net

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "faststyle_fastai"
SHARED = {  # rooms of the package -> what the light distribution takes of them
    "core": "assets atomic errors extras interrupts prefetch terminal values",
    "images": "color discovery files formats metadata named_colors odd opening raw remote saving "
    "shapes sheets",
    "inference": "builtin options",
    "cli": "checks help loading options parsers pipes plans running stylize",
}


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


def people_program(name, given, found):
    net, batch = people_net(name), Dim("batch", min=1)
    example = torch.rand(2, 3, net.side, net.side)
    program = program_of(net, (example,), [given], found, dynamic_shapes=({0: batch},))
    return packed(program, "half")


PROGRAMS: dict[str, Callable[[], bytes]] = {
    "places": partial(places_program, "half"),
    "neighbors": partial(neighbors_program, "full", alike=True),
    "gallery": lambda: packed(traced(Stylizer("gallery", "cpu", "float32").net), "half"),
    "face": partial(people_program, "face", "windows", ["scores", "boxes"]),
    "person": partial(people_program, "person", "photo", ["likely"]),
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
