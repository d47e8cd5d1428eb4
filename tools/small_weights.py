"Weights in 8 bits, as `core.weights.unpacked` reads them."

from torch import Tensor

from faststyle_fastai.core.weights import SCALE


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
