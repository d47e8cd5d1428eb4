"Files of built-in networks; weights in 8 bits, as `core.weights.unpacked` reads them."

from typing import Any

from torch import Tensor

from faststyle_fastai.core.assets import ASSETS
from faststyle_fastai.core.weights import SCALE
from faststyle_fastai.models.stylefile import write_style


def compact(
    state: dict[str, Tensor],  # of a network of convolutions
) -> dict[str, Tensor]:
    "Weights of convolutions in 8 bits, each output channel with a scale; others in half precision."
    made = {}
    for name, value in state.items():
        if value.dim() < 4:
            made[name] = value.half()
            continue
        scale = value.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-12) / 127
        made |= {name: (value / scale).round().char(), name + SCALE: scale.float()}
    return made


def write_asset(state: dict[str, Tensor], info: dict[str, Any], name: str, arch: str) -> None:
    "Write the file that `builtin_path` finds, perhaps the first of this arch, and print its size."
    path = ASSETS / f"{name if arch == 'full' else f'{name}-{arch}'}.safetensors"
    write_style(state, info, path)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
